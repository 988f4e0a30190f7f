/* The slots, the lists and the mover; message.h has the picture. */
#include "broker/core/message.h"

#include <stdlib.h>

#include "base/error.h"
#include "broker/core/state.h"

static const bool allowed[MESSAGE_STATES][MESSAGE_STATES] = {
    [MESSAGE_FREE] = {[MESSAGE_READY] = true},
    [MESSAGE_READY] = {[MESSAGE_FREE] = true, [MESSAGE_LEASED] = true, [MESSAGE_PARKED] = true},
    [MESSAGE_DELAYED] = {[MESSAGE_READY] = true},
    [MESSAGE_LEASED] = {[MESSAGE_FREE] = true,
                        [MESSAGE_READY] = true,
                        [MESSAGE_DELAYED] = true,
                        [MESSAGE_PARKED] = true},
    [MESSAGE_PARKED] = {[MESSAGE_FREE] = true, [MESSAGE_READY] = true},
};

void
messages_init(struct messages *ms)
{
    *ms = (struct messages){.free = NO_HANDLE};
}

void
messages_deinit(struct messages *ms)
{
    for (uint32_t i = 0; i < ms->n_chunks; i++)
        free(ms->chunks[i]);
    free(ms->chunks);
}

uint32_t
messages_new(struct messages *ms)
{
    uint32_t handle = ms->free;

    if (handle != NO_HANDLE) {
        ms->free = messages_at(ms, handle)->next;
    } else {
        if (ms->used == ms->n_chunks << MESSAGE_CHUNK_BITS) {
            if (ms->n_chunks == ms->chunks_cap) {
                ms->chunks_cap = ms->chunks_cap == 0 ? 16 : ms->chunks_cap * 2;
                ms->chunks = mem_grow(ms->chunks, ms->chunks_cap, sizeof(*ms->chunks));
            }
            ms->chunks[ms->n_chunks++] = mem_new(MESSAGE_CHUNK, sizeof(struct msg));
        }
        handle = ms->used++;
    }
    *messages_at(ms, handle) = (struct msg){.state = MESSAGE_FREE};
    ms->n++;
    return handle;
}

void
messages_release(struct messages *ms, uint32_t handle)
{
    struct msg *m = messages_at(ms, handle);

    sluice_assert(m->state == MESSAGE_FREE && m->seq != 0);
    *m = (struct msg){.next = ms->free};
    ms->free = handle;
    ms->n--;
}

uint64_t
messages_bytes(const struct messages *ms)
{
    return (uint64_t)ms->n_chunks * MESSAGE_CHUNK * sizeof(struct msg) +
           (uint64_t)ms->chunks_cap * sizeof(*ms->chunks);
}

void
msg_list_init(struct msg_list *l)
{
    *l = (struct msg_list){.head = NO_HANDLE, .tail = NO_HANDLE};
}

void
msg_list_append(struct messages *ms, struct msg_list *l, uint32_t handle)
{
    struct msg *m = messages_at(ms, handle);

    m->next = NO_HANDLE;
    m->prev = l->tail;
    if (l->tail == NO_HANDLE)
        l->head = handle;
    else
        messages_at(ms, l->tail)->next = handle;
    l->tail = handle;
    l->n++;
}

void
msg_list_prepend(struct messages *ms, struct msg_list *l, uint32_t handle)
{
    struct msg *m = messages_at(ms, handle);

    m->prev = NO_HANDLE;
    m->next = l->head;
    if (l->head == NO_HANDLE)
        l->tail = handle;
    else
        messages_at(ms, l->head)->prev = handle;
    l->head = handle;
    l->n++;
}

void
msg_list_remove(struct messages *ms, struct msg_list *l, uint32_t handle)
{
    struct msg *m = messages_at(ms, handle);

    if (m->prev == NO_HANDLE)
        l->head = m->next;
    else
        messages_at(ms, m->prev)->next = m->next;
    if (m->next == NO_HANDLE)
        l->tail = m->prev;
    else
        messages_at(ms, m->next)->prev = m->prev;
    l->n--;
}

