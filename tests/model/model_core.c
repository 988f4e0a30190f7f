/* Random commands for broker core beside a naive reference, with crashes and replay from a tiny
 * journal. The seed of every run is printed when it fails; `model_core SEED [STEPS]` runs one
 * alone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "tests/model/reference.h"
#include "tests/model/tape.h"

#define SEEDS 60
#define STEPS 4000
#define LIVE_MAX 150
#define VOLATILE_MAX 6
#define SEGMENT_RECORDS 40
#define VOLATILE_SLOTS 64

static const char *const service_names[REF_SERVICES] = {"submissions", "alerts"};

struct model {
    struct core *core;
    struct reference ref;
    struct tape tape;
    uint64_t random, epoch, counter, volatile_seq;
    uint64_t incarnations[REF_CLIENTS];
    uint32_t clients[REF_CLIENTS];
    uint64_t worker_incarnations[REF_WORKERS];
    bool slots[VOLATILE_SLOTS];
    size_t free_head_at; /* a head being freed: when so many records are durable; 0: none */
    uint64_t crashes, outcomes, deliveries, stale, moved; /* that the run did something */
};

static uint64_t
draw(struct model *m, uint64_t below)
{
    m->random ^= m->random << 13;
    m->random ^= m->random >> 7;
    m->random ^= m->random << 17;
    return (m->random >> 11) % below;
}

static struct ref_message *
ref_any(struct reference *ref, uint64_t epoch, uint64_t seq)
{
    for (size_t i = ref->n; i-- > 0;)
        if (ref->messages[i].epoch == epoch && ref->messages[i].seq == seq)
            return &ref->messages[i];
    return NULL;
}

static void
mark_append(struct model *m, uint8_t kind, const struct effect *e)
{
    struct record r = {.kind = kind,
                       .length = RECORD_HEADER_BYTES,
                       .epoch = e->epoch,
                       .seq = e->seq,
                       .attempt = e->outcome,
                       .kills = e->kills};
    tape_append(&m->tape, &r);
}

static bool
service_is_dead(const struct reference *ref, uint32_t service)
{
    for (int i = 0; i < REF_WORKERS; i++)
        if (ref->workers[i].used && !ref->workers[i].draining && ref->workers[i].service == service)
            return ref->paused[service];
    return true;
}

static void
effect_entry(struct model *m, const struct effect *e)
{
    struct reference *ref = &m->ref;
    struct ref_message *msg = ref_any(ref, e->epoch, e->seq);
    struct client_view v;

    ref_check(ref, msg != NULL);
    ref_check(ref, msg->is_volatile || msg->durable_us != 0);
    ref_check(ref, e->counter == msg->counter);
    if (e->client != CORE_NOBODY) {
        ref_check(ref, core_client_view(m->core, e->client, ref->now_us, &v));
        ref_check(ref, v.incarnation == msg->incarnation);
    }
    if (e->kind == EFFECT_ACCEPTED) {
        ref_check(ref, msg->live && msg->unannounced && !msg->is_volatile);
        ref_check(ref, e->stalled || !service_is_dead(ref, msg->service));
    } else {
        ref_check(ref, !msg->live || msg->state == MESSAGE_PARKED);
        ref_check(ref, e->client != CORE_NOBODY || msg->incarnation == 0 || msg->was_dead);
        m->outcomes++;
    }
    msg->unannounced = false;
    if (e->kind == EFFECT_OUTCOME && e->outcome == OUTCOME_DEAD)
        msg->was_dead =
            true; /* nobody waits for it; after a requeue and a restart that may be forgotten */
}

