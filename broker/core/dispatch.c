/* Hands waiting messages to workers with credit.
 *   - All that waits, up to the credit in messages and bytes, goes to the worker idle longest,
 * lowest seq first; one message always fits. Volatile ones (somebody waits for the answer) go
 * first.
 *   - A worker that holds a batch gets another one only if a full one (its whole credit) waits and
 * nobody is idle.
 *   - An ALONE message is a lease of its own, for a worker that holds nothing, and that worker gets
 *     nothing else meanwhile: so if it dies, we know of what. While one waits nobody prefetches,
 * else nobody would ever be free for it. */
#include "broker/core/core.h"

#include "base/error.h"
#include "broker/core/state.h"

static void
lease_deliver(struct core *c, struct lease *l)
{
    struct effect *e = effects_add(&c->effects, EFFECT_DELIVER);

    e->worker = l->worker;
    e->lease = l->number;
}

static void
message_lease(struct core *c, uint32_t message, const struct lease *l)
{
    struct msg *m = messages_at(&c->messages, message);

    if (m->attempt < UINT8_MAX)
        m->attempt++;
    message_move(c, message, MESSAGE_LEASED, l->number);
}

static void
lease_alone(struct core *c, struct service *s, uint32_t worker)
{
    struct lease *l = lease_new(c, worker, 1, true);

    message_lease(c, queue_first(&c->messages, &s->alone), l);
    s->last_alone = true;
    lease_deliver(c, l);
}

static void
lease_batch(struct core *c, struct service *s, uint32_t worker)
{
    struct worker *w = &c->workers.list[worker];
    uint32_t most = w->credit_messages;
    uint64_t bytes = 0, most_bytes = w->credit_bytes;
    uint32_t waits = s->volatiles.n + queue_n(&s->ready);
    struct lease *l = lease_new(c, worker, waits < most ? waits : most, false);

    while (l->n < l->cap) {
        uint32_t message = s->volatiles.head != NO_HANDLE ? s->volatiles.head
                                                          : queue_first(&c->messages, &s->ready);
        bytes += messages_at(&c->messages, message)->place.length;
        if (l->n > 0 && bytes > most_bytes)
            break;
        message_lease(c, message, l);
    }
    s->last_alone = false;
    lease_deliver(c, l);
}

static bool
alone_first(const struct core *c, const struct service *s)
{
    uint32_t alone = queue_first(&c->messages, &s->alone);
    uint32_t ready = queue_first(&c->messages, &s->ready);

    if (alone == NO_HANDLE || (s->last_alone && s->volatiles.n > 0))
        return false;
    return ready == NO_HANDLE ||
           messages_at(&c->messages, alone)->seq < messages_at(&c->messages, ready)->seq;
}

/* A busy worker for whom a full batch waits; longest busy first. */
static uint32_t
prefetcher(const struct core *c, const struct service *s)
{
    uint32_t n = s->volatiles.n + queue_n(&s->ready);

    if (queue_n(&s->alone) > 0)
        return NO_HANDLE;
    for (uint32_t i = s->busy.head; i != NO_HANDLE; i = c->workers.list[i].next) {
        const struct worker *w = &c->workers.list[i];
        if (n > 0 && (n >= w->credit_messages || s->ready.bytes >= w->credit_bytes))
            return i;
    }
    return NO_HANDLE;
}

static void
service_dispatch(struct core *c, struct service *s)
{
    while (service_waiting(s) > 0) {
        uint32_t worker = s->idle.head;
        if (worker != NO_HANDLE && alone_first(c, s)) {
            lease_alone(c, s, worker);
            continue;
        }
        if (worker == NO_HANDLE)
            worker = prefetcher(c, s);
        if (worker == NO_HANDLE)
            return;
        lease_batch(c, s, worker);
    }
}

void
core_dispatch(struct core *c, int64_t now_us)
{
    c->now_us = now_us;
    for (uint32_t i = 0; i < c->n_services; i++)
        if (!c->services[i].paused)
            service_dispatch(c, &c->services[i]);
}

bool
core_dispatch_wanted(const struct core *c)
{
    for (uint32_t i = 0; i < c->n_services; i++) {
        const struct service *s = &c->services[i];
        if (!s->paused && service_waiting(s) > 0 &&
            (s->idle.n > 0 || prefetcher(c, s) != NO_HANDLE))
            return true;
    }
    return false;
}
