/* Commands: messages come, become durable, are moved by reclaim; time passes, admins meddle. */
#include <string.h>

#include "base/error.h"
#include "tests/model/model.h"

const char *const model_services[REF_SERVICES] = {"submissions", "alerts"};

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

void
model_accept(struct model *m, bool is_volatile)
{
    struct reference *ref = &m->ref;
    int who = (int)model_draw(m, REF_CLIENTS + 1) - 1; /* -1: a follow-up */
    uint32_t client = who < 0 ? CORE_NOBODY : m->clients[who];
    uint32_t service = (uint32_t)model_draw(m, REF_SERVICES), slot = 0;
    struct record r = {.kind = RECORD_MESSAGE,
                       .length = RECORD_HEADER_BYTES + (uint32_t)model_draw(m, 400),
                       .incarnation = who < 0 ? 0 : m->incarnations[who],
                       .counter = ++m->counter,
                       .accepted_us = ref->now_us,
                       .service = model_services[service],
                       .service_len = (uint8_t)strlen(model_services[service])};

    le64_put(r.id.bytes, model_draw(m, 50)); /* ids repeat */
    r.flags = (uint8_t)((who < 0 ? RECORD_NO_OUTCOME : 0) | (is_volatile ? RECORD_VOLATILE : 0) |
                        (!is_volatile && model_draw(m, 8) == 0 ? RECORD_ACCEPT_NOW : 0));
    int refusal = core_intake(m->core, client, &r, service);
    if (is_volatile && model_service_is_dead(ref, service)) {
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

void
model_sync(struct model *m)
{
    struct reference *ref = &m->ref;

    ref->durable_seq = tape_sync(&m->tape, model_draw(m, 3) == 0 ? m->tape.n : model_draw(m, 20));
    for (size_t i = 0; i < ref->n; i++)
        if (!ref->messages[i].is_volatile && ref->messages[i].durable_us == 0 &&
            ref->messages[i].seq <= ref->durable_seq)
            ref->messages[i].durable_us = ref->now_us;
    core_durable(m->core, ref->durable_seq, ref->now_us);
    model_effects(m);
    model_announced(m);
    if (m->free_head_at != 0 && m->tape.durable >= m->free_head_at) {
        m->tape.head++;
        m->free_head_at = 0;
    }
}

/* Reclaim: what lives in the head is appended again; the head goes when that is durable. */
void
model_move(struct model *m)
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
        model_mark(m, RECORD_PARKED, &e);
    }
    m->free_head_at = t->n;
    model_effects(m);
}

void
model_time(struct model *m)
{
    struct reference *ref = &m->ref;
    static const int64_t steps_us[] = {1000,  1000,   5000,   20000, 20000,
                                       50000, 150000, 400000, 900000};
    int64_t step = model_draw(m, 40) == 0 ? 2500000 : steps_us[model_draw(m, ARRAY_LEN(steps_us))];

    ref->now_us += step;
    if (model_draw(m, 20) == 0) {
        core_time_jumped(m->core, step);
        for (int i = 0; i < REF_WORKERS; i++) {
            ref->workers[i].heard_us += step;
            for (int k = 0; k < 2; k++)
                if (!ref->workers[i].held[k])
                    ref->workers[i].deadline_us[k] += step;
        }
    }
    for (int i = 0; i < REF_WORKERS; i++)
        if (ref->workers[i].used && model_draw(m, 30) != 0) {
            core_worker_heard(m->core, ref->workers[i].handle, ref->now_us);
            ref->workers[i].heard_us = ref->now_us;
        }
    int64_t next = core_tick(m->core, ref->now_us);
    ref_tick(ref);
    model_effects(m);
    model_announced(m);
    ref_check(ref, next >= ref->now_us);
    for (size_t i = 0; i < ref->n; i++) /* nobody is overslept */
        ref_check(
            ref, !ref->messages[i].live || ref->messages[i].due_us == 0 ||
                     (ref->messages[i].state != MESSAGE_DELAYED && !ref->messages[i].is_volatile) ||
                     next <= ref->messages[i].due_us);
}

void
model_admin(struct model *m)
{
    struct reference *ref = &m->ref;

    if (model_draw(m, 4) == 0) {
        uint32_t service = (uint32_t)model_draw(m, REF_SERVICES);
        ref->paused[service] = !ref->paused[service] && model_draw(m, 3) == 0;
        core_service_pause(m->core, service, ref->paused[service]);
        return;
    }
    for (size_t i = 0; i < ref->n; i++) {
        struct ref_message *msg = &ref->messages[i];
        bool dead = msg->live && msg->state == MESSAGE_PARKED;
        if (!msg->live || msg->is_volatile || model_draw(m, 3) != 0)
            continue;
        bool requeue = model_draw(m, 2) == 0;
        bool done = requeue ? core_requeue(m->core, msg->epoch, msg->seq, ref->now_us)
                            : core_discard(m->core, msg->epoch, msg->seq, ref->now_us);
        ref_check(ref, done == dead);
        if (dead && requeue) {
            msg->state = MESSAGE_READY;
            msg->alone = true;
        } else if (dead) {
            msg->live = false;
        }
        model_effects(m);
    }
}