static void
effect_run(struct model *m, const struct effect *e)
{
    struct ref_message *msg = e->seq != 0 ? ref_any(&m->ref, e->epoch, e->seq) : NULL;

    switch (e->kind) {
    case EFFECT_DELIVER:
        ref_deliver(&m->ref, m->core, e);
        m->deliveries++;
        break;
    case EFFECT_ACCEPTED:
    case EFFECT_OUTCOME:
        effect_entry(m, e);
        break;
    case EFFECT_DONE:
        ref_check(&m->ref, !msg->live && msg->durable_us != 0);
        mark_append(m, RECORD_DONE, e);
        break;
    case EFFECT_PARKED:
        ref_check(&m->ref, msg->state == MESSAGE_PARKED);
        mark_append(m, RECORD_PARKED, e);
        break;
    case EFFECT_UNPARKED:
        mark_append(m, RECORD_UNPARKED, e);
        break;
    case EFFECT_NOTE:
        ref_check(&m->ref, msg->kills == e->kills);
        mark_append(m, RECORD_NOTE, e);
        break;
    case EFFECT_DROP_BODY:
        ref_check(&m->ref, m->slots[e->place.offset]);
        m->slots[e->place.offset] = false;
        break;
    case EFFECT_WORKER_GONE:
        ref_check(&m->ref, ref_worker_of(&m->ref, e->worker) == NULL);
        break;
    case EFFECT_FLUSH_CLIENT:
    case EFFECT_DRAIN_WORKER:
        break;
    }
}

static void
effects_run(struct model *m)
{
    size_t n;
    const struct effect *list = core_effects(m->core, &n);

    for (size_t i = 0; i < n; i++)
        effect_run(m, &list[i]);
    core_effects_clear(m->core);
    const struct ledger *l = core_ledger(m->core);
    struct core_figures f;
    core_figures(m->core, &f);
    ref_check(&m->ref, l->accepted == ledger_outcomes(l) + f.live);
    tape_hand_over(&m->tape, l, SEGMENT_RECORDS);
}

static void
ledger_compare(struct model *m)
{
    struct ledger naive;
    uint64_t live;
    struct core_figures f;

    tape_count(&m->tape, &naive, &live);
    core_figures(m->core, &f);
    ref_check(&m->ref, f.live == live);
    ref_check(&m->ref, memcmp(&naive, core_ledger(m->core), sizeof(naive)) == 0);
}

/* What core_durable and core_tick must have announced. */
static void
announced_check(struct model *m)
{
    const struct reference *ref = &m->ref;
    uint32_t window[REF_CLIENTS] = {0};

    for (size_t i = 0; i < ref->n; i++)
        for (int k = 0; k < REF_CLIENTS; k++)
            window[k] += ref->messages[i].live && ref->messages[i].unannounced &&
                         ref->messages[i].incarnation == m->incarnations[k];
    for (size_t i = 0; i < ref->n; i++) {
        const struct ref_message *msg = &ref->messages[i];
        if (!msg->live || !msg->unannounced || msg->is_volatile || msg->durable_us == 0)
            continue;
        ref_check(ref, !msg->accept_now && !service_is_dead(ref, msg->service));
        ref_check(ref, ref->now_us - msg->durable_us < ref->limits.heartbeat_us);
        for (int k = 0; k < REF_CLIENTS; k++)
            ref_check(ref, msg->incarnation != m->incarnations[k] ||
                               window[k] <= ref->limits.window_messages / 4);
    }
}

static int
intake_expected(const struct model *m, int client, const struct record *r)
{
    const struct reference *ref = &m->ref;
    uint32_t live = 0, volatiles = 0, window = 0;
    uint64_t bytes = 0;

    for (size_t i = 0; i < ref->n; i++) {
        const struct ref_message *msg = &ref->messages[i];
        if (!msg->live)
            continue;
        live += !msg->is_volatile;
        volatiles += msg->is_volatile;
        if (msg->unannounced && client >= 0 && msg->incarnation == m->incarnations[client]) {
            window++;
            bytes += msg->length;
        }
    }
    if ((r->flags & RECORD_VOLATILE) != 0 ? volatiles >= VOLATILE_MAX : live >= LIVE_MAX)
        return REFUSAL_FULL;
    if (window >= ref->limits.window_messages ||
        (window > 0 && bytes + r->length > ref->limits.window_bytes))
        return REFUSAL_FULL;
    return 0;
}

