/* The worker side: introductions, credit, leases and when they stop to hold, the bound of what
 * waits. */
#include "tests/unit/cmocka_all.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "client/lib/sluice.h"
#include "schemas/wire/mp.h"
#include "tests/unit/client/fake_broker.h"

#define HEARTBEAT_US 100000 /* so that three silent intervals pass quickly */

#define MARKER ((uint64_t)1 << 40) /* a lease nobody has */

struct rig {
    struct fake_broker *broker;
    struct sluice_worker *worker;
    unsigned connected, disconnected, drains, delivered, faults;
    uint64_t lease;
    struct sluice_batch *batch;
};

static void
on_connected(void *arg, const uint8_t broker[16], uint64_t epoch, int64_t lease_us)
{
    struct rig *rig = arg;

    assert_memory_equal(broker, rig->broker->uuid, 16);
    assert_true(epoch == rig->broker->epoch && lease_us == 6000000);
    rig->connected++;
}

static void
on_disconnected(void *arg)
{
    ((struct rig *)arg)->disconnected++;
}

static void
on_deliver(void *arg, uint64_t lease, struct sluice_batch *batch)
{
    struct rig *rig = arg;

    rig->delivered++;
    rig->lease = lease;
    sluice_batch_free(rig->batch);
    rig->batch = batch;
}

static void
on_drain(void *arg)
{
    ((struct rig *)arg)->drains++;
}

static void
on_fault(void *arg, const char *code, size_t code_len, const char *detail, size_t detail_len)
{
    (void)detail, (void)detail_len;
    assert_memory_equal(code, "header", code_len);
    ((struct rig *)arg)->faults++;
}

static struct rig *
rig_new(uint64_t max_queued_bytes)
{
    struct rig *rig = mem_new(1, sizeof(*rig));
    struct sluice_worker_events events = {
        .arg = rig,
        .connected = on_connected,
        .disconnected = on_disconnected,
        .deliver = on_deliver,
        .drain = on_drain,
        .fault = on_fault,
    };

    rig->broker = fake_broker_new();
    struct sluice_worker_options options = {.endpoint = rig->broker->endpoint,
                                            .name = "w-1",
                                            .service = "submissions",
                                            .max_queued_bytes = max_queued_bytes};
    assert_int_equal(sluice_worker_new(&options, &events, &rig->worker), 0);
    return rig;
}

static void
rig_free(struct rig *rig)
{
    sluice_worker_free(rig->worker);
    sluice_batch_free(rig->batch); /* outlives the worker */
    fake_broker_free(rig->broker);
    free(rig);
}

static bool
rig_wait(struct rig *rig, int wait_ms)
{
    int64_t now_us = clock_mono_us(), next_us = sluice_worker_turn(rig->worker, now_us);
    struct pollfd fds[2] = {{sluice_worker_fd(rig->worker), POLLIN, 0},
                            {fake_broker_fd(rig->broker), POLLIN, 0}};

    fake_broker_turn(rig->broker);
    if (next_us <= now_us)
        return true;
    int64_t until_ms = (next_us - now_us) / 1000 + 1;
    return poll(fds, 2, until_ms < wait_ms ? (int)until_ms : wait_ms) > 0;
}

static void
until(struct rig *rig, const unsigned *count, unsigned wanted, const char *what)
{
    int64_t deadline_us = clock_mono_us() + 10 * US_PER_S;

    while (*count < wanted) {
        if (clock_mono_us() > deadline_us)
            fail_msg("waited 10 s for: %s", what);
        rig_wait(rig, 20);
    }
}

/* Until everything said so far has arrived: by an ERROR from the broker, and what the worker says
 * because of it, if leases hold, by an EXTEND. Without a connection: until both sides were quiet
 * for a moment. */
static void
settle(struct rig *rig)
{
    if (rig->broker->router != NULL && rig->broker->peer_size > 0) {
        fake_broker_error(rig->broker, "");
        until(rig, &rig->faults, rig->faults + 1, "ERROR");
    }
    size_t seen = rig->broker->n_heard;
    if (rig->broker->router == NULL || sluice_worker_extend(rig->worker, MARKER) != SLUICE_OK) {
        for (int quiet = 0; quiet < 3;)
            quiet = rig_wait(rig, 10) ? 0 : quiet + 1;
        return;
    }
    int64_t deadline_us = clock_mono_us() + 10 * US_PER_S;
    for (bool heard = false; !heard;) {
        assert_true(clock_mono_us() < deadline_us);
        rig_wait(rig, 20);
        for (; seen < rig->broker->n_heard; seen++)
            heard |= fake_heard_uint(&rig->broker->heard[seen], "lease") == MARKER;
    }
}

