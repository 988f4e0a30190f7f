/* One round: libuv delivers what has come (requests are parsed into the brokers' batches), then
 * on_prepare sends them unless more comes, takes in what brokers say, answers, cuts what is late,
 * and sets the timer for the next thing that is due. */
#include "client/edge/loop.h"

#include <stddef.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/lifecycle.h"
#include "base/log.h"
#include "base/schedule.h"
#include "client/edge/connection.h"
#include "client/edge/request.h"
#include "client/edge/stream.h"

#define READY_WITHOUT_BROKER_US (2 * US_PER_S)
#define DRAIN_MAX_US (45 * US_PER_S)

/* Against one batch a round, medians of six to eleven interleaved pairs on two cores: CPU a
 * submission 0.69 at 4 connections, 0.80 at 16, 0.92 at 64; answers a second 1.05, 1.03, 1.01. */
#define BATCH_SMALL 8
#define BATCH_ENOUGH 32
#define GATHER_ROUNDS_MAX 8

static void
requests_expire(struct ticket_queue *queue, int64_t now_us)
{
    struct ticket *t;

    while ((t = ticket_pop_due(queue, now_us)) != NULL) {
        struct request *q =
            (struct request *)(void *)((char *)t - offsetof(struct request, ticket));
        q->kind->expired(q);
    }
}

static void
expire(struct edge *e)
{
    for (unsigned i = 1; i <= PREFER_WAIT_MAX; i++)
        requests_expire(&e->waits[i], e->now_us);
    requests_expire(&e->wait_default, e->now_us);
    requests_expire(&e->lookups, e->now_us);
    connections_expire(e);
}

static int64_t
earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t
next_deadline(const struct edge *e)
{
    int64_t next_us = ticket_next_us(&e->wait_default);

    for (unsigned i = 1; i <= PREFER_WAIT_MAX; i++)
        next_us = earlier(next_us, ticket_next_us(&e->waits[i]));
    next_us = earlier(next_us, ticket_next_us(&e->lookups));
    next_us = earlier(next_us, ticket_next_us(&e->idle));
    next_us = earlier(next_us, ticket_next_us(&e->reading));
    return earlier(next_us, ticket_next_us(&e->lingering));
}

static void
on_timer(uv_timer_t *timer)
{
    struct edge_loop *l = timer->data;

    l->timer_at_us = TICKET_NEVER; /* the turn that follows sets it again */
}

static void
timer_set(struct edge_loop *l, int64_t at_us)
{
    int64_t now_us = l->edge->now_us;

    if (at_us == l->timer_at_us || at_us == TICKET_NEVER)
        return;
    /* A timer that stands a little earlier only costs an empty round. */
    if (l->timer_at_us < at_us && l->timer_at_us > now_us && at_us - l->timer_at_us < US_PER_MS)
        return;
    uint64_t ms = at_us <= now_us ? 0 : (uint64_t)((at_us - now_us + US_PER_MS - 1) / US_PER_MS);
    uv_timer_start(&l->timer, on_timer, ms, 0);
    l->timer_at_us = at_us;
}

static void
ready_tell(struct edge_loop *l)
{
    bool connected = brokers_connected(&l->edge->brokers) > 0;

    if (!connected && l->edge->now_us - l->started_us < READY_WITHOUT_BROKER_US)
        return;
    l->told_ready = true;
    lifecycle_notify_ready(connected ? "taking submissions" : "waiting for a broker");
    log_event(EVENT_STARTED, LOG_S("broker", connected ? "connected" : "none"));
}

/* A batch carries what has come: while it is small and there is more to read, it is not sent yet;
 * one of a few messages gives way first to whoever may be about to bring more. Bounded, and never a
 * wait. Large enough they leave at once: whoever waits for a whole wave makes the next one larger.
 */
static bool
more_comes(struct edge_loop *l)
{
    size_t n = l->edge->brokers.unsent;
    int fd = uv_backend_fd(l->edge->loop);

    if (n == 0 || n >= BATCH_ENOUGH || l->gathered == GATHER_ROUNDS_MAX)
        return false;
    return n < BATCH_SMALL ? schedule_give_way(fd) : schedule_is_readable(fd);
}