static void
do_accept(struct model *m, bool is_volatile)
{
    struct reference *ref = &m->ref;
    int who = (int)draw(m, REF_CLIENTS + 1) - 1; /* -1: a follow-up */
    uint32_t client = who < 0 ? CORE_NOBODY : m->clients[who];
    uint32_t service = (uint32_t)draw(m, REF_SERVICES), slot = 0;
    struct record r = {.kind = RECORD_MESSAGE,
                       .length = RECORD_HEADER_BYTES + (uint32_t)draw(m, 400),
                       .incarnation = who < 0 ? 0 : m->incarnations[who],
                       .counter = ++m->counter,
                       .accepted_us = ref->now_us,
                       .service = service_names[service],
                       .service_len = (uint8_t)strlen(service_names[service])};

    le64_put(r.id.bytes, draw(m, 50)); /* ids repeat */
    r.flags = (uint8_t)((who < 0 ? RECORD_NO_OUTCOME : 0) | (is_volatile ? RECORD_VOLATILE : 0) |
                        (!is_volatile && draw(m, 8) == 0 ? RECORD_ACCEPT_NOW : 0));
    int refusal = core_intake(m->core, client, &r, service);
    if (is_volatile && service_is_dead(ref, service)) {
        ref_check(ref, refusal == REFUSAL_NO_WORKER);
        return;
    }
    ref_check(ref, refusal == intake_expected(m, who, &r));
    if (refusal != 0)
        return;
    struct ref_message *msg = ref_add(ref);
    msg->is_volatile = is_volatile;
    msg->accept_now = (r.flags & RECORD_ACCEPT_NOW) != 0;
    msg->unannounced = who >= 0;
    msg->counter = r.counter;
    msg->incarnation = r.incarnation;
    msg->service = service;
    msg->length = r.length;
    if (is_volatile) {
        while (m->slots[slot])
            slot++;
        m->slots[slot] = true;
        r.epoch = m->epoch;
        r.seq = CORE_VOLATILE_SEQ | ++m->volatile_seq;
        msg->due_us = ref->now_us + ref->limits.volatile_us;
        msg->handle = core_accept_volatile(m->core, client, &r, service, slot, ref->now_us);
    } else {
        core_next_origin(m->core, &r.epoch, &r.seq);
        msg->handle =
            core_accept(m->core, client, &r, service, tape_append(&m->tape, &r), ref->now_us);
    }
    msg->epoch = r.epoch;
    msg->seq = r.seq;
}

static void
do_sync(struct model *m)
{
    struct reference *ref = &m->ref;

    ref->durable_seq = tape_sync(&m->tape, draw(m, 3) == 0 ? m->tape.n : draw(m, 20));
    for (size_t i = 0; i < ref->n; i++)
        if (!ref->messages[i].is_volatile && ref->messages[i].durable_us == 0 &&
            ref->messages[i].seq <= ref->durable_seq)
            ref->messages[i].durable_us = ref->now_us;
    core_durable(m->core, ref->durable_seq, ref->now_us);
    effects_run(m);
    announced_check(m);
    if (m->free_head_at != 0 && m->tape.durable >= m->free_head_at) {
        m->tape.head++;
        m->free_head_at = 0;
    }
}

