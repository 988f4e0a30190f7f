/* Workers: READY, credit, silence, leaving. */
#include "broker/core/worker.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "broker/core/state.h"

#define SILENT_INTERVALS 3

void
workers_init(struct workers *ws, uint32_t max)
{
    sluice_assert(max > 0 && max < UINT16_MAX);
    *ws = (struct workers){
        .max = max, .list = mem_new(max, sizeof(*ws->list)), .next_silent_us = INT64_MAX};
}

void
workers_deinit(struct workers *ws)
{
    free(ws->list);
}

struct worker *
worker_at(struct core *c, uint32_t worker)
{
    if (worker >= c->workers.used || !c->workers.list[worker].used)
        return NULL;
    return &c->workers.list[worker];
}

static void
worker_unlist(struct core *c, struct worker *w)
{
    struct worker_list *l = w->list;

    if (l == NULL)
        return;
    if (w->prev == NO_HANDLE)
        l->head = w->next;
    else
        c->workers.list[w->prev].next = w->next;
    if (w->next == NO_HANDLE)
        l->tail = w->prev;
    else
        c->workers.list[w->next].prev = w->prev;
    l->n--;
    w->list = NULL;
}

/* Longest first: who comes now is nearly always the newest, so the walk begins at the tail. */
static void
worker_list_add(struct core *c, struct worker_list *l, uint32_t worker)
{
    struct worker *w = &c->workers.list[worker];
    uint32_t after = l->tail;

    while (after != NO_HANDLE && c->workers.list[after].since_us > w->since_us)
        after = c->workers.list[after].prev;
    w->prev = after;
    w->next = after == NO_HANDLE ? l->head : c->workers.list[after].next;
    if (w->prev == NO_HANDLE)
        l->head = worker;
    else
        c->workers.list[w->prev].next = worker;
    if (w->next == NO_HANDLE)
        l->tail = worker;
    else
        c->workers.list[w->next].prev = worker;
    l->n++;
    w->list = l;
}

void
worker_place(struct core *c, uint32_t worker)
{
    struct worker *w = &c->workers.list[worker];
    struct service *s = &c->services[w->service];

    worker_unlist(c, w);
    if (w->credit_messages == 0 || w->draining)
        return;
    if (w->n_leases == 0)
        worker_list_add(c, &s->idle, worker);
    else if (w->n_leases == 1 && !lease_find(c, w->leases[0])->alone)
        worker_list_add(c, &s->busy, worker);
}

/* Its leases, newest first: their messages go to the front of the queues in order. */
static void
worker_give_back(struct core *c, struct worker *w, enum lease_end how)
{
    while (w->n_leases > 0)
        lease_give_back(c, w->leases[w->n_leases - 1], how);
}

void
worker_forget(struct core *c, uint32_t worker, enum worker_end how)
{
    struct worker *w = &c->workers.list[worker];
    struct service *s = &c->services[w->service];

    w->credit_messages = 0;
    worker_give_back(c, w, how == WORKER_DIED ? LEASE_DIED : LEASE_RETURNED);
    worker_unlist(c, w);
    s->workers--;
    if (w->draining)
        s->draining--;
    w->used = false;
    c->workers.n--;
}

static void
worker_gone(struct core *c, uint32_t worker)
{
    worker_forget(c, worker, WORKER_DIED);
    effects_add(&c->effects, EFFECT_WORKER_GONE)->worker = worker;
}

static uint32_t
worker_slot(struct workers *ws)
{
    if (ws->n == ws->max)
        return NO_HANDLE;
    for (;;) {
        uint32_t slot = ws->hint;
        ws->hint = slot + 1 == ws->max ? 0 : slot + 1;
        if (slot >= ws->used)
            ws->used = slot + 1;
        if (!ws->list[slot].used)
            return slot;
    }
}

