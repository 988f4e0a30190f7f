/* Volatile messages: accepting them and their end by time. */
#include "broker/core/volatile.h"

#include "base/error.h"
#include "broker/core/finish.h"
#include "broker/core/state.h"

void
volatiles_init(struct volatiles *v)
{
    *v = (struct volatiles){.head = NO_HANDLE, .tail = NO_HANDLE};
}

void
volatile_link(struct core *c, uint32_t message)
{
    struct volatiles *v = &c->volatiles;
    struct msg *m = messages_at(&c->messages, message);

    m->id_next = NO_HANDLE;
    m->id_prev = v->tail;
    if (v->tail == NO_HANDLE)
        v->head = message;
    else
        messages_at(&c->messages, v->tail)->id_next = message;
    v->tail = message;
    v->n++;
}

void
volatile_unlink(struct core *c, uint32_t message)
{
    struct volatiles *v = &c->volatiles;
    struct msg *m = messages_at(&c->messages, message);

    if (m->id_prev == NO_HANDLE)
        v->head = m->id_next;
    else
        messages_at(&c->messages, m->id_prev)->id_next = m->id_next;
    if (m->id_next == NO_HANDLE)
        v->tail = m->id_prev;
    else
        messages_at(&c->messages, m->id_next)->id_prev = m->id_prev;
    v->n--;
}

void
volatiles_expire(struct core *c)
{
    while (c->volatiles.head != NO_HANDLE &&
           messages_at(&c->messages, c->volatiles.head)->accepted_us <= c->now_us)
        finish_expire(c, c->volatiles.head);
}

uint32_t
core_accept_volatile(struct core *c, uint32_t client, const struct record *r, uint32_t service,
                     uint32_t volatile_slot, int64_t now_us)
{
    sluice_assert((r->seq & CORE_VOLATILE_SEQ) != 0 && service < c->n_services);
    sluice_assert((r->flags & RECORD_VOLATILE) != 0);
    c->now_us = now_us;
    uint32_t message = messages_new(&c->messages);
    struct msg *m = messages_at(&c->messages, message);
    m->seq = r->seq;
    m->epoch = (uint32_t)r->epoch;
    m->counter = r->counter;
    m->accepted_us = now_us + c->limits.volatile_us;
    m->place = (struct place){.offset = volatile_slot, .length = r->length};
    m->service = (uint8_t)service;
    m->flags = r->flags & (RECORD_VOLATILE | RECORD_NO_OUTCOME);
    index_seq_add(&c->index, &c->messages, message);
    volatile_link(c, message);
    c->services[service].volatile_n++;
    client_take(c, client, message, true);
    message_move(c, message, MESSAGE_READY, 0);
    return message;
}