/* Reclaim: what lives in the head is appended again; the head goes when that is durable. */
static void
do_move(struct model *m)
{
    struct tape *t = &m->tape;
    struct message_view v;

    if (m->free_head_at != 0 || t->n_segments - t->head < 3)
        return;
    size_t end = t->segments[t->head + 1].first;
    for (size_t i = t->segments[t->head].first; i < end; i++) {
        struct record r = t->records[i].r;
        if (r.kind != RECORD_MESSAGE)
            continue;
        uint32_t message = core_at_place(m->core, r.epoch, r.seq, t->records[i].place);
        if (message == CORE_NOBODY)
            continue;
        ref_check(&m->ref, core_view(m->core, message, m->ref.now_us, &v));
        r.attempt = v.attempt;
        r.kills = v.kills;
        r.flags = v.flags;
        core_moved(m->core, message, tape_append(t, &r));
        m->moved++;
        if (v.state != MESSAGE_PARKED)
            continue;
        struct effect e = {.epoch = r.epoch, .seq = r.seq, .kills = v.kills};
        mark_append(m, RECORD_PARKED, &e);
    }
    m->free_head_at = t->n;
    effects_run(m);
}

static struct ref_worker *
some_worker(struct model *m)
{
    struct ref_worker *w = &m->ref.workers[draw(m, REF_WORKERS)];

    return w->used ? w : NULL;
}

static void
do_ready(struct model *m)
{
    uint32_t i = (uint32_t)draw(m, REF_WORKERS);
    struct ref_worker *w = &m->ref.workers[i];
    char name[8] = {'w', (char)('0' + i)};
    bool again = w->used && draw(m, 3) != 0;
    uint32_t service = again ? w->service : i % REF_SERVICES;

    if (w->used && !w->draining && draw(m, 10) != 0)
        return;
    if (w->used && !again)
        ref_worker_end(&m->ref, w, true);
    if (!again) {
        m->worker_incarnations[i]++;
        *w = (struct ref_worker){.since_us = m->ref.now_us, .service = service, .used = true};
    }
    w->handle = CORE_NOBODY;
    uint32_t handle =
        core_worker_ready(m->core, name, 2, m->worker_incarnations[i], service, m->ref.now_us);
    ref_check(&m->ref, handle != CORE_NOBODY);
    w->credit = 0;
    w->heard_us = m->ref.now_us;
    effects_run(m);
    w->handle = handle;
}

static void
do_pull(struct model *m, struct ref_worker *w)
{
    w->credit = (uint32_t)draw(m, draw(m, 4) == 0 ? 3 : 24);
    w->credit_bytes = 200 + draw(m, 4000);
    w->heard_us = m->ref.now_us;
    core_worker_pull(m->core, w->handle, w->credit, w->credit_bytes, m->ref.now_us);
}

static void
ref_outcome(struct model *m, struct ref_message *msg, uint8_t outcome)
{
    static const int64_t delays_us[] = {100000, 200000, 400000, 800000, 1600000, 3200000, 5000000};

    if (outcome == OUTCOME_RETRY && !msg->is_volatile) {
        msg->state = MESSAGE_DELAYED;
        msg->due_us = m->ref.now_us + delays_us[msg->attempt > 7 ? 6 : msg->attempt - 1];
    } else if (outcome == OUTCOME_DEAD && !msg->is_volatile) {
        msg->state = MESSAGE_PARKED;
    } else {
        msg->live = false;
    }
}