uint32_t
core_worker_ready(struct core *c, const char *name, size_t name_len, uint64_t incarnation,
                  uint32_t service, int64_t now_us)
{
    if (name_len == 0 || name_len > WORKER_NAME_MAX || service >= c->n_services)
        return CORE_NOBODY;
    c->now_us = now_us;
    for (uint32_t i = 0; i < c->workers.used; i++) {
        struct worker *w = &c->workers.list[i];
        if (!w->used || strlen(w->name) != name_len || memcmp(w->name, name, name_len) != 0)
            continue;
        if (w->incarnation == incarnation && w->service == service) { /* a new connection */
            w->heard_us = now_us;
            w->credit_messages = 0;
            worker_place(c, i);
            return i;
        }
        worker_gone(c, i);
    }
    uint32_t worker = worker_slot(&c->workers);
    if (worker == NO_HANDLE)
        return CORE_NOBODY;
    struct worker *w = &c->workers.list[worker];
    *w = (struct worker){.incarnation = incarnation,
                         .heard_us = now_us,
                         .since_us = now_us,
                         .service = service,
                         .used = true};
    memcpy(w->name, name, name_len);
    c->workers.n++;
    c->services[service].workers++;
    if (now_us + SILENT_INTERVALS * c->limits.heartbeat_us < c->workers.next_silent_us)
        c->workers.next_silent_us = now_us + SILENT_INTERVALS * c->limits.heartbeat_us;
    return worker;
}

void
core_worker_heard(struct core *c, uint32_t worker, int64_t now_us)
{
    struct worker *w = worker_at(c, worker);

    if (w != NULL && now_us > w->heard_us)
        w->heard_us = now_us;
}

void
core_worker_pull(struct core *c, uint32_t worker, uint32_t messages, uint64_t bytes, int64_t now_us)
{
    struct worker *w = worker_at(c, worker);

    if (w == NULL)
        return;
    c->now_us = now_us;
    core_worker_heard(c, worker, now_us);
    w->credit_messages = messages > LEASE_MESSAGES_MAX ? LEASE_MESSAGES_MAX : messages;
    w->credit_bytes = bytes;
    worker_place(c, worker);
}

void
core_worker_void(struct core *c, uint32_t worker, int64_t now_us)
{
    struct worker *w = worker_at(c, worker);

    c->now_us = now_us;
    if (w != NULL)
        worker_give_back(c, w, LEASE_RETURNED);
}

void
core_worker_bye(struct core *c, uint32_t worker, int64_t now_us)
{
    c->now_us = now_us;
    if (worker_at(c, worker) != NULL)
        worker_forget(c, worker, WORKER_LEFT);
}

void
core_worker_gone(struct core *c, uint32_t worker, int64_t now_us)
{
    c->now_us = now_us;
    if (worker_at(c, worker) != NULL)
        worker_gone(c, worker);
}

void
core_worker_drain(struct core *c, uint32_t worker)
{
    struct worker *w = worker_at(c, worker);

    if (w == NULL)
        return;
    if (!w->draining)
        c->services[w->service].draining++;
    w->draining = true;
    worker_place(c, worker);
    effects_add(&c->effects, EFFECT_DRAIN_WORKER)->worker = worker;
}

void
workers_expire(struct core *c)
{
    int64_t silent_us = SILENT_INTERVALS * c->limits.heartbeat_us;

    if (c->now_us < c->workers.next_silent_us)
        return;
    c->workers.next_silent_us = INT64_MAX;
    for (uint32_t i = 0; i < c->workers.used; i++) {
        struct worker *w = &c->workers.list[i];
        if (!w->used)
            continue;
        if (c->now_us - w->heard_us >= silent_us)
            worker_gone(c, i);
        else if (w->heard_us + silent_us < c->workers.next_silent_us)
            c->workers.next_silent_us = w->heard_us + silent_us;
    }
}

bool
core_worker_view(const struct core *c, uint32_t worker, int64_t now_us, struct worker_view *ret)
{
    if (worker >= c->workers.used || !c->workers.list[worker].used)
        return false;
    const struct worker *w = &c->workers.list[worker];
    *ret = (struct worker_view){.name = w->name,
                                .incarnation = w->incarnation,
                                .batches = w->batches,
                                .messages_done = w->messages_done,
                                .service = w->service,
                                .leases = w->n_leases,
                                .draining = w->draining,
                                .has_credit = w->credit_messages > 0,
                                .heard_ago_us = now_us - w->heard_us};
    for (uint8_t i = 0; i < w->n_leases; i++)
        ret->messages += lease_at(&c->leases, w->leases[i])->n;
    return true;
}
