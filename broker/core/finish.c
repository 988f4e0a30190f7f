/* What becomes of a message. */
#include "broker/core/finish.h"

#include "base/error.h"
#include "broker/core/state.h"

static struct effect *
effect_of(struct core *c, enum effect_kind kind, uint32_t message)
{
    const struct msg *m = messages_at(&c->messages, message);
    struct effect *e = effects_add(&c->effects, kind);

    e->message = message;
    e->epoch = m->epoch;
    e->seq = m->seq;
    e->place = m->place;
    e->kills = m->kills;
    if (m->state == MESSAGE_LEASED) {
        e->lease = m->lease;
        e->worker = lease_find(c, m->lease)->worker;
    }
    return e;
}

/* Tells whoever waits, who then waits no longer. */
static void
outcome_tell(struct core *c, uint32_t message, uint8_t outcome)
{
    struct msg *m = messages_at(&c->messages, message);

    if ((m->flags & RECORD_NO_OUTCOME) == 0) {
        struct effect *e = effect_of(c, EFFECT_OUTCOME, message);
        e->client = m->client == NO_CLIENT ? CORE_NOBODY : m->client;
        e->counter = m->counter;
        e->accepted_us = msg_is_volatile(m) ? 0 : m->accepted_us;
        e->outcome = outcome;
    }
    client_leave(c, m);
}

void
finish_free(struct core *c, uint32_t message)
{
    struct msg *m = messages_at(&c->messages, message);

    client_leave(c, m);
    message_move(c, message, MESSAGE_FREE, 0);
    index_seq_remove(&c->index, &c->messages, message);
    if (!msg_is_volatile(m))
        index_id_remove(&c->index, &c->messages, message);
    messages_release(&c->messages, message);
}

/* Volatile: its outcome, and the body may go. */
static void
finish_volatile(struct core *c, uint32_t message, uint8_t outcome)
{
    struct msg *m = messages_at(&c->messages, message);

    outcome_tell(c, message, outcome);
    effect_of(c, EFFECT_DROP_BODY, message);
    volatile_unlink(c, message);
    c->services[m->service].volatile_n--;
    finish_free(c, message);
}

static void
finish_done(struct core *c, uint32_t message, uint8_t outcome)
{
    struct msg *m = messages_at(&c->messages, message);
    bool was_dead = m->state == MESSAGE_PARKED;

    if (!was_dead) /* nobody waits for a dead letter any more */
        outcome_tell(c, message, outcome);
    effect_of(c, EFFECT_DONE, message)->outcome = outcome;
    c->ledger.by_outcome[outcome]++;
    if (was_dead)
        c->ledger.by_outcome[OUTCOME_DEAD]--;
    else
        c->live--;
    c->services[m->service].finished++;
    finish_free(c, message);
}

static void
finish_park(struct core *c, uint32_t message, const char *reason)
{
    outcome_tell(c, message, OUTCOME_DEAD);
    effect_of(c, EFFECT_PARKED, message)->reason = reason;
    c->ledger.by_outcome[OUTCOME_DEAD]++;
    c->live--;
    c->parked_total++;
    message_move(c, message, MESSAGE_PARKED, 0);
}

void
finish_death(struct core *c, uint32_t message, bool alone)
{
    struct msg *m = messages_at(&c->messages, message);

    if (msg_is_volatile(m)) {
        finish_volatile(c, message, OUTCOME_EXPIRED);
        return;
    }
    /* Before its accept is durable nothing may be said about it, so nothing is counted either. */
    if (alone && m->seq <= c->durable_seq) {
        if (m->kills < UINT8_MAX)
            m->kills++;
        if (m->kills >= c->limits.max_kills) {
            finish_park(c, message, "its workers died with it");
            return;
        }
        effect_of(c, EFFECT_NOTE, message);
    }
    m->flags |= RECORD_ALONE;
    message_move(c, message, MESSAGE_READY, 0);
}