static void
report_one(struct model *m, struct ref_worker *w, unsigned i, struct ref_message *msg)
{
    static const uint8_t outcomes[] = {
        OUTCOME_STORED,   OUTCOME_STORED,    OUTCOME_STORED,    OUTCOME_STORED,
        OUTCOME_STORED,   OUTCOME_STORED,    OUTCOME_DUPLICATE, OUTCOME_CONFLICT,
        OUTCOME_REJECTED, OUTCOME_HELD,      OUTCOME_RETRY,     OUTCOME_DEAD,
        OUTCOME_ANSWERED, OUTCOME_DISCARDED, OUTCOME_EXPIRED,   77};
    uint8_t outcome = outcomes[draw(m, sizeof(outcomes))];
    uint64_t epoch = msg->epoch - (draw(m, 30) == 0);
    uint32_t lease = w->leases[i] + (draw(m, 30) == 0 ? 1000 : 0);
    bool fits = outcome <= OUTCOME_DEAD || (outcome == OUTCOME_ANSWERED && msg->is_volatile);
    bool right = fits && epoch == msg->epoch && lease == w->leases[i];
    bool left = false;

    w->heard_us = m->ref.now_us;
    bool done = core_report(m->core, w->handle, lease, epoch, msg->seq, outcome, m->ref.now_us);
    ref_check(&m->ref, done == right);
    if (lease == w->leases[i] && w->held[i]) {
        w->held[i] = false;
        w->deadline_us[i] = m->ref.now_us + m->ref.limits.lease_us;
    }
    m->stale += !right;
    if (!right)
        return;
    ref_outcome(m, msg, outcome);
    for (size_t k = 0; k < m->ref.n; k++)
        left |= m->ref.messages[k].live && m->ref.messages[k].state == MESSAGE_LEASED &&
                m->ref.messages[k].lease == lease;
    if (!left)
        ref_lease_end(&m->ref, w, i, false);
}

static void
do_report(struct model *m, struct ref_worker *w)
{
    uint64_t part = 1 + draw(m, 4); /* one in so many is left out */

    if (w->n_leases == 0)
        return;
    unsigned i = (unsigned)draw(m, w->n_leases);
    uint32_t lease = w->leases[i];
    for (size_t k = 0; k < m->ref.n; k++) {
        struct ref_message *msg = &m->ref.messages[k];
        if (!msg->live || msg->state != MESSAGE_LEASED || msg->lease != lease ||
            !core_is_durable(m->core, msg->seq) || (part > 1 && draw(m, part) == 0))
            continue;
        i = w->n_leases == 2 && w->leases[1] == lease ? 1 : 0;
        report_one(m, w, i, msg);
    }
    effects_run(m);
    if (draw(m, 2) == 0)
        do_pull(m, w);
}

static void
do_lease(struct model *m, struct ref_worker *w)
{
    if (w->n_leases == 0)
        return;
    unsigned i = (unsigned)draw(m, w->n_leases);
    uint32_t lease = w->leases[i];
    struct ref_worker *other = some_worker(m);

    if (other != NULL && other != w) { /* not its own */
        other->heard_us = m->ref.now_us;
        ref_check(&m->ref, !core_lease_return(m->core, other->handle, lease, m->ref.now_us));
        ref_check(&m->ref, !core_lease_extend(m->core, other->handle, lease, m->ref.now_us));
    }
    switch (draw(m, 3)) {
    case 0:
        w->heard_us = m->ref.now_us;
        ref_check(&m->ref, core_lease_extend(m->core, w->handle, lease, m->ref.now_us));
        if (!w->held[i])
            w->deadline_us[i] = m->ref.now_us + m->ref.limits.lease_us;
        break;
    case 1:
        w->heard_us = m->ref.now_us;
        ref_check(&m->ref, core_lease_return(m->core, w->handle, lease, m->ref.now_us));
        ref_lease_end(&m->ref, w, i, false);
        break;
    default:
        core_lease_hold(m->core, lease);
        w->held[i] = true;
        break;
    }
    effects_run(m);
}

static void
do_worker_end(struct model *m, struct ref_worker *w)
{
    switch (draw(m, 3)) {
    case 0:
        core_worker_bye(m->core, w->handle, m->ref.now_us);
        ref_worker_end(&m->ref, w, false);
        break;
    case 1:
        core_worker_gone(m->core, w->handle, m->ref.now_us);
        ref_worker_end(&m->ref, w, true);
        break;
    default:
        core_worker_drain(m->core, w->handle);
        w->draining = true;
        break;
    }
    effects_run(m);
}