static struct fake_heard *
hear(struct rig *rig, uint8_t command)
{
    int64_t deadline_us = clock_mono_us() + 10 * US_PER_S;
    struct fake_heard *h;

    while ((h = fake_broker_next(rig->broker, command)) == NULL) {
        if (clock_mono_us() > deadline_us)
            fail_msg("waited 10 s for %s", command_text(command));
        rig_wait(rig, 20);
    }
    return h;
}

static void
rig_connect(struct rig *rig)
{
    unsigned before = rig->connected;

    fake_broker_listen(rig->broker);
    until(rig, &rig->connected, before + 1, "WELCOME");
}

static bool
heard_str(const struct fake_heard *h, const char *key, const char *expected)
{
    const char *s;
    size_t len;

    return mp_find_str(h->header.data, h->header.size, key, &s, &len) && len == strlen(expected) &&
           memcmp(s, expected, len) == 0;
}

/* What READY says: false, true. */
static bool
heard_holds(const struct fake_heard *h)
{
    struct mp_value v;

    assert_true(mp_find(h->header.data, h->header.size, "holds", &v, NULL) && v.type == MP_BOOL);
    return v.boolean;
}

static void
ready_comes_first_and_credit_follows(void **state)
{
    struct rig *rig = rig_new(0);

    (void)state;
    assert_int_equal(sluice_worker_pull(rig->worker, 256, 4 << 20), SLUICE_OK); /* before WELCOME */
    rig_connect(rig);
    struct fake_heard *h = hear(rig, COMMAND_READY);
    assert_ptr_equal(h, &rig->broker->heard[0]);
    assert_true(heard_str(h, "worker", "w-1") && heard_str(h, "service", "submissions"));
    assert_true(fake_heard_has(h, "host") && fake_heard_has(h, "version"));
    assert_true(fake_heard_has(h, "incarnation"));
    assert_false(heard_holds(h));
    assert_int_equal(fake_heard_uint(h, "pid"), getpid());
    h = hear(rig, COMMAND_PULL);
    assert_int_equal(fake_heard_uint(h, "messages"), 256);
    assert_int_equal(fake_heard_uint(h, "bytes"), 4 << 20);
    sluice_worker_pull(rig->worker, 0, 0);
    h = hear(rig, COMMAND_PULL);
    assert_int_equal(fake_heard_uint(h, "messages"), 0);
    rig_free(rig);
}

static void
a_batch_comes_and_is_reported(void **state)
{
    struct rig *rig = rig_new(0);
    uint8_t note[4097] = "note";
    struct sluice_report r = {.lease = 44,
                              .entries = "entries",
                              .entries_bytes = 7,
                              .note = note,
                              .note_bytes = 4096,
                              .followups = "follow",
                              .followups_bytes = 6,
                              .pull_messages = 10,
                              .pull_bytes = 1000};
    struct mp_value v;
    size_t size;

    (void)state;
    rig_connect(rig);
    sluice_worker_pull(rig->worker, 1, 1000);
    hear(rig, COMMAND_PULL);
    fake_broker_deliver(rig->broker, 44, "packed records, longer than what a message holds inline");
    until(rig, &rig->delivered, 1, "DELIVER");
    assert_int_equal(rig->lease, 44);
    assert_memory_equal(sluice_batch_data(rig->batch, &size), "packed records", 14);
    assert_int_equal(size, 55);

    assert_int_equal(sluice_worker_extend(rig->worker, 44), SLUICE_OK);
    assert_int_equal(fake_heard_uint(hear(rig, COMMAND_EXTEND), "lease"), 44);
    assert_int_equal(sluice_worker_report(rig->worker, &r), SLUICE_OK);
    struct fake_heard *h = hear(rig, COMMAND_REPORT);
    assert_int_equal(fake_heard_uint(h, "lease"), 44);
    assert_int_equal(fake_heard_uint(h, "messages"), 10);
    assert_int_equal(fake_heard_uint(h, "bytes"), 1000);
    assert_true(mp_find(h->header.data, h->header.size, "note", &v, NULL) && v.type == MP_BIN);
    assert_int_equal(v.len, 4096);
    assert_memory_equal(h->body.data, "entries", 7);
    assert_memory_equal(h->followups.data, "follow", 6);

    r = (struct sluice_report){.lease = 45, .entries = "e", .entries_bytes = 1};
    assert_int_equal(sluice_worker_report(rig->worker, &r), SLUICE_OK);
    h = hear(rig, COMMAND_REPORT);
    assert_false(fake_heard_has(h, "messages") || fake_heard_has(h, "note"));
    assert_int_equal(h->followups.size, 0);
    r.note = note;
    r.note_bytes = 4097;
    assert_int_equal(sluice_worker_report(rig->worker, &r), SLUICE_TOO_LARGE);
    assert_int_equal(sluice_worker_return(rig->worker, 46), SLUICE_OK);
    assert_int_equal(fake_heard_uint(hear(rig, COMMAND_RETURN), "lease"), 46);
    assert_int_equal(sluice_worker_queued(rig->worker), 0);
    rig_free(rig);
}

