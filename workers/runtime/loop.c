/* PostgreSQL away: what is held is reported "retry", no credit is asked for, and connecting is
 * tried with a growing pause until it succeeds. The pause is a wait for the wish to drain, so a
 * SIGTERM ends it; heartbeats go on in the helper meanwhile. */
#include "workers/runtime/loop.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "store/migrate.h"

#define PAUSE_MIN_US (100 * US_PER_MS)
#define PAUSE_MAX_US (2 * US_PER_S)
#define KEPT_BYTES ((size_t)1 << 20) /* memory a buffer keeps between batches */

enum loop_step { STEP_GO = -1 }; /* else an exit code */

struct loop {
    struct hands *hands;
    struct store *store;
    const struct service *service;
    void *self;
    struct service_report report;
    int64_t pause_us;
    bool lost; /* said so in the log */
};

static int
connect_once(struct loop *l)
{
    int n = store_is_open(l->store) ? STORE_OK : store_connect(l->store);

    if (n == STORE_OK)
        n = store_check_promise(l->store);
    if (n == STORE_OK)
        n = store_check_schema(l->store);
    if (n == STORE_OK)
        n = l->service->ready(l->self);
    return n;
}

static int
fatal(struct loop *l)
{
    log_event(EVENT_FATAL, LOG_S("why", store_why(l->store)));
    return EXIT_CONFIG;
}

/* Rests, then probes, until the store serves: STEP_GO; or an exit code. */
static int
store_await(struct loop *l)
{
    hands_ready(l->hands, false);
    for (;;) {
        int n = connect_once(l);
        if (n == STORE_OK) {
            if (l->lost)
                log_event(EVENT_STORE_BACK);
            l->lost = false;
            hands_ready(l->hands, true);
            return STEP_GO;
        }
        if (n == STORE_SCHEMA || n == STORE_UNSAFE || n == STORE_INVALID)
            return fatal(l);
        if (!l->lost)
            log_event(EVENT_STORE_LOST, LOG_S("why", store_why(l->store)));
        l->lost = true;
        store_close(l->store);
        if (hands_drain_wait(l->hands, clock_mono_us() + l->pause_us))
            return EXIT_DONE;
        l->pause_us = l->pause_us * 2 < PAUSE_MAX_US ? l->pause_us * 2 : PAUSE_MAX_US;
    }
}

static int
batch_do(struct loop *l, struct hold *hold)
{
    int n = l->service->batch(l->self, &hold->batch, &l->report);
    if (n == STORE_SCHEMA) {
        hands_return(l->hands, hold);
        return fatal(l);
    }
    if (n != STORE_OK)
        hands_ready(l->hands, false); /* before the report: no credit rides on it */
    hands_report(l->hands, hold, &l->report);
    buf_trim(&l->report.entries, KEPT_BYTES);
    buf_trim(&l->report.followups, KEPT_BYTES);
    buf_clear(&l->report.note);
    if (n == STORE_OK) {
        l->pause_us = PAUSE_MIN_US;
        return STEP_GO;
    }
    /* The store needs a rest: nothing is pulled before a probe says that it serves again. */
    if (!l->lost)
        log_event(EVENT_STORE_LOST, LOG_S("why", store_why(l->store)));
    l->lost = true;
    if (hands_drain_wait(l->hands, clock_mono_us() + l->pause_us))
        return EXIT_DONE;
    l->pause_us = l->pause_us * 2 < PAUSE_MAX_US ? l->pause_us * 2 : PAUSE_MAX_US;
    return store_await(l);
}

int
loop_run(struct hands *h, struct store *store, const struct service *service, void *self)
{
    struct loop l = {
        .hands = h, .store = store, .service = service, .self = self, .pause_us = PAUSE_MIN_US};
    int step;

    hands_report_init(&l.report);
    step = store_await(&l);
    while (step == STEP_GO) {
        struct hold hold;
        int64_t deadline_us = service->deadline != NULL ? service->deadline(self) : INT64_MAX;
        switch (hands_take(h, deadline_us, &hold)) {
        case HANDS_BATCH:
            step = batch_do(&l, &hold);
            break;
        case HANDS_TIMEOUT:
            break;
        case HANDS_DRAIN:
            step = EXIT_DONE;
            break;
        }
        if (step == STEP_GO && service->idle != NULL)
            service->idle(self, clock_mono_us());
        if (step == STEP_GO && !store_is_open(store))
            step = store_await(&l);
    }
    hands_report_deinit(&l.report);
    return step;
}