static void
on_prepare(uv_prepare_t *prepare)
{
    struct edge_loop *l = prepare->data;
    struct edge *e = l->edge;

    e->now_us = clock_mono_us();
    bool gathers = more_comes(l);
    l->gathered = gathers ? l->gathered + 1 : 0;
    int64_t next_us = brokers_turn(&e->brokers, e->now_us, !gathers);
    expire(e);
    next_us = earlier(next_us, streams_turn(e->streams, e->now_us));
    next_us = earlier(next_us, next_deadline(e));
    if (e->brokers.unsent > 0)
        next_us = e->now_us;
    if (!l->told_ready) {
        ready_tell(l);
        next_us = earlier(next_us, l->started_us + READY_WITHOUT_BROKER_US);
    }
    if (e->draining) {
        /* A submission whose client was answered needs us no more: it is with a broker. */
        if (e->connections == NULL || e->now_us >= l->drain_until_us)
            uv_stop(e->loop);
        next_us = earlier(next_us, l->drain_until_us);
    }
    timer_set(l, next_us);
}

static void
listeners_close(struct edge_loop *l)
{
    for (unsigned i = 0; i < l->n_listeners; i++)
        if (!uv_is_closing((uv_handle_t *)&l->listeners[i].tcp))
            uv_close((uv_handle_t *)&l->listeners[i].tcp, NULL);
}

static void
on_signal(uv_poll_t *poll, int status, int events)
{
    struct edge_loop *l = poll->data;
    struct edge *e = l->edge;

    (void)status;
    (void)events;
    switch (lifecycle_read()) {
    case LIFECYCLE_RUN:
        break;
    case LIFECYCLE_DRAIN:
        if (e->draining)
            break;
        e->draining = true;
        e->now_us = clock_mono_us();
        l->drain_until_us = e->now_us + DRAIN_MAX_US;
        lifecycle_notify_stopping();
        log_event(EVENT_DRAINING, LOG_I("connections", e->open.now),
                  LOG_U("requests", (uint64_t)e->n_requests));
        listeners_close(l);
        connections_drain(e);
        break;
    case LIFECYCLE_STOP:
        l->stopped = true;
        uv_stop(e->loop);
        break;
    }
}

static void
on_watchdog(uv_timer_t *timer)
{
    (void)timer;
    lifecycle_notify_alive();
}

int
loop_init(struct edge_loop *l, struct edge *e)
{
    int64_t watchdog_us = lifecycle_watchdog_us();

    l->edge = e;
    l->timer_at_us = TICKET_NEVER;
    l->started_us = e->now_us = clock_mono_us();
    uv_prepare_init(e->loop, &l->prepare);
    uv_timer_init(e->loop, &l->timer);
    uv_timer_init(e->loop, &l->watchdog);
    l->prepare.data = l->timer.data = l;
    uv_prepare_start(&l->prepare, on_prepare);
    if (watchdog_us > 0)
        uv_timer_start(&l->watchdog, on_watchdog, 0, (uint64_t)(watchdog_us / US_PER_MS));
    int r = uv_poll_init(e->loop, &l->signals, lifecycle_fd());
    if (r == 0) {
        l->signals.data = l;
        r = uv_poll_start(&l->signals, UV_READABLE, on_signal);
    }
    return r;
}

bool
loop_run(struct edge_loop *l)
{
    uv_run(l->edge->loop, UV_RUN_DEFAULT);
    return !l->stopped && l->edge->connections == NULL;
}

void
loop_deinit(struct edge_loop *l)
{
    struct edge *e = l->edge;

    listeners_close(l);
    connections_stop(e);
    streams_stop(e->streams);
    uv_prepare_stop(&l->prepare);
    uv_close((uv_handle_t *)&l->prepare, NULL);
    uv_close((uv_handle_t *)&l->timer, NULL);
    uv_close((uv_handle_t *)&l->watchdog, NULL);
    uv_close((uv_handle_t *)&l->signals, NULL);
    for (size_t i = 0; i < e->brokers.n; i++)
        uv_close((uv_handle_t *)&e->brokers.list[i].poll, NULL);
    while (uv_run(e->loop, UV_RUN_NOWAIT) != 0)
        continue; /* close callbacks */
}
