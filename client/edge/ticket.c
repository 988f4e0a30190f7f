/* Rings of tickets. */
#include "client/edge/ticket.h"

#include <stddef.h>

void
ticket_queue_init(struct ticket_queue *q, int64_t delay_us)
{
    q->head = (struct ticket){.prev = &q->head, .next = &q->head};
    q->delay_us = delay_us;
}

void
ticket_stop(struct ticket *t)
{
    if (t->next == NULL)
        return;
    t->prev->next = t->next;
    t->next->prev = t->prev;
    t->prev = t->next = NULL;
}

void
ticket_start(struct ticket_queue *q, struct ticket *t, int64_t now_us)
{
    ticket_stop(t);
    t->due_us = now_us + q->delay_us;
    t->next = &q->head;
    t->prev = q->head.prev;
    t->prev->next = t;
    q->head.prev = t;
}

struct ticket *
ticket_pop_due(struct ticket_queue *q, int64_t now_us)
{
    struct ticket *t = q->head.next;

    if (t == &q->head || t->due_us > now_us)
        return NULL;
    ticket_stop(t);
    return t;
}

int64_t
ticket_next_us(const struct ticket_queue *q)
{
    return q->head.next == &q->head ? TICKET_NEVER : q->head.next->due_us;
}
