/* The turn: drain what has arrived (bounded), let core decide, hand one journal batch over for all
 * of it, send what may be sent. Nothing sleeps but the poll, and that only until the next deadline.
 *
 * Order within a turn matters:
 *   - sockets are drained before core_tick, so no lease ends while its report lies unread;
 *   - marks are appended before the hand-over; deliveries go out behind it, while the disk works;
 *   - after a failure nothing is sent any more.
 *
 * Tried to be woken less often, and dropped, since neither answers nor CPU got better: leaving
 * clients unread for some ms while every worker is busy; sleeping through a sync that nobody waits
 * for. What helps is to let others finish first (base/schedule.h). Dropped as well: deliveries
 * before the hand-over. They left 0.1 ms sooner, but the sync began 0.5 ms later and three times as
 * many outcomes had to wait for it. */
#include "broker/reactor/reactor.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/lifecycle.h"
#include "base/log.h"
#include "broker/reactor/broker.h"
#include "broker/reactor/start.h"

#define WORKER_MESSAGES_A_TURN 256
#define CLIENT_MESSAGES_A_TURN 128
#define ADMIN_MESSAGES_A_TURN 16
#define IDLE_FLUSH_US (100 * US_PER_MS)
#define POLL_MAX_US (250 * US_PER_MS)
#define POLL_UNSENT_US (10 * US_PER_MS)
#define JUMP_US US_PER_S
#define HEARTBEAT_STEPS 4 /* peers are looked at so often an interval */

struct reactor {
    struct broker broker;
    int64_t next_core_us, next_peers_us, next_alive_us, alive_us;
    int64_t marks_since_us; /* since when only marks wait for the disk; 0: none */
    int64_t drain_until_us;
    bool more; /* a socket or the reclaim has more to do: don't sleep */
    bool signalled, journal_rang;
    bool ended;
};

static int64_t
deadline_us(const struct reactor *r)
{
    int64_t at = r->next_core_us < r->next_peers_us ? r->next_core_us : r->next_peers_us;
    int64_t flush_us = r->marks_since_us + IDLE_FLUSH_US;

    /* Past that time the journal's writer is at work, and wakes us. */
    if (r->marks_since_us != 0 && flush_us > r->broker.now_us && flush_us < at)
        at = flush_us;
    if (r->alive_us != 0 && r->next_alive_us < at)
        at = r->next_alive_us;
    if (r->broker.draining && r->drain_until_us < at)
        at = r->drain_until_us;
    return at;
}

/* Is the socket read now? Marks that wait for the journal come before everything; a submit that
 * waits keeps the client socket unread, so that the queues behind it push back. */
static bool
endpoint_is_read(const struct broker *b, enum endpoint e)
{
    return b->owed.size == 0 && (e != ENDPOINT_CLIENT || !b->submit.active);
}

static int
poll_ms(const struct reactor *r)
{
    int64_t max_us = r->broker.unsent ? POLL_UNSENT_US : POLL_MAX_US;
    int64_t wait_us = r->more ? 0 : deadline_us(r) - clock_mono_us();

    if (wait_us < 0)
        wait_us = 0;
    if (wait_us > max_us)
        wait_us = max_us;
    return (int)((wait_us + US_PER_MS - 1) / US_PER_MS);
}

/* Sleeps until something is there or due. zmq_poll would do, but asks every socket twice a call,
 * with two system calls each. */
static void
reactor_poll(struct reactor *r)
{
    struct broker *b = &r->broker;
    struct pollfd fds[ENDPOINTS + 2];

    for (int e = 0; e < ENDPOINTS; e++) {
        bool is_read = endpoint_is_read(b, e);
        r->more = r->more || (is_read && socket_has_input(&b->sockets, e));
        /* poll passes over negative ones */
        fds[e] = (struct pollfd){.fd = is_read ? b->sockets.fd[e] : -1, .events = POLLIN};
    }
    fds[ENDPOINTS] = (struct pollfd){.fd = lifecycle_fd(), .events = POLLIN};
    fds[ENDPOINTS + 1] = (struct pollfd){.fd = journal_fd(b->journal), .events = POLLIN};
    if (poll(fds, ARRAY_LEN(fds), poll_ms(r)) < 0 && errno != EINTR)
        broker_fail(b, EXIT_BUG, strerror(errno));
    for (int e = 0; e < ENDPOINTS; e++)
        b->sockets.stirred[e] = b->sockets.stirred[e] || fds[e].revents != 0;
    r->signalled = fds[ENDPOINTS].revents != 0;
    r->journal_rang = fds[ENDPOINTS + 1].revents != 0;
}

static void
clock_advance(struct broker *b)
{
    int64_t now_us = clock_mono_us();

    if (now_us - b->now_us > JUMP_US) {
        core_time_jumped(b->core, now_us - b->now_us);
        peers_shift_heard(b->peers, now_us - b->now_us);
        metrics_add(&b->metrics, METRIC_TIME_JUMPS, 1);
        log_event(EVENT_TIME_JUMPED, LOG_I("gap_us", now_us - b->now_us));
    } else if (b->submit.active || b->owed.size > 0) {
        /* We did not read what clients said: their silence is ours. */
        peers_shift_heard(b->peers, now_us - b->now_us);
    }
    b->now_us = now_us;
}