static void
reset_voids_leases(void **state)
{
    struct rig *rig = rig_new(0);
    struct sluice_report r = {.lease = 1, .entries = "e", .entries_bytes = 1};

    (void)state;
    assert_int_equal(sluice_worker_report(rig->worker, &r), SLUICE_OFFLINE);
    rig_connect(rig);
    hear(rig, COMMAND_READY);
    sluice_worker_pull(rig->worker, 5, 500);
    hear(rig, COMMAND_PULL);
    rig->broker->silent = true;
    fake_broker_say_empty(rig->broker, COMMAND_RESET);
    until(rig, &rig->disconnected, 1, "disconnected");
    assert_false(sluice_worker_connected(rig->worker));
    assert_int_equal(sluice_worker_report(rig->worker, &r), SLUICE_OFFLINE);
    assert_int_equal(sluice_worker_extend(rig->worker, 1), SLUICE_OFFLINE);
    rig->broker->silent = false;
    until(rig, &rig->connected, 2, "WELCOME again");
    assert_false(heard_holds(hear(rig, COMMAND_READY)));
    struct fake_heard *h = hear(rig, COMMAND_PULL); /* the wish was not used up */
    assert_int_equal(fake_heard_uint(h, "messages"), 5);
    rig_free(rig);
}

static void
a_used_wish_is_not_repeated(void **state)
{
    struct rig *rig = rig_new(0);

    (void)state;
    rig_connect(rig);
    sluice_worker_pull(rig->worker, 5, 500);
    hear(rig, COMMAND_PULL);
    fake_broker_deliver(rig->broker, 1, "records");
    until(rig, &rig->delivered, 1, "DELIVER");
    fake_broker_say_empty(rig->broker, COMMAND_RESET);
    until(rig, &rig->connected, 2, "WELCOME again");
    settle(rig);
    assert_null(fake_broker_next(rig->broker, COMMAND_PULL));
    rig_free(rig);
}

/* The heartbeats are long here: only the connection breaks. */
static struct rig *
rig_with_broken_connection(uint64_t max_queued_bytes)
{
    struct rig *rig = rig_new(max_queued_bytes);

    rig->broker->heartbeat_us = 2000000;
    rig_connect(rig);
    hear(rig, COMMAND_READY);
    fake_broker_deliver(rig->broker, 9, "records");
    until(rig, &rig->delivered, 1, "DELIVER");
    fake_broker_stop(rig->broker);
    settle(rig);
    assert_int_equal(rig->disconnected, 0);
    return rig;
}

static void
leases_outlive_a_broken_connection(void **state)
{
    struct rig *rig = rig_with_broken_connection(0);
    struct sluice_report r = {.lease = 9, .entries = "e", .entries_bytes = 1};

    (void)state;
    assert_int_equal(sluice_worker_report(rig->worker, &r), SLUICE_OK);
    assert_true(sluice_worker_queued(rig->worker) > 0);
    rig_connect(rig); /* the same epoch */
    size_t ready_at = rig->broker->n_read;
    struct fake_heard *h = hear(rig, COMMAND_READY);
    assert_ptr_equal(h, &rig->broker->heard[ready_at]);
    assert_true(heard_holds(h));
    h = hear(rig, COMMAND_REPORT);
    assert_int_equal(fake_heard_uint(h, "lease"), 9);
    assert_int_equal(rig->disconnected, 0);
    assert_int_equal(sluice_worker_queued(rig->worker), 0);
    rig_free(rig);
}

