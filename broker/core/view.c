/* Looking in: nothing here changes anything. */
#include <stdlib.h>

#include "broker/core/state.h"

/* core_list looks for the next seqs one by one as long as that is likely to find them. */
#define LIST_PROBES_MORE 65536

static int64_t
msg_age_us(const struct core *c, const struct msg *m, int64_t now_us)
{
    int64_t age_us = msg_is_volatile(m) ? now_us - (m->accepted_us - c->limits.volatile_us)
                                        : now_us + c->wall_less_us - m->accepted_us;

    return age_us > 0 ? age_us : 0;
}

bool
core_view(const struct core *c, uint32_t message, int64_t now_us, struct message_view *ret)
{
    if (message >= c->messages.used)
        return false;
    const struct msg *m = messages_at(&c->messages, message);
    if (m->state == MESSAGE_FREE)
        return false;
    *ret = (struct message_view){.message = message,
                                 .epoch = m->epoch,
                                 .seq = m->seq,
                                 .counter = m->counter,
                                 .client = m->client == NO_CLIENT ? CORE_NOBODY : m->client,
                                 .service = m->service,
                                 .worker = CORE_NOBODY,
                                 .state = m->state,
                                 .attempt = m->attempt,
                                 .kills = m->kills,
                                 .flags = m->flags,
                                 .age_us = msg_age_us(c, m, now_us),
                                 .durable = msg_is_volatile(m) || m->seq <= c->durable_seq};
    if (msg_is_volatile(m))
        ret->volatile_slot = m->place.offset;
    else
        ret->place = m->place;
    if (m->state == MESSAGE_LEASED) {
        ret->lease = m->lease;
        ret->worker = lease_at(&c->leases, m->lease)->worker;
    }
    return true;
}

size_t
core_find_id(const struct core *c, const struct uuid *id, uint32_t *ret_messages, size_t limit)
{
    uint32_t hash = index_id_hash(&c->index, id);
    size_t n = 0;

    for (uint32_t message = index_id_chain(&c->index, hash); message != NO_HANDLE && n < limit;
         message = messages_at(&c->messages, message)->id_next)
        if (messages_at(&c->messages, message)->id_hash == hash)
            ret_messages[n++] = message;
    return n;
}

static bool
list_fits(const struct msg *m, uint32_t service, enum message_state state, uint64_t after_seq)
{
    return m->state != MESSAGE_FREE && !msg_is_volatile(m) && m->seq > after_seq &&
           (service == CORE_NOBODY || m->service == service) &&
           (state == MESSAGE_STATES || m->state == state);
}

/* Keeps the limit lowest seqs in a heap whose top is the highest. */
struct lowest {
    const struct messages *ms;
    uint32_t *heap;
    size_t n, limit;
};

static uint64_t
lowest_seq(const struct lowest *l, size_t i)
{
    return messages_at(l->ms, l->heap[i])->seq;
}

static void
lowest_swap(struct lowest *l, size_t i, size_t j)
{
    uint32_t t = l->heap[i];

    l->heap[i] = l->heap[j];
    l->heap[j] = t;
}

static void
lowest_sink(struct lowest *l, size_t i)
{
    for (size_t child; (child = 2 * i + 1) < l->n; i = child) {
        if (child + 1 < l->n && lowest_seq(l, child + 1) > lowest_seq(l, child))
            child++;
        if (lowest_seq(l, i) >= lowest_seq(l, child))
            return;
        lowest_swap(l, i, child);
    }
}

static void
lowest_add(struct lowest *l, uint32_t message)
{
    if (l->n < l->limit) {
        size_t i = l->n++;
        l->heap[i] = message;
        for (; i > 0 && lowest_seq(l, (i - 1) / 2) < lowest_seq(l, i); i = (i - 1) / 2)
            lowest_swap(l, i, (i - 1) / 2);
    } else if (messages_at(l->ms, message)->seq < lowest_seq(l, 0)) {
        l->heap[0] = message;
        lowest_sink(l, 0);
    }
}

/* The heap turned into ascending order. */
static size_t
lowest_sort(struct lowest *l)
{
    size_t n = l->n;

    while (l->n > 1) {
        lowest_swap(l, 0, --l->n);
        lowest_sink(l, 0);
    }
    return n;
}