static void
journal_listen(struct broker *b)
{
    uint64_t durable_seq = 0;

    if (journal_turn(b->journal, &durable_seq) == JOURNAL_FAILED) {
        broker_fail(b, EXIT_DISK, broker_journal_why(b));
        return;
    }
    core_durable(b->core, durable_seq, b->now_us);
    effects_run(b);
}

static void
sockets_drain(struct reactor *r)
{
    struct broker *b = &r->broker;

    r->more = false;
    marks_settle(b);
    if (b->owed.size > 0)
        return; /* the journal's writer wakes us */
    held_apply(b);
    r->more = commands_drain(b, ENDPOINT_WORKER, WORKER_MESSAGES_A_TURN);
    r->more |= commands_drain(b, ENDPOINT_ADMIN, ADMIN_MESSAGES_A_TURN);
    if (b->submit.active)
        submit_continue(b);
    if (!b->submit.active && b->fatal == 0)
        r->more |= commands_drain(b, ENDPOINT_CLIENT, CLIENT_MESSAGES_A_TURN) && !b->submit.active;
    effects_run(b);
}

static void
time_pass(struct reactor *r)
{
    struct broker *b = &r->broker;

    /* Ending leases may park messages; without room for the marks they end a turn later. */
    if (broker_room(b, 0, b->tick_room) == JOURNAL_OK && b->fatal == 0) {
        r->next_core_us = core_tick(b->core, b->now_us);
        effects_run(b);
    }
    if (b->now_us >= r->next_peers_us) {
        r->next_peers_us = b->now_us + b->limits.heartbeat_us / HEARTBEAT_STEPS;
        core_wall_clock(b->core, b->now_us, clock_wall_us());
        peers_forget_silent(b);
        send_heartbeats(b);
        effects_run(b);
    }
    if (r->alive_us != 0 && b->now_us >= r->next_alive_us) {
        lifecycle_notify_alive();
        r->next_alive_us = b->now_us + r->alive_us;
    }
}

/* Messages go to the disk at once; marks alone wait for company, but not for long. */
static void
journal_give(struct reactor *r)
{
    struct broker *b = &r->broker;

    if (!journal_gathered_anything(b->journal)) {
        r->marks_since_us = 0;
        return;
    }
    if (r->marks_since_us == 0)
        r->marks_since_us = b->now_us;
    if (b->draining || journal_gathered_messages(b->journal) ||
        b->now_us - r->marks_since_us >= IDLE_FLUSH_US ||
        broker_room(b, 0, b->max_journal_record) != JOURNAL_OK) {
        journal_hand_over(b->journal, core_ledger(b->core));
        if (!journal_gathered_anything(b->journal))
            r->marks_since_us = 0;
    }
}

/* A drain ends when no lease is out, or after a lease's time, and all is on disk. */
static void
drain_look(struct reactor *r)
{
    struct broker *b = &r->broker;
    struct core_figures f;

    core_figures(b->core, &f);
    bool reported = (f.leases == 0 && b->held.count == 0) || b->now_us >= r->drain_until_us;
    if (reported && !b->submit.active && f.durable_seq + 1 >= f.next_seq &&
        !journal_gathered_anything(b->journal))
        r->ended = true;
}

static void
wishes_read(struct reactor *r)
{
    struct broker *b = &r->broker;

    switch (lifecycle_read()) {
    case LIFECYCLE_RUN:
        break;
    case LIFECYCLE_DRAIN:
        if (b->draining)
            break;
        b->draining = true;
        r->drain_until_us = b->now_us + b->limits.lease_us;
        lifecycle_notify_stopping();
        log_event(EVENT_DRAINING);
        break;
    case LIFECYCLE_STOP:
        /* At once: even a journal that hangs is not waited for. It holds what was promised. */
        log_event(EVENT_STOPPED, LOG_I("code", EXIT_DONE));
        _exit(EXIT_DONE);
    }
}

static void
reactor_turn(struct reactor *r)
{
    struct broker *b = &r->broker;

    reactor_poll(r);
    clock_advance(b);
    metrics_add(&b->metrics, METRIC_TURNS, 1);
    if (r->signalled)
        wishes_read(r);
    if (r->journal_rang)
        journal_listen(b);
    if (b->fatal == 0)
        sockets_drain(r);
    if (b->fatal == 0)
        r->more |= reclaim_step(b);
    if (b->fatal == 0)
        time_pass(r);
    if (b->fatal == 0)
        journal_give(r);
    if (b->fatal == 0 && !b->draining) {
        core_dispatch(b->core, b->now_us);
        effects_run(b);
        r->more |= core_dispatch_wanted(b->core); /* a worker was found gone */
    }
    if (b->fatal == 0)
        send_clients(b);
    if (b->draining && b->fatal == 0)
        drain_look(r);
}

int
reactor_run(const struct broker_options *options)
{
    struct reactor r;

    memset(&r, 0, sizeof(r));
    struct broker *b = &r.broker;
    int code = broker_open(b, options);
    if (code == 0) {
        r.alive_us = lifecycle_watchdog_us();
        log_event(EVENT_STARTED, LOG_U("epoch", b->epoch), LOG_S("version", SLUICE_VERSION));
        lifecycle_notify_ready("open");
        b->now_us = clock_mono_us();
        while (!r.ended && b->fatal == 0)
            reactor_turn(&r);
        code = b->fatal;
    }
    broker_close(b);
    log_event(EVENT_STOPPED, LOG_I("code", code));
    return code;
}
