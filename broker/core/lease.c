/* Leases: made by dispatch, ended by reports, returns, deaths and time. */
#include "broker/core/lease.h"

#include <stdlib.h>

#include "base/error.h"
#include "broker/core/finish.h"
#include "broker/core/state.h"

void
leases_init(struct leases *ls, uint32_t max_workers)
{
    uint32_t slots = 16;

    while (slots < 4 * max_workers) /* at most two a worker: half are always free */
        slots *= 2;
    *ls = (struct leases){.slots = mem_new(slots, sizeof(*ls->slots)),
                          .mask = slots - 1,
                          .head = NO_HANDLE,
                          .tail = NO_HANDLE};
}

void
leases_deinit(struct leases *ls)
{
    for (uint32_t i = 0; i <= ls->mask; i++)
        free(ls->slots[i].messages);
    free(ls->slots);
}

struct lease *
lease_at(const struct leases *ls, uint32_t number)
{
    struct lease *l = &ls->slots[number & ls->mask];

    return number != 0 && l->number == number ? l : NULL;
}

struct lease *
lease_find(struct core *c, uint32_t number)
{
    struct lease *l = lease_at(&c->leases, number);

    sluice_assert(l != NULL);
    return l;
}

static uint32_t
slot_of(const struct leases *ls, const struct lease *l)
{
    return l->number & ls->mask;
}

static void
expiry_append(struct leases *ls, struct lease *l)
{
    uint32_t slot = slot_of(ls, l);

    l->prev = ls->tail;
    l->next = NO_HANDLE;
    if (ls->tail == NO_HANDLE)
        ls->head = slot;
    else
        ls->slots[ls->tail].next = slot;
    ls->tail = slot;
}

static void
expiry_remove(struct leases *ls, struct lease *l)
{
    if (l->prev == NO_HANDLE)
        ls->head = l->next;
    else
        ls->slots[l->prev].next = l->next;
    if (l->next == NO_HANDLE)
        ls->tail = l->prev;
    else
        ls->slots[l->next].prev = l->prev;
}

struct lease *
lease_new(struct core *c, uint32_t worker, uint32_t cap, bool alone)
{
    struct leases *ls = &c->leases;
    struct worker *w = &c->workers.list[worker];
    uint32_t number = ls->last_number;

    sluice_assert(w->n_leases < WORKER_LEASES_MAX && w->credit_messages > 0);
    do
        number++;
    while (number == 0 || ls->slots[number & ls->mask].number != 0);
    ls->last_number = number;
    struct lease *l = &ls->slots[number & ls->mask];
    *l = (struct lease){.number = number,
                        .worker = worker,
                        .service = w->service,
                        .cap = cap,
                        .messages = mem_new(cap, sizeof(*l->messages)),
                        .deadline_us = c->now_us + c->limits.lease_us,
                        .credit_messages = w->credit_messages,
                        .credit_bytes = w->credit_bytes,
                        .alone = alone};
    expiry_append(ls, l);
    ls->n++;
    c->services[l->service].leases++;
    w->credit_messages = 0;
    if (w->n_leases == 0)
        w->since_us = c->now_us;
    w->leases[w->n_leases++] = number;
    w->batches++;
    worker_place(c, worker);
    return l;
}

void
lease_link(struct core *c, uint32_t message, uint32_t number)
{
    struct msg *m = messages_at(&c->messages, message);
    struct lease *l = lease_find(c, number);

    sluice_assert(l->n < l->cap);
    m->lease = number;
    m->at = l->n;
    l->messages[l->n++] = message;
}

void
lease_unlink(struct core *c, uint32_t message)
{
    struct msg *m = messages_at(&c->messages, message);
    struct lease *l = lease_find(c, m->lease);
    uint32_t last = l->messages[--l->n];

    l->messages[m->at] = last;
    messages_at(&c->messages, last)->at = m->at;
}

void
lease_over(struct core *c, uint32_t number)
{
    struct leases *ls = &c->leases;
    struct lease *l = lease_find(c, number);
    uint32_t worker = l->worker;
    struct worker *w = &c->workers.list[worker];

    sluice_assert(l->n == 0);
    if (!l->held)
        expiry_remove(ls, l);
    c->services[l->service].leases--;
    free(l->messages);
    *l = (struct lease){0};
    ls->n--;
    if (w->leases[0] == number)
        w->leases[0] = w->leases[1];
    w->n_leases--;
    w->since_us = c->now_us; /* idle from now, or the prefetched batch begins now */
    worker_place(c, worker);
}

