/* Random commands for broker core beside a naive reference, with crashes and replay from a tiny
 * journal. The seed of every run is printed when it fails; `model_core SEED [STEPS]` runs one
 * alone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/model/model.h"

#define SEEDS 150
#define STEPS 4000

static void
core_begin(struct model *m)
{
    m->core = core_new(&m->ref.limits, 0, 0, NULL);
    for (int i = 0; i < REF_SERVICES; i++)
        ref_check(&m->ref, core_service(m->core, model_services[i], strlen(model_services[i])) ==
                               (uint32_t)i);
}

static void
clients_hello(struct model *m)
{
    for (int i = 0; i < REF_CLIENTS; i++)
        m->clients[i] = core_client_hello(m->core, m->incarnations[i], m->ref.now_us);
    model_effects(m);
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
        struct ref_message *msg = model_message(ref, r->epoch, r->seq);
        if (r->kind == RECORD_MESSAGE && msg == NULL) {
            msg = ref_add(ref);
            *msg = (struct ref_message){.live = true,
                                        .epoch = r->epoch,
                                        .seq = r->seq,
                                        .counter = r->counter,
                                        .incarnation = r->incarnation,
                                        .service = r->service == model_services[1],
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
    uint64_t next_seq = tape_crash(&m->tape, model_draw(m, 2) == 0 ? 0 : model_draw(m, 60));
    m->free_head_at = 0;
    core_begin(m);
    tape_replay(&m->tape, m->core, m->ref.now_us);
    core_replay_end(m->core, ++m->epoch, next_seq);
    m->ref.durable_seq = next_seq - 1;
    reference_rebuild(m);
    model_ledger(m);
    clients_hello(m);
    m->crashes++;
}

static void
list_check(struct model *m)
{
    uint32_t handles[20];
    enum message_state state = (enum message_state)model_draw(m, MESSAGE_STATES + 1);
    uint32_t service = (uint32_t)model_draw(m, REF_SERVICES + 1);
    uint64_t after = model_draw(m, m->ref.durable_seq + 2), last = after;
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
    struct ref_worker *w = model_worker(m);
    uint64_t dice = model_draw(m, 1000);

    if (dice < 180)
        for (uint64_t n = model_draw(m, 8); n > 0; n--)
            model_accept(m, model_draw(m, 12) == 0);
    else if (dice < 330)
        model_sync(m);
    else if (dice < 460)
        model_dispatch(m);
    else if (dice < 620 && w != NULL)
        model_pull(m, w);
    else if (dice < 830 && w != NULL)
        model_report(m, w);
    else if (dice < 850 && w != NULL)
        model_lease(m, w);
    else if (dice < 900)
        model_ready(m);
    else if (dice < 905 && w != NULL)
        model_worker_end(m, w);
    else if (dice < 940)
        model_time(m);
    else if (dice < 965)
        model_admin(m);
    else if (dice < 980)
        model_move(m);
    else if (dice < 982)
        do_crash(m);
    else
        list_check(m);
    model_effects(m);
    if (m->ref.step % 4 == 0)
        ref_compare(&m->ref, m->core);
    if (m->ref.step % 256 == 0)
        model_ledger(m);
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
    model_ledger(&m);
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