static void
a_new_epoch_voids_leases(void **state)
{
    struct rig *rig = rig_with_broken_connection(0);
    struct sluice_report r = {.lease = 9, .entries = "e", .entries_bytes = 1};

    (void)state;
    assert_int_equal(sluice_worker_report(rig->worker, &r), SLUICE_OK);
    rig->broker->epoch++;
    rig_connect(rig);
    settle(rig);
    assert_int_equal(rig->disconnected, 1);
    assert_null(fake_broker_next(rig->broker, COMMAND_REPORT)); /* dropped with its lease */
    assert_true(sluice_worker_connected(rig->worker));
    rig_free(rig);
}

static void
what_waits_is_bounded(void **state)
{
    struct rig *rig = rig_with_broken_connection(10000);
    struct sluice_report r = {.lease = 9, .entries = "e", .entries_bytes = 1};
    int n = 0;

    (void)state;
    while (sluice_worker_report(rig->worker, &r) == SLUICE_OK && n < 100000)
        n++;
    assert_true(n > 10 && n < 100);
    assert_true(sluice_worker_queued(rig->worker) <= 10000);
    assert_int_equal(sluice_worker_return(rig->worker, 9), SLUICE_FULL);
    rig_connect(rig);
    for (int i = 0; i < n; i++)
        hear(rig, COMMAND_REPORT);
    assert_int_equal(sluice_worker_queued(rig->worker), 0);
    assert_int_equal(sluice_worker_return(rig->worker, 9), SLUICE_OK);
    rig_free(rig);
}

static void
silence_voids_leases(void **state)
{
    struct rig *rig = rig_new(0);

    (void)state;
    rig->broker->heartbeat_us = HEARTBEAT_US;
    rig_connect(rig);
    hear(rig, COMMAND_READY);
    rig->broker->silent = true;
    until(rig, &rig->disconnected, 1, "the silence to be noticed");
    assert_true(rig->broker->heartbeats >= 1);
    rig->broker->silent = false;
    until(rig, &rig->connected, 2, "WELCOME");
    assert_false(heard_holds(hear(rig, COMMAND_READY)));
    rig_free(rig);
}

static void
a_connection_that_stays_away_voids_leases(void **state)
{
    struct rig *rig = rig_new(0);

    (void)state;
    rig->broker->heartbeat_us = HEARTBEAT_US;
    rig_connect(rig);
    fake_broker_stop(rig->broker);
    until(rig, &rig->disconnected, 1, "leases to become void");
    rig_free(rig);
}

static void
bye_is_the_last_word(void **state)
{
    struct rig *rig = rig_new(0);

    (void)state;
    rig_connect(rig);
    fake_broker_say_empty(rig->broker, COMMAND_DRAIN);
    until(rig, &rig->drains, 1, "DRAIN");
    assert_int_equal(sluice_worker_bye(rig->worker), SLUICE_OK);
    hear(rig, COMMAND_BYE);
    assert_int_equal(sluice_worker_queued(rig->worker), 0);
    fake_broker_say_empty(rig->broker, COMMAND_RESET);
    fake_broker_deliver(rig->broker, 3, "records");
    sluice_worker_pull(rig->worker, 1, 1);
    settle(rig);
    assert_null(fake_broker_next(rig->broker, COMMAND_READY));
    assert_int_equal(rig->delivered, 0);
    rig_free(rig);
}

static void
bye_arrives_although_the_worker_is_freed_at_once(void **state)
{
    struct rig *rig = rig_new(0);

    (void)state;
    rig_connect(rig);
    sluice_worker_bye(rig->worker);
    sluice_worker_free(rig->worker);
    rig->worker = NULL;
    struct pollfd fd = {fake_broker_fd(rig->broker), POLLIN, 0};
    for (int i = 0; i < 100 && fake_broker_next(rig->broker, COMMAND_BYE) == NULL; i++) {
        assert_int_not_equal(i, 99);
        poll(&fd, 1, 50);
        fake_broker_turn(rig->broker);
    }
    rig_free(rig);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ready_comes_first_and_credit_follows),
        cmocka_unit_test(a_batch_comes_and_is_reported),
        cmocka_unit_test(reset_voids_leases),
        cmocka_unit_test(a_used_wish_is_not_repeated),
        cmocka_unit_test(leases_outlive_a_broken_connection),
        cmocka_unit_test(a_new_epoch_voids_leases),
        cmocka_unit_test(what_waits_is_bounded),
        cmocka_unit_test(silence_voids_leases),
        cmocka_unit_test(a_connection_that_stays_away_voids_leases),
        cmocka_unit_test(bye_is_the_last_word),
        cmocka_unit_test(bye_arrives_although_the_worker_is_freed_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
