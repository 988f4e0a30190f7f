/* A queue of READY messages of one service, lowest seq first.
 *
 * What comes in order (new messages, or a batch given back whole) lives in a list: O(1). What comes
 * back into the middle lives in a pairing heap through the same two links (next = sibling, prev =
 * first child): pushing is O(1), taking the lowest O(log n) amortised. The lowest of both is first.
 */
#ifndef SLUICE_BROKER_CORE_QUEUE_H
#define SLUICE_BROKER_CORE_QUEUE_H

#include "broker/core/message.h"

struct queue {
    struct msg_list list;
    uint32_t heap, n_heap;
    uint64_t bytes;
};

void queue_init(struct queue *q);
void queue_push(struct messages *ms, struct queue *q, uint32_t handle);
/* The lowest seq; NO_HANDLE: empty. */
uint32_t queue_first(const struct messages *ms, const struct queue *q);
/* handle must be the first. */
void queue_pop(struct messages *ms, struct queue *q, uint32_t handle);

static inline uint32_t
queue_n(const struct queue *q)
{
    return q->list.n + q->n_heap;
}

#endif