static void
do_dispatch(struct model *m)
{
    struct reference *ref = &m->ref;

    core_dispatch(m->core, ref->now_us);
    effects_run(m);
    ref_dispatched(ref);
    struct ref_worker *w = some_worker(m);
    if (w == NULL || w->n_leases == 0 || draw(m, 8) != 0)
        return;
    unsigned i = w->n_leases - 1u; /* the newest could not be sent */
    bool fresh = w->deadline_us[i] == ref->now_us + ref->limits.lease_us && !w->held[i];
    if (!fresh || w->credit != 0)
        return;
    for (size_t k = 0; k < ref->n; k++)
        if (ref->messages[k].live && ref->messages[k].state == MESSAGE_LEASED &&
            ref->messages[k].lease == w->leases[i])
            ref->messages[k].attempt--;
    core_undeliver(m->core, w->leases[i], ref->now_us);
    ref_lease_end(ref, w, i, false);
    effects_run(m);
    do_pull(m, w); /* the credit is good again; this replaces it */
}

static void
do_time(struct model *m)
{
    struct reference *ref = &m->ref;
    static const int64_t steps_us[] = {1000,  1000,   5000,   20000, 20000,
                                       50000, 150000, 400000, 900000};
    int64_t step = draw(m, 40) == 0 ? 2500000 : steps_us[draw(m, ARRAY_LEN(steps_us))];

    ref->now_us += step;
    for (int i = 0; i < REF_WORKERS; i++)
        if (ref->workers[i].used && draw(m, 30) != 0) {
            core_worker_heard(m->core, ref->workers[i].handle, ref->now_us);
            ref->workers[i].heard_us = ref->now_us;
        }
    if (draw(m, 20) == 0) {
        core_time_jumped(m->core, step);
        for (int i = 0; i < REF_WORKERS; i++) {
            ref->workers[i].heard_us += step;
            for (int k = 0; k < 2; k++)
                if (!ref->workers[i].held[k])
                    ref->workers[i].deadline_us[k] += step;
        }
    }
    int64_t next = core_tick(m->core, ref->now_us);
    ref_tick(ref);
    effects_run(m);
    announced_check(m);
    ref_check(ref, next >= ref->now_us);
    for (size_t i = 0; i < ref->n; i++) /* nobody is overslept */
        ref_check(
            ref, !ref->messages[i].live || ref->messages[i].due_us == 0 ||
                     (ref->messages[i].state != MESSAGE_DELAYED && !ref->messages[i].is_volatile) ||
                     next <= ref->messages[i].due_us);
}

static void
do_admin(struct model *m)
{
    struct reference *ref = &m->ref;

    if (draw(m, 4) == 0) {
        uint32_t service = (uint32_t)draw(m, REF_SERVICES);
        ref->paused[service] = !ref->paused[service] && draw(m, 3) == 0;
        core_service_pause(m->core, service, ref->paused[service]);
        return;
    }
    for (size_t i = 0; i < ref->n; i++) {
        struct ref_message *msg = &ref->messages[i];
        bool dead = msg->live && msg->state == MESSAGE_PARKED;
        if (!msg->live || msg->is_volatile || draw(m, 3) != 0)
            continue;
        bool requeue = draw(m, 2) == 0;
        bool done = requeue ? core_requeue(m->core, msg->epoch, msg->seq, ref->now_us)
                            : core_discard(m->core, msg->epoch, msg->seq, ref->now_us);
        ref_check(ref, done == dead);
        if (dead && requeue) {
            msg->state = MESSAGE_READY;
            msg->alone = true;
        } else if (dead) {
            msg->live = false;
        }
        effects_run(m);
    }
}

static void
core_begin(struct model *m)
{
    m->core = core_new(&m->ref.limits, 0, 0, NULL);
    for (int i = 0; i < REF_SERVICES; i++)
        ref_check(&m->ref,
                  core_service(m->core, service_names[i], strlen(service_names[i])) == (uint32_t)i);
}

static void
clients_hello(struct model *m)
{
    for (int i = 0; i < REF_CLIENTS; i++)
        m->clients[i] = core_client_hello(m->core, m->incarnations[i], m->ref.now_us);
    effects_run(m);
}