static int
compare_seq_down(const void *a, const void *b, void *arg)
{
    const struct messages *ms = arg;
    uint64_t x = messages_at(ms, *(const uint32_t *)a)->seq;
    uint64_t y = messages_at(ms, *(const uint32_t *)b)->seq;

    return x < y ? 1 : x > y ? -1 : 0;
}

/* Highest seq first: each then goes to the front of its queue, and out of the end of the array. */
void
lease_give_back(struct core *c, uint32_t number, enum lease_end how)
{
    struct lease *l = lease_find(c, number);

    qsort_r(l->messages, l->n, sizeof(*l->messages), compare_seq_down, &c->messages);
    uint32_t n = l->n, *order = mem_new(n > 0 ? n : 1, sizeof(*order));
    for (uint32_t i = 0; i < n; i++) {
        order[i] = l->messages[i];
        messages_at(&c->messages, order[i])->at = i;
    }
    for (uint32_t i = 0; i < n; i++) {
        struct msg *m = messages_at(&c->messages, order[i]);
        if (how == LEASE_UNDELIVERED && m->attempt < UINT8_MAX)
            m->attempt--;
        if (how == LEASE_DIED)
            finish_death(c, order[i], l->alone);
        else
            message_move(c, order[i], MESSAGE_READY, 0);
        if (how != LEASE_UNDELIVERED)
            c->redelivered++;
    }
    free(order);
    if (how == LEASE_UNDELIVERED) {
        struct worker *w = &c->workers.list[l->worker];
        if (w->credit_messages == 0) {
            w->credit_messages = l->credit_messages;
            w->credit_bytes = l->credit_bytes;
        }
        w->batches--;
    }
    lease_over(c, number);
}

/* All of its time again. */
static void
lease_renew(struct core *c, struct lease *l)
{
    expiry_remove(&c->leases, l);
    l->deadline_us = c->now_us + c->limits.lease_us;
    expiry_append(&c->leases, l);
}

void
lease_unhold(struct core *c, struct lease *l)
{
    if (!l->held)
        return;
    l->held = false;
    l->deadline_us = c->now_us + c->limits.lease_us;
    expiry_append(&c->leases, l);
}

void
leases_expire(struct core *c)
{
    struct leases *ls = &c->leases;

    while (ls->head != NO_HANDLE && ls->slots[ls->head].deadline_us <= c->now_us) {
        struct lease *l = &ls->slots[ls->head];
        uint32_t worker = l->worker;
        c->expired_leases++;
        /* It hangs, or never had the batch: nothing more until it has introduced itself anew. */
        c->workers.list[worker].credit_messages = 0;
        lease_give_back(c, l->number, LEASE_DIED);
        effects_add(&c->effects, EFFECT_RESET_WORKER)->worker = worker;
    }
}

void
leases_shift(struct leases *ls, int64_t gap_us)
{
    for (uint32_t slot = ls->head; slot != NO_HANDLE; slot = ls->slots[slot].next)
        ls->slots[slot].deadline_us += gap_us;
}

/* The lease, if this worker holds it. */
static struct lease *
lease_of(struct core *c, uint32_t worker, uint32_t number)
{
    struct lease *l = lease_at(&c->leases, number);

    return l != NULL && l->worker == worker ? l : NULL;
}

size_t
core_lease_messages(const struct core *c, uint32_t lease, const uint32_t **ret_messages)
{
    const struct lease *l = lease_at(&c->leases, lease);

    if (l == NULL)
        return 0;
    *ret_messages = l->messages;
    return l->n;
}

void
core_undeliver(struct core *c, uint32_t lease, int64_t now_us)
{
    c->now_us = now_us;
    if (lease_at(&c->leases, lease) != NULL)
        lease_give_back(c, lease, LEASE_UNDELIVERED);
}

bool
core_lease_extend(struct core *c, uint32_t worker, uint32_t lease, int64_t now_us)
{
    struct lease *l = lease_of(c, worker, lease);

    c->now_us = now_us;
    core_worker_heard(c, worker, now_us);
    if (l == NULL)
        return false;
    if (!l->held)
        lease_renew(c, l);
    return true;
}

bool
core_lease_return(struct core *c, uint32_t worker, uint32_t lease, int64_t now_us)
{
    struct lease *l = lease_of(c, worker, lease);

    c->now_us = now_us;
    core_worker_heard(c, worker, now_us);
    if (l == NULL)
        return false;
    lease_give_back(c, lease, LEASE_RETURNED);
    return true;
}

void
core_lease_hold(struct core *c, uint32_t lease)
{
    struct lease *l = lease_at(&c->leases, lease);

    if (l == NULL || l->held)
        return;
    expiry_remove(&c->leases, l);
    l->held = true;
}
