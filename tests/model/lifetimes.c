/* A million lifetimes through core alone: accept, dispatch, report; then again with a backlog of a
 * million. Prints what one costs and fails if it costs absurdly much. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/error.h"
#include "broker/core/core.h"

#define LIFETIMES 1000000
#define BATCH 256

static const struct core_limits limits = {.max_messages = 4000000,
                                          .max_volatile = 1024,
                                          .volatile_us = 2000000,
                                          .window_messages = 65536,
                                          .window_bytes = UINT64_C(1) << 40,
                                          .lease_us = 6000000,
                                          .heartbeat_us = 1000000,
                                          .max_kills = 3,
                                          .max_clients = 64,
                                          .max_workers = 64};

static double
seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
accept_some(struct core *c, uint32_t client, uint32_t service, uint32_t n, int64_t now_us)
{
    struct record r = {.kind = RECORD_MESSAGE, .length = 1100, .incarnation = 7};
    struct place place = {.segment = 1, .length = 1100};

    for (uint32_t i = 0; i < n; i++) {
        core_next_origin(c, &r.epoch, &r.seq);
        r.counter = r.seq;
        le64_put(r.id.bytes, r.seq * UINT64_C(0x9e3779b97f4a7c15));
        sluice_assert(core_intake(c, client, &r, service) == 0);
        place.offset = (uint32_t)r.seq;
        core_accept(c, client, &r, service, place, now_us);
    }
    core_durable(c, r.seq, now_us);
    core_effects_clear(c);
}

/* Everything that is delivered is reported. Returns how many. */
static uint32_t
work(struct core *c, uint32_t worker, uint64_t epoch, int64_t now_us)
{
    uint64_t seqs[BATCH];
    struct message_view v;
    const uint32_t *messages;
    size_t n_effects, n = 0;
    uint32_t lease = 0;

    core_worker_pull(c, worker, BATCH, 4 << 20, now_us);
    core_dispatch(c, now_us);
    const struct effect *e = core_effects(c, &n_effects);
    for (size_t i = 0; i < n_effects; i++)
        if (e[i].kind == EFFECT_DELIVER)
            lease = e[i].lease;
    n = core_lease_messages(c, lease, &messages);
    for (size_t i = 0; i < n; i++) {
        sluice_assert(core_view(c, messages[i], now_us, &v));
        seqs[i] = v.seq;
    }
    core_effects_clear(c);
    for (size_t i = 0; i < n; i++)
        sluice_assert(core_report(c, worker, lease, epoch, seqs[i], OUTCOME_STORED, now_us));
    core_effects_clear(c);
    return (uint32_t)n;
}

static double
lifetimes(uint32_t backlog)
{
    struct core *c = core_new(&limits, 1, 1, NULL);
    uint32_t service = core_service(c, "submissions", 11);
    uint32_t client = core_client_hello(c, 7, 1);
    uint32_t worker = core_worker_ready(c, "w", 1, 1, service, 1);
    int64_t now_us = 1;
    uint32_t done = 0;

    for (uint32_t i = 0; i < backlog; i += BATCH)
        accept_some(c, client, service, BATCH, now_us);
    double began = seconds();
    while (done < LIFETIMES) {
        now_us += 1000;
        accept_some(c, client, service, BATCH, now_us);
        done += work(c, worker, 1, now_us);
        core_tick(c, now_us);
    }
    double took = seconds() - began;
    const struct ledger *l = core_ledger(c);
    struct core_figures f;
    core_figures(c, &f);
    sluice_assert(l->by_outcome[OUTCOME_STORED] == done && l->accepted == done + f.live);
    core_free(&c);
    return took / done * 1e6;
}

int
main(void)
{
    double empty = lifetimes(0), full = lifetimes(1000000);

    printf("accept + dispatch + report: %.3f us a message, %.3f us behind a backlog of 1,000,000\n",
           empty, full);
    return empty < 10 && full < 10 ? 0 : 1;
}
