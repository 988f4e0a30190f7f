/* The records a client holds until the broker answers for them, in the batches they are sent in.
 *
 * Batches stand in one list, oldest first: those sent, then those to be sent, then the one that
 * gathers. ZeroMQ sends a batch's bytes where they lie; a batch is freed when none of its records
 * is in flight any more and ZeroMQ has let go of it (on its own thread: hence the counted
 * references). After a reconnect everything in flight is to be sent again; batches of which a part
 * was answered are compacted then.
 *
 * Window: what was sent and not answered, in messages and bytes. Knows nothing of sockets' states.
 * Inner header of client/lib. */
#ifndef SLUICE_CLIENT_LIB_OUTBOX_H
#define SLUICE_CLIENT_LIB_OUTBOX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <zmq.h>

#include "base/buf.h"
#include "client/lib/requests.h"
#include "schemas/wire/record.h"

#define OUTBOX_BATCH_BYTES ((size_t)1 << 20)
#define OUTBOX_BATCH_MESSAGES 1024

struct outbox_batch {
    struct outbox_batch *next, *prev;
    struct buf bytes;
    atomic_uint refs;
    uint32_t n, n_in_flight; /* records; of them not answered */
    uint64_t in_flight_bytes;
    bool sent;
};

struct outbox {
    struct outbox_batch *first, *last;
    struct outbox_batch *gathering; /* NULL, or last */
    struct outbox_batch *unsent;    /* the first one to be sent */
    uint32_t n_in_flight;
    uint64_t held_bytes; /* of all batches in the list */
    uint32_t window_n;   /* sent and not answered */
    uint64_t window_bytes;
};

void outbox_init(struct outbox *o);
void outbox_deinit(struct outbox *o);

/* Appends r (counter and incarnation set) and leaves its body to the caller. Fills in req's batch.
 */
void outbox_reserve(struct outbox *o, const struct record *r, struct request *req,
                    uint8_t **ret_body);
/* The gathering batch is to be sent. */
void outbox_flush(struct outbox *o);
/* The next batch to send, if it fits into a window of so many messages and bytes (a batch alone
 * always does). *ret_frame then shares its bytes: send it and say outbox_sent, or close it. */
bool outbox_next(struct outbox *o, uint32_t window_n, uint64_t window_bytes, zmq_msg_t *ret_frame);
void outbox_sent(struct outbox *o);
/* The request's record was answered for, or is not wanted any more. */
void outbox_release(struct outbox *o, struct request *req);
/* The connection is a new one: all in flight is to be sent (again). Returns how many had been sent.
 */
uint32_t outbox_rewind(struct outbox *o, const struct requests *requests);

#endif
