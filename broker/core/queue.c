/* List in front, heap for latecomers; queue.h says why. */
#include "broker/core/queue.h"

#include "base/error.h"

static uint32_t
heap_meld(struct messages *ms, uint32_t a, uint32_t b)
{
    if (a == NO_HANDLE)
        return b;
    if (b == NO_HANDLE)
        return a;
    if (messages_at(ms, b)->seq < messages_at(ms, a)->seq) {
        uint32_t t = a;
        a = b;
        b = t;
    }
    struct msg *root = messages_at(ms, a), *child = messages_at(ms, b);
    child->next = root->prev;
    root->prev = b;
    return a;
}

/* The children of a removed root, in two passes. */
static uint32_t
heap_gather(struct messages *ms, uint32_t first)
{
    uint32_t pairs = NO_HANDLE, heap = NO_HANDLE;

    while (first != NO_HANDLE) {
        uint32_t a = first, b = messages_at(ms, a)->next;
        first = b == NO_HANDLE ? NO_HANDLE : messages_at(ms, b)->next;
        messages_at(ms, a)->next = NO_HANDLE;
        if (b != NO_HANDLE)
            messages_at(ms, b)->next = NO_HANDLE;
        a = heap_meld(ms, a, b);
        messages_at(ms, a)->next = pairs;
        pairs = a;
    }
    while (pairs != NO_HANDLE) {
        uint32_t next = messages_at(ms, pairs)->next;
        messages_at(ms, pairs)->next = NO_HANDLE;
        heap = heap_meld(ms, heap, pairs);
        pairs = next;
    }
    return heap;
}

void
queue_init(struct queue *q)
{
    *q = (struct queue){.heap = NO_HANDLE};
    msg_list_init(&q->list);
}

void
queue_push(struct messages *ms, struct queue *q, uint32_t handle)
{
    struct msg *m = messages_at(ms, handle);

    q->bytes += m->place.length;
    if (q->list.n == 0 || m->seq > messages_at(ms, q->list.tail)->seq) {
        msg_list_append(ms, &q->list, handle);
    } else if (m->seq < messages_at(ms, q->list.head)->seq) {
        msg_list_prepend(ms, &q->list, handle);
    } else {
        m->next = m->prev = NO_HANDLE;
        q->heap = heap_meld(ms, q->heap, handle);
        q->n_heap++;
    }
}

uint32_t
queue_first(const struct messages *ms, const struct queue *q)
{
    if (q->heap == NO_HANDLE)
        return q->list.head;
    if (q->list.head == NO_HANDLE ||
        messages_at(ms, q->heap)->seq < messages_at(ms, q->list.head)->seq)
        return q->heap;
    return q->list.head;
}

void
queue_pop(struct messages *ms, struct queue *q, uint32_t handle)
{
    struct msg *m = messages_at(ms, handle);

    q->bytes -= m->place.length;
    if (handle == q->heap) {
        q->heap = heap_gather(ms, m->prev);
        q->n_heap--;
        return;
    }
    sluice_assert(handle == q->list.head);
    msg_list_remove(ms, &q->list, handle);
}
