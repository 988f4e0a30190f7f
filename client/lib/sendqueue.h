/* What waits to be handed to ZeroMQ, in order, bounded in bytes. Inner header of client/lib. */
#ifndef SLUICE_CLIENT_LIB_SENDQUEUE_H
#define SLUICE_CLIENT_LIB_SENDQUEUE_H

#include <stdbool.h>
#include <stdint.h>
#include <zmq.h>

#include "base/buf.h"
#include "client/lib/link.h"

struct sendqueue_item;

struct sendqueue {
    struct sendqueue_item *first, **last_p;
    uint64_t bytes, max_bytes; /* an item counts for its frames and a fixed share of memory */
};

void sendqueue_init(struct sendqueue *q, uint64_t max_bytes);
void sendqueue_deinit(struct sendqueue *q);
void sendqueue_clear(struct sendqueue *q);
/* Copies the header, moves the bodies. false: full, nothing was taken. */
bool sendqueue_push(struct sendqueue *q, uint8_t command, const struct buf *header,
                    zmq_msg_t *bodies, unsigned n_bodies);
/* Sends until the link takes no more. */
void sendqueue_pump(struct sendqueue *q, struct link *l);

#endif
