/* One connection to one broker: a DEALER that is thrown away and made anew when the broker falls
 * silent, behind an epoll fd that stays. Inner header of client/lib; what is said over it is its
 * owner's.
 *
 *            LINK_OPENED                link_welcomed
 *   DOWN ───────────────▶ GREETING ───────────────▶ UP
 *    ▲                       │ ▲                     │
 *    └───────LINK_LOST───────┘ └────link_reset───────┤
 *    └───────────────────────────────────LINK_LOST───┘
 *
 * libzmq reconnects a DEALER by itself; ZMQ_IMMEDIATE makes that visible (no connection: not
 * writable), so that the owner greets each new connection before anything else. A change too quick
 * to be seen ends in RESET from the broker, which has the same effect. */
#ifndef SLUICE_CLIENT_LIB_LINK_H
#define SLUICE_CLIENT_LIB_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "schemas/wire/message.h"

enum link_state { LINK_DOWN, LINK_GREETING, LINK_UP };

enum link_event {
    LINK_QUIET = 0,
    LINK_OPENED = 1, /* say HELLO or READY now; the state is GREETING */
    LINK_LOST = 2,   /* the connection broke; the state is DOWN; look again */
    LINK_SILENT = 3, /* as LINK_LOST, because nothing was heard for three intervals */
};

struct link {
    enum link_state state;
    void *context, *socket;
    bool owns_context;
    bool readable, writable; /* as of the last link_look */
    bool stirred;            /* used since: look again before sleeping on fd */
    int fd;                  /* epoll, holds the socket's ZMQ_FD */
    int linger_ms;
    char *endpoint;
    int64_t heartbeat_us; /* the broker's; LINK_HEARTBEAT_US until WELCOME */
    int64_t heard_us, sent_us;
    int64_t looked_us; /* the last link_look: a long gap was our own pause, not the broker's */
};

#define LINK_HEARTBEAT_US ((int64_t)1000000)
#define LINK_SILENT_INTERVALS 3
#define LINK_MESSAGE_MAX ((int64_t)192 << 20) /* a fuse above any batch */

int link_init(struct link *l, void *context, const char *endpoint, int linger_ms);
/* Blocks at most linger_ms, if the context is its own. */
void link_deinit(struct link *l);

/* Reads the socket's state; libzmq may take news in at any call, so that fd alone does not tell.
 * Two system calls. Call until it says LINK_QUIET. Silence is only believed when there is nothing
 * to read, and time in which nobody looked does not count. */
int link_look(struct link *l, int64_t now_us);
/* As message_receive, and notes that the broker lives. */
int link_receive(struct link *l, struct message *m, int64_t now_us);
/* As message_send. */
int link_send(struct link *l, uint8_t command, const struct buf *header, zmq_msg_t *bodies,
              unsigned n_bodies);
/* WELCOME came: the state is UP. */
void link_welcomed(struct link *l, int64_t heartbeat_us);
/* RESET came: the state is GREETING, greet again. */
void link_reset(struct link *l);
/* HEARTBEAT if nothing else was sent for an interval; returns when to look again. */
int64_t link_beat(struct link *l, int64_t now_us);

#endif