/* The reference anew from the whole history; handles by listing what core found. */
static void
reference_rebuild(struct model *m)
{
    struct reference *ref = &m->ref;

    ref->n = 0;
    memset(ref->workers, 0, sizeof(ref->workers));
    memset(ref->paused, 0, sizeof(ref->paused));
    memset(ref->last_alone, 0, sizeof(ref->last_alone));
    memset(m->slots, 0, sizeof(m->slots));
    for (size_t i = 0; i < m->tape.n; i++) {
        const struct record *r = &m->tape.records[i].r;
        struct ref_message *msg = ref_any(ref, r->epoch, r->seq);
        if (r->kind == RECORD_MESSAGE && msg == NULL) {
            msg = ref_add(ref);
            *msg = (struct ref_message){.live = true,
                                        .epoch = r->epoch,
                                        .seq = r->seq,
                                        .counter = r->counter,
                                        .incarnation = r->incarnation,
                                        .service = r->service == service_names[1],
                                        .length = r->length,
                                        .state = MESSAGE_READY,
                                        .attempt = 1,
                                        .durable_us = ref->now_us};
        }
        if (r->kind == RECORD_MESSAGE)
            msg->attempt = r->attempt > 0 ? r->attempt : 1;
        if (r->kind == RECORD_DONE)
            msg->live = false;
        else if (r->kills > msg->kills)
            msg->kills = r->kills;
        if (r->kind == RECORD_PARKED) {
            msg->state = MESSAGE_PARKED;
            msg->was_dead = true;
        }
        if (r->kind == RECORD_UNPARKED)
            msg->state = MESSAGE_READY;
    }
    ref_sweep(ref);
    uint32_t handles[LIVE_MAX + 1];
    ref_check(ref,
              core_list(m->core, CORE_NOBODY, MESSAGE_STATES, 0, handles, LIVE_MAX + 1) == ref->n);
    for (size_t i = 0; i < ref->n; i++) {
        struct message_view v;
        core_view(m->core, handles[i], ref->now_us, &v);
        struct ref_message *msg = ref_find(ref, v.epoch, v.seq);
        ref_check(ref, msg != NULL);
        msg->handle = handles[i];
        msg->alone = msg->kills > 0 && msg->state == MESSAGE_READY;
    }
}

static void
do_crash(struct model *m)
{
    core_free(&m->core);
    uint64_t next_seq = tape_crash(&m->tape, draw(m, 2) == 0 ? 0 : draw(m, 60));
    m->free_head_at = 0;
    core_begin(m);
    tape_replay(&m->tape, m->core, m->ref.now_us);
    core_replay_end(m->core, ++m->epoch, next_seq);
    m->ref.durable_seq = next_seq - 1;
    reference_rebuild(m);
    ledger_compare(m);
    clients_hello(m);
    m->crashes++;
}

static void
list_check(struct model *m)
{
    uint32_t handles[20];
    enum message_state state = (enum message_state)draw(m, MESSAGE_STATES + 1);
    uint32_t service = (uint32_t)draw(m, REF_SERVICES + 1);
    uint64_t after = draw(m, m->ref.durable_seq + 2), last = after;
    struct message_view v;

    service = service == REF_SERVICES ? CORE_NOBODY : service;
    if (state == MESSAGE_FREE)
        return;
    size_t n = core_list(m->core, service, state, after, handles, 20), expected = 0;
    for (size_t i = 0; i < n; i++) {
        ref_check(&m->ref, core_view(m->core, handles[i], 0, &v) && v.seq > last);
        ref_check(&m->ref, state == MESSAGE_STATES || v.state == state);
        last = v.seq;
    }
    for (size_t i = 0; i < m->ref.n; i++) {
        const struct ref_message *msg = &m->ref.messages[i];
        expected += msg->live && !msg->is_volatile && msg->seq > after && msg->seq <= last &&
                    (service == CORE_NOBODY || service == msg->service) &&
                    (state == MESSAGE_STATES || state == msg->state);
    }
    ref_check(&m->ref, n == expected);
}

