/* The frames of the native protocol (schemas/protocol.md is the specification):
 *
 *   [0] 4 bytes  'S' 'L' 'U' 1        version
 *   [1] 1 byte   command              commands.def
 *   [2] msgpack map, string keys      header: small; unknown keys are skipped
 *   [3] records or entries            optional
 *   [4] follow-up records             REPORT only, optional
 *
 * On a ROUTER the peer's routing id comes before; a message never starts with an empty frame.
 * Sending and receiving go over raw zmq_msg; a struct message owns its frames until message_clear.
 */
#ifndef SLUICE_SCHEMAS_WIRE_MESSAGE_H
#define SLUICE_SCHEMAS_WIRE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zmq.h>

#include "base/buf.h"
#include "schemas/wire/codes.h"

#define WIRE_VERSION "SLU\x01"
#define WIRE_VERSION_BYTES 4
#define WIRE_HEADER_MAX (64 * 1024) /* bytes of frame 2 */
#define WIRE_FRAMES_MAX 5

struct message {
    zmq_msg_t peer;                    /* routing id; only on a ROUTER */
    zmq_msg_t frames[WIRE_FRAMES_MAX]; /* [0] and [1] checked and closed already */
    unsigned n_frames;                 /* 3…5, counting version and command */
    bool has_peer;
    uint8_t command;
    const char *fault; /* after MESSAGE_BAD: the code for ERROR ("version", "command", "header") */
};

enum message_outcome {
    MESSAGE_OK = 0,
    MESSAGE_NONE = 1, /* receive: nothing there; send: EAGAIN, nothing was sent */
    MESSAGE_BAD = 2,  /* received something that is no native message; it was dropped whole;
                         if it came from a ROUTER, peer is set so that ERROR can be sent */
    MESSAGE_GONE = 3, /* send: EHOSTUNREACH, the peer is gone */
};

void message_init(struct message *m);
void message_clear(struct message *m); /* closes frames; m can be used again */
/* Never blocks. router: expect a routing id in front. */
int message_receive(void *socket, bool router, struct message *m);
/* Frame f (2…4) as bytes; size 0 when absent. */
const uint8_t *message_frame(const struct message *m, unsigned f, size_t *ret_size);

/* Sends version, command, header and up to two more frames; never blocks. peer may be NULL
 * (DEALER). On MESSAGE_OK bodies are taken over (emptied); else they are untouched. bodies may be
 * NULL. */
int message_send(void *socket, const void *peer, size_t peer_size, uint8_t command,
                 const struct buf *header, zmq_msg_t *bodies, unsigned n_bodies);

#endif