void
msg_list_insert(struct messages *ms, struct msg_list *l, uint32_t handle)
{
    struct msg *m = messages_at(ms, handle);
    uint32_t next = l->head;

    if (l->tail == NO_HANDLE || messages_at(ms, l->tail)->seq < m->seq) {
        msg_list_append(ms, l, handle);
        return;
    }
    while (messages_at(ms, next)->seq < m->seq)
        next = messages_at(ms, next)->next;
    if (next == l->head) {
        msg_list_prepend(ms, l, handle);
        return;
    }
    m->next = next;
    m->prev = messages_at(ms, next)->prev;
    messages_at(ms, m->prev)->next = handle;
    messages_at(ms, next)->prev = handle;
    l->n++;
}

bool
message_may_move(enum message_state from, enum message_state to)
{
    return allowed[from][to];
}

/* READY's list while the journal is replayed is one for all services: done records then still take
 * messages out of its middle. */
static void
ready_link(struct core *c, uint32_t handle, struct msg *m)
{
    struct service *s = &c->services[m->service];

    if (c->replay != NULL)
        msg_list_append(&c->messages, &c->replay->ready, handle);
    else if (msg_is_volatile(m))
        msg_list_insert(&c->messages, &s->volatiles, handle);
    else
        queue_push(&c->messages, (m->flags & RECORD_ALONE) != 0 ? &s->alone : &s->ready, handle);
}

static void
ready_unlink(struct core *c, uint32_t handle, struct msg *m)
{
    struct service *s = &c->services[m->service];

    if (c->replay != NULL)
        msg_list_remove(&c->messages, &c->replay->ready, handle);
    else if (msg_is_volatile(m))
        msg_list_remove(&c->messages, &s->volatiles, handle);
    else
        queue_pop(&c->messages, (m->flags & RECORD_ALONE) != 0 ? &s->alone : &s->ready, handle);
}

void
message_move(struct core *c, uint32_t handle, enum message_state to, uint32_t where)
{
    struct msg *m = messages_at(&c->messages, handle);
    struct service *s = &c->services[m->service];
    enum message_state from = m->state;

    sluice_assert(allowed[from][to]);
    switch (from) {
    case MESSAGE_READY:
        ready_unlink(c, handle, m);
        break;
    case MESSAGE_DELAYED:
        retry_unlink(&c->messages, &c->retry, handle);
        break;
    case MESSAGE_LEASED:
        lease_unlink(c, handle);
        break;
    case MESSAGE_PARKED:
        msg_list_remove(&c->messages, &s->parked, handle);
        break;
    case MESSAGE_FREE:
    case MESSAGE_STATES:
        break;
    }
    s->in_state[from]--;
    s->in_state[to]++;
    m->state = (uint8_t)to;
    switch (to) {
    case MESSAGE_READY:
        ready_link(c, handle, m);
        break;
    case MESSAGE_DELAYED:
        retry_link(&c->messages, &c->retry, handle, where, c->now_us);
        break;
    case MESSAGE_LEASED:
        lease_link(c, handle, where);
        break;
    case MESSAGE_PARKED:
        msg_list_append(&c->messages, &s->parked, handle);
        break;
    case MESSAGE_FREE:
    case MESSAGE_STATES:
        break;
    }
}

uint32_t
message_enter(struct core *c, const struct record *r, uint32_t service, struct place place)
{
    uint32_t message = messages_new(&c->messages);
    struct msg *m = messages_at(&c->messages, message);

    c->live++;
    m->seq = r->seq;
    m->epoch = (uint32_t)r->epoch;
    m->counter = r->counter;
    m->accepted_us = r->accepted_us;
    m->place = place;
    m->service = (uint8_t)service;
    m->flags = r->flags & (RECORD_ACCEPT_NOW | RECORD_NO_OUTCOME);
    m->id_hash = index_id_hash(&c->index, &r->id);
    index_seq_add(&c->index, &c->messages, message);
    index_id_add(&c->index, &c->messages, message);
    return message;
}