void
finish_expire(struct core *c, uint32_t message)
{
    const struct msg *m = messages_at(&c->messages, message);
    uint32_t lease = m->state == MESSAGE_LEASED ? m->lease : 0;

    finish_volatile(c, message, OUTCOME_EXPIRED);
    if (lease != 0 && lease_find(c, lease)->n == 0)
        lease_over(c, lease);
}

/* May a worker say this of this message? What is not counted would break the ledger. */
static bool
outcome_fits(const struct msg *m, uint8_t outcome)
{
    switch (outcome) {
    case OUTCOME_STORED:
    case OUTCOME_DUPLICATE:
    case OUTCOME_CONFLICT:
    case OUTCOME_REJECTED:
    case OUTCOME_HELD:
    case OUTCOME_RETRY:
    case OUTCOME_DEAD:
        return true;
    case OUTCOME_ANSWERED:
        return msg_is_volatile(m);
    default:
        return false;
    }
}

static void
report_apply(struct core *c, uint32_t message, uint8_t outcome)
{
    struct msg *m = messages_at(&c->messages, message);

    if (msg_is_volatile(m)) {
        finish_volatile(c, message, outcome == OUTCOME_RETRY ? OUTCOME_EXPIRED : outcome);
    } else if (outcome == OUTCOME_RETRY) {
        uint32_t attempts = m->attempt > 0 ? m->attempt - 1u : 0;
        c->redelivered++;
        message_move(c, message, MESSAGE_DELAYED,
                     attempts < RETRY_CLASSES ? attempts : RETRY_CLASSES - 1);
    } else if (outcome == OUTCOME_DEAD) {
        finish_park(c, message, "reported dead by its worker");
    } else {
        finish_done(c, message, outcome);
    }
}

bool
core_report(struct core *c, uint32_t worker, uint32_t lease, uint64_t epoch, uint64_t seq,
            uint8_t outcome, int64_t now_us)
{
    struct lease *l = lease_at(&c->leases, lease);

    c->now_us = now_us;
    core_worker_heard(c, worker, now_us);
    if (l == NULL || l->worker != worker) {
        c->stale_reports++;
        return false;
    }
    lease_unhold(c, l);
    uint32_t message = index_seq_find(&c->index, &c->messages, seq);
    struct msg *m = message == NO_HANDLE ? NULL : messages_at(&c->messages, message);
    if (m == NULL || m->epoch != epoch || m->state != MESSAGE_LEASED || m->lease != lease ||
        !outcome_fits(m, outcome)) {
        c->stale_reports++;
        return false;
    }
    sluice_assert(msg_is_volatile(m) || seq <= c->durable_seq);
    if (outcome != OUTCOME_RETRY)
        c->workers.list[worker].messages_done++;
    report_apply(c, message, outcome);
    if (l->n == 0)
        lease_over(c, lease);
    return true;
}

static uint32_t
dead_letter(const struct core *c, uint64_t epoch, uint64_t seq)
{
    uint32_t message = index_seq_find(&c->index, &c->messages, seq);

    if (message == NO_HANDLE)
        return NO_HANDLE;
    const struct msg *m = messages_at(&c->messages, message);
    return m->epoch == epoch && m->state == MESSAGE_PARKED ? message : NO_HANDLE;
}

bool
core_requeue(struct core *c, uint64_t epoch, uint64_t seq, int64_t now_us)
{
    uint32_t message = dead_letter(c, epoch, seq);

    c->now_us = now_us;
    if (message == NO_HANDLE)
        return false;
    effect_of(c, EFFECT_UNPARKED, message);
    c->ledger.by_outcome[OUTCOME_DEAD]--;
    c->live++;
    messages_at(&c->messages, message)->flags |= RECORD_ALONE;
    message_move(c, message, MESSAGE_READY, 0);
    return true;
}

bool
core_discard(struct core *c, uint64_t epoch, uint64_t seq, int64_t now_us)
{
    uint32_t message = dead_letter(c, epoch, seq);

    c->now_us = now_us;
    if (message == NO_HANDLE)
        return false;
    finish_done(c, message, OUTCOME_DISCARDED);
    return true;
}