static size_t
list_parked(const struct core *c, uint32_t service, uint64_t after_seq, uint32_t *ret_messages,
            size_t limit)
{
    struct lowest l = {.ms = &c->messages, .heap = ret_messages, .limit = limit};

    for (uint32_t i = 0; i < c->n_services; i++) {
        if (service != CORE_NOBODY && service != i)
            continue;
        for (uint32_t m = c->services[i].parked.head; m != NO_HANDLE;
             m = messages_at(&c->messages, m)->next)
            if (messages_at(&c->messages, m)->seq > after_seq)
                lowest_add(&l, m);
    }
    return lowest_sort(&l);
}

size_t
core_list(const struct core *c, uint32_t service, enum message_state state, uint64_t after_seq,
          uint32_t *ret_messages, size_t limit)
{
    uint64_t probes = (uint64_t)limit * 4 + LIST_PROBES_MORE;
    uint64_t seq = after_seq;
    size_t n = 0;

    if (limit == 0)
        return 0;
    if (state == MESSAGE_PARKED)
        return list_parked(c, service, after_seq, ret_messages, limit);
    while (n < limit && probes-- > 0 && ++seq < c->next_seq) {
        uint32_t message = index_seq_find(&c->index, &c->messages, seq);
        if (message != NO_HANDLE &&
            list_fits(messages_at(&c->messages, message), service, state, after_seq))
            ret_messages[n++] = message;
    }
    if (n == limit || seq >= c->next_seq)
        return n;
    struct lowest l = {.ms = &c->messages, .heap = ret_messages, .limit = limit};
    for (uint32_t i = 0; i < c->messages.used; i++)
        if (list_fits(messages_at(&c->messages, i), service, state, after_seq))
            lowest_add(&l, i);
    return lowest_sort(&l);
}

uint32_t
core_walk(const struct core *c, uint32_t service, int64_t now_us, uint32_t from, uint32_t slots,
          bool (*each)(void *arg, const struct message_view *view), void *arg)
{
    uint32_t left = from < c->messages.used ? c->messages.used - from : 0;
    uint32_t end = from + (slots < left ? slots : left);
    struct message_view view;

    for (; from < end; from++) {
        if (messages_at(&c->messages, from)->service != service && service != CORE_NOBODY)
            continue;
        if (core_view(c, from, now_us, &view) && !each(arg, &view))
            return from;
    }
    return slots < left ? from : CORE_NOBODY;
}

static int64_t
oldest_age_us(const struct core *c, const struct service *s, int64_t now_us)
{
    uint32_t heads[] = {queue_first(&c->messages, &s->ready), queue_first(&c->messages, &s->alone),
                        s->volatiles.head};
    int64_t oldest = 0;

    for (size_t i = 0; i < sizeof(heads) / sizeof(*heads); i++) {
        if (heads[i] == NO_HANDLE)
            continue;
        int64_t age_us = msg_age_us(c, messages_at(&c->messages, heads[i]), now_us);
        if (age_us > oldest)
            oldest = age_us;
    }
    return oldest;
}

bool
core_service_view(const struct core *c, uint32_t service, int64_t now_us, struct service_view *ret)
{
    if (service >= c->n_services)
        return false;
    const struct service *s = &c->services[service];
    *ret = (struct service_view){.name = s->name,
                                 .ready = s->in_state[MESSAGE_READY],
                                 .delayed = s->in_state[MESSAGE_DELAYED],
                                 .leased = s->in_state[MESSAGE_LEASED],
                                 .parked = s->in_state[MESSAGE_PARKED],
                                 .volatiles = s->volatile_n,
                                 .workers = s->workers,
                                 .credit = s->idle.n + s->busy.n,
                                 .accepted = s->accepted,
                                 .finished = s->finished,
                                 .oldest_age_us = oldest_age_us(c, s, now_us),
                                 .paused = s->paused};
    return true;
}

const struct ledger *
core_ledger(const struct core *c)
{
    return &c->ledger;
}

void
core_figures(const struct core *c, struct core_figures *ret)
{
    *ret = (struct core_figures){
        .live = c->live,
        .parked = (uint32_t)c->ledger.by_outcome[OUTCOME_DEAD],
        .volatiles = c->volatiles.n,
        .clients = c->clients.n,
        .workers = c->workers.n,
        .leases = c->leases.n,
        .stale_reports = c->stale_reports,
        .redelivered = c->redelivered,
        .expired_leases = c->expired_leases,
        .parked_total = c->parked_total,
        .memory_bytes = messages_bytes(&c->messages) + index_bytes(&c->index),
        .durable_seq = c->durable_seq,
        .next_seq = c->next_seq,
    };
}
