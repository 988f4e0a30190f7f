/* The core's life, intake, durability and the clock. */
#include "broker/core/core.h"

#include <stdlib.h>

#include "base/error.h"
#include "broker/core/state.h"

struct core *
core_new(const struct core_limits *limits, uint64_t epoch, uint64_t next_seq,
         const struct ledger *base)
{
    struct core *c = mem_new(1, sizeof(*c));

    c->limits = *limits;
    messages_init(&c->messages);
    index_init(&c->index, limits->id_seed);
    clients_init(&c->clients, limits->max_clients);
    workers_init(&c->workers, limits->max_workers);
    leases_init(&c->leases, limits->max_workers);
    retry_init(&c->retry);
    volatiles_init(&c->volatiles);
    if (base != NULL)
        c->ledger = *base;
    if (epoch > 0)
        core_replay_end(c, epoch, next_seq);
    return c;
}

void
core_free(struct core **core_p)
{
    struct core *c = *core_p;

    if (c == NULL)
        return;
    if (c->replay != NULL)
        seq_set_deinit(&c->replay->done);
    free(c->replay);
    messages_deinit(&c->messages);
    index_deinit(&c->index);
    clients_deinit(&c->clients);
    workers_deinit(&c->workers);
    leases_deinit(&c->leases);
    effects_deinit(&c->effects);
    free(c);
    *core_p = NULL;
}

void
core_wall_clock(struct core *c, int64_t now_us, int64_t wall_us)
{
    c->wall_less_us = wall_us - now_us;
}

const struct effect *
core_effects(const struct core *c, size_t *ret_n)
{
    *ret_n = c->effects.n;
    return c->effects.list;
}

void
core_effects_clear(struct core *c)
{
    c->effects.n = 0;
}

int
core_intake(const struct core *c, uint32_t client, const struct record *r, uint32_t service)
{
    bool is_volatile = (r->flags & RECORD_VOLATILE) != 0;

    if (service >= c->n_services)
        return REFUSAL_UNKNOWN_SERVICE;
    const struct service *s = &c->services[service];
    if (is_volatile && (s->workers == s->draining || s->paused))
        return REFUSAL_NO_WORKER;
    if (is_volatile ? c->volatiles.n >= c->limits.max_volatile
                    : c->messages.n - c->volatiles.n >= c->limits.max_messages)
        return REFUSAL_FULL;
    if (client >= c->clients.used || !c->clients.list[client].used)
        return 0;
    const struct client *cl = &c->clients.list[client];
    if (cl->window_n >= c->limits.window_messages ||
        (cl->window_n > 0 && cl->window_bytes + r->length > c->limits.window_bytes))
        return REFUSAL_FULL;
    return 0;
}

void
core_next_origin(struct core *c, uint64_t *ret_epoch, uint64_t *ret_seq)
{
    *ret_epoch = c->epoch;
    *ret_seq = c->next_seq;
}

uint32_t
core_accept(struct core *c, uint32_t client, const struct record *r, uint32_t service,
            struct place place, int64_t now_us)
{
    sluice_assert(c->replay == NULL && r->epoch == c->epoch && r->seq == c->next_seq);
    sluice_assert(service < c->n_services && (r->flags & RECORD_VOLATILE) == 0);
    c->now_us = now_us;
    c->next_seq++;
    c->ledger.last_seq = r->seq;
    c->ledger.accepted++;
    c->services[service].accepted++;
    uint32_t message = message_enter(c, r, service, place);
    client_take(c, client, message, true);
    message_move(c, message, MESSAGE_READY, 0);
    return message;
}

void
core_durable(struct core *c, uint64_t durable_seq, int64_t now_us)
{
    sluice_assert(durable_seq < c->next_seq);
    c->now_us = now_us;
    if (durable_seq > c->durable_seq)
        c->durable_seq = durable_seq;
    clients_review(c);
}

bool
core_is_durable(const struct core *c, uint64_t seq)
{
    return (seq & CORE_VOLATILE_SEQ) != 0 || seq <= c->durable_seq;
}

static int64_t
sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* When a service without credit becomes a stalled one. */
static int64_t
stall_next_us(const struct core *c)
{
    int64_t next = INT64_MAX;

    for (uint32_t i = 0; i < c->n_services; i++) {
        const struct service *s = &c->services[i];
        if (s->unannounced > 0 && !s->stalled && s->starved_since_us != 0)
            next = sooner(next, s->starved_since_us + STALL_GRACE_US);
    }
    return next;
}

int64_t
core_tick(struct core *c, int64_t now_us)
{
    int64_t next;
    uint32_t message;

    c->now_us = now_us;
    leases_expire(c);
    workers_expire(c);
    while ((message = retry_due(&c->messages, &c->retry, now_us)) != NO_HANDLE)
        message_move(c, message, MESSAGE_READY, 0);
    volatiles_expire(c);
    clients_review(c);
    next = sooner(c->clients.next_announce_us, c->workers.next_silent_us);
    next = sooner(next, retry_next_us(&c->messages, &c->retry));
    next = sooner(next, stall_next_us(c));
    if (c->leases.head != NO_HANDLE)
        next = sooner(next, c->leases.slots[c->leases.head].deadline_us);
    if (c->volatiles.head != NO_HANDLE)
        next = sooner(next, messages_at(&c->messages, c->volatiles.head)->accepted_us);
    return next;
}

void
core_time_jumped(struct core *c, int64_t gap_us)
{
    leases_shift(&c->leases, gap_us);
    for (uint32_t i = 0; i < c->workers.used; i++)
        c->workers.list[i].heard_us += gap_us;
    for (uint32_t i = 0; i < c->clients.used; i++)
        c->clients.list[i].heard_us += gap_us;
}

uint32_t
core_at_place(const struct core *c, uint64_t epoch, uint64_t seq, struct place place)
{
    uint32_t message = index_seq_find(&c->index, &c->messages, seq);

    if (message == NO_HANDLE)
        return CORE_NOBODY;
    const struct msg *m = messages_at(&c->messages, message);
    return m->epoch == epoch && m->place.segment == place.segment && m->place.offset == place.offset
               ? message
               : CORE_NOBODY;
}

void
core_moved(struct core *c, uint32_t message, struct place place)
{
    struct msg *m = messages_at(&c->messages, message);

    sluice_assert(m->state != MESSAGE_FREE && m->place.length == place.length);
    m->place = place;
}