static void
step(struct model *m)
{
    struct ref_worker *w = some_worker(m);
    uint64_t dice = draw(m, 1000);

    if (dice < 180)
        for (uint64_t n = draw(m, 8); n > 0; n--)
            do_accept(m, draw(m, 12) == 0);
    else if (dice < 330)
        do_sync(m);
    else if (dice < 460)
        do_dispatch(m);
    else if (dice < 620 && w != NULL)
        do_pull(m, w);
    else if (dice < 830 && w != NULL)
        do_report(m, w);
    else if (dice < 850 && w != NULL)
        do_lease(m, w);
    else if (dice < 900)
        do_ready(m);
    else if (dice < 905 && w != NULL)
        do_worker_end(m, w);
    else if (dice < 940)
        do_time(m);
    else if (dice < 965)
        do_admin(m);
    else if (dice < 980)
        do_move(m);
    else if (dice < 982)
        do_crash(m);
    else
        list_check(m);
    effects_run(m);
    if (m->ref.step % 4 == 0)
        ref_compare(&m->ref, m->core);
    if (m->ref.step % 256 == 0)
        ledger_compare(m);
    ref_sweep(&m->ref);
}

static void
run(uint64_t seed, uint64_t steps, struct model *sum)
{
    struct model m = {.random = seed * 0x9e3779b97f4a7c15u + 1,
                      .epoch = 1,
                      .ref = {.seed = seed,
                              .now_us = 1000000,
                              .limits = {.max_messages = LIVE_MAX,
                                         .max_volatile = VOLATILE_MAX,
                                         .volatile_us = 700000,
                                         .window_messages = 40,
                                         .window_bytes = 9000,
                                         .lease_us = 2000000,
                                         .heartbeat_us = 500000,
                                         .max_kills = 2,
                                         .max_clients = 8,
                                         .max_workers = REF_WORKERS + 2}}};

    tape_init(&m.tape);
    for (int i = 0; i < REF_CLIENTS; i++)
        m.incarnations[i] = seed * 1000 + (uint64_t)i + 1;
    core_begin(&m);
    core_replay_begin(m.core, NULL);
    core_replay_end(m.core, m.epoch, 1);
    clients_hello(&m);
    for (m.ref.step = 0; m.ref.step < steps; m.ref.step++)
        step(&m);
    ledger_compare(&m);
    do_crash(&m);
    sum->crashes += m.crashes;
    sum->outcomes += m.outcomes;
    sum->deliveries += m.deliveries;
    sum->stale += m.stale;
    sum->moved += m.moved;
    core_free(&m.core);
    tape_deinit(&m.tape);
    free(m.ref.messages);
}

int
main(int argc, char **argv)
{
    struct model sum = {0};
    uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 10) : (uint64_t)time(NULL) * SEEDS;
    uint64_t n = argc > 1 ? 1 : SEEDS;
    uint64_t steps = argc > 2 ? strtoull(argv[2], NULL, 10) : STEPS;

    printf("seeds %lu to %lu, %lu steps each\n", (unsigned long)first,
           (unsigned long)(first + n - 1), (unsigned long)steps);
    fflush(stdout);
    for (uint64_t i = 0; i < n; i++)
        run(first + i, steps, &sum);
    printf("%lu deliveries, %lu outcomes, %lu stale reports, %lu moved, %lu crashes\n",
           (unsigned long)sum.deliveries, (unsigned long)sum.outcomes, (unsigned long)sum.stale,
           (unsigned long)sum.moved, (unsigned long)sum.crashes);
    return sum.deliveries > 0 && sum.outcomes > 0 && sum.crashes > 0 ? 0 : 1;
}
