/* The client when brokers die, forget it, fall silent or are not there yet. */
#include "tests/unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/client/client_rig.h"

#define HEARTBEAT_US 100000 /* so that three silent intervals pass quickly */

static struct sluice_client_figures
figures(const struct client_rig *rig)
{
    struct sluice_client_figures f;

    sluice_client_figures(rig->client, &f);
    return f;
}

static bool
is_disconnected(struct client_rig *rig)
{
    return rig->disconnected > 0;
}

static bool
is_connected_again(struct client_rig *rig)
{
    return rig->connected >= 2;
}

static struct client_rig *
rig_with_three_submitted(uint64_t heartbeat_us)
{
    struct client_rig *rig = client_rig_new(NULL);

    rig->broker->heartbeat_us = heartbeat_us;
    client_rig_connect(rig);
    for (int i = 0; i < 3; i++)
        client_rig_submit(rig, 0, NULL);
    sluice_client_flush(rig->client);
    client_rig_hear(rig, COMMAND_SUBMIT);
    return rig;
}

static void
after_a_restart_only_what_is_unacknowledged_is_sent_again(void **state)
{
    struct client_rig *rig = rig_with_three_submitted(10 * HEARTBEAT_US);
    uint64_t counters[8];

    (void)state;
    fake_broker_accept(rig->broker, 1, 1, 0);
    client_rig_settle(rig);
    fake_broker_stop(rig->broker);
    client_rig_until(rig, is_disconnected, "the loss to be noticed");
    assert_false(figures(rig).connected);
    assert_int_equal(client_rig_submit(rig, 0, NULL), SLUICE_OK); /* kept for later */
    sluice_client_flush(rig->client);
    rig->broker->epoch++;
    client_rig_connect(rig);

    struct fake_heard *h = client_rig_hear(rig, COMMAND_HELLO);
    assert_true(fake_heard_uint(h, "incarnation") == sluice_client_incarnation(rig->client));
    h = client_rig_hear(rig, COMMAND_SUBMIT);
    assert_int_equal(fake_heard_counters(h, counters, 8), 2);
    assert_true(counters[0] == 2 && counters[1] == 3);
    h = client_rig_hear(rig, COMMAND_SUBMIT);
    assert_int_equal(fake_heard_counters(h, counters, 8), 1);
    assert_int_equal(counters[0], 4);
    assert_int_equal(figures(rig).sent_again, 2);

    /* The journal knew request 1: its outcome comes over the new connection. */
    for (uint64_t i = 1; i <= 4; i++)
        fake_broker_outcome(rig->broker, i, i, OUTCOME_STORED);
    client_rig_settle(rig);
    for (uint64_t i = 1; i <= 4; i++)
        assert_non_null(client_rig_note(rig, 'o', i));
    assert_int_equal(figures(rig).known, 0);
    assert_int_equal(figures(rig).in_flight_bytes, 0);
    client_rig_free(rig);
}

static void
reset_makes_it_introduce_itself_and_send_again(void **state)
{
    struct client_rig *rig = rig_with_three_submitted(10 * HEARTBEAT_US);
    uint64_t counters[8];

    (void)state;
    sluice_client_forget(rig->client, 2); /* forgotten is not withdrawn */
    fake_broker_say_empty(rig->broker, COMMAND_RESET);
    fake_broker_say_empty(rig->broker,
                          COMMAND_RESET); /* one for each message it did not understand */
    client_rig_until(rig, is_connected_again, "WELCOME after RESET");
    struct fake_heard *h = client_rig_hear(rig, COMMAND_SUBMIT);
    assert_int_equal(fake_heard_counters(h, counters, 8), 3);
    assert_int_equal(rig->disconnected, 1);
    client_rig_settle(rig);
    assert_null(fake_broker_next(rig->broker, COMMAND_SUBMIT)); /* once */
    assert_int_equal(rig->broker->peers, 1);
    client_rig_free(rig);
}

static void
forgotten_volatile_requests_are_not_sent_again(void **state)
{
    struct client_rig *rig = client_rig_new(NULL);
    uint64_t counters[8];

    (void)state;
    client_rig_connect(rig);
    for (int i = 0; i < 3; i++)
        client_rig_submit(rig, SLUICE_VOLATILE, NULL);
    sluice_client_flush(rig->client);
    client_rig_hear(rig, COMMAND_SUBMIT);
    sluice_client_forget(rig->client, 2);
    fake_broker_say_empty(rig->broker, COMMAND_RESET);
    struct fake_heard *h = client_rig_hear(rig, COMMAND_SUBMIT);
    assert_int_equal(fake_heard_counters(h, counters, 8), 2);
    assert_true(counters[0] == 1 && counters[1] == 3);
    client_rig_free(rig);
}

static void
a_silent_broker_gets_a_new_connection(void **state)
{
    struct client_rig *rig = rig_with_three_submitted(HEARTBEAT_US);
    int fd = sluice_client_fd(rig->client);

    (void)state;
    rig->broker->silent = true;
    client_rig_until(rig, is_disconnected, "the silence to be noticed");
    client_rig_hear(rig, COMMAND_HELLO);
    assert_int_equal(rig->broker->peers, 2);
    assert_int_equal(sluice_client_fd(rig->client), fd);
    rig->broker->silent = false;
    fake_broker_say_empty(rig->broker, COMMAND_RESET); /* it did not note that HELLO */
    client_rig_until(rig, client_rig_is_connected, "WELCOME");
    struct fake_heard *h = client_rig_hear(rig, COMMAND_SUBMIT);
    uint64_t counters[8];
    assert_int_equal(fake_heard_counters(h, counters, 8), 3);
    client_rig_free(rig);
}

static bool
has_beaten(struct client_rig *rig)
{
    /* Says something, lest it be taken for dead. */
    if (rig->broker->peer_size > 0 && rig->broker->router != NULL)
        fake_broker_say_empty(rig->broker, COMMAND_HEARTBEAT);
    return rig->broker->heartbeats >= 5;
}

static void
idle_connections_are_kept_by_heartbeats(void **state)
{
    struct client_rig *rig = client_rig_new(NULL);

    (void)state;
    rig->broker->heartbeat_us = HEARTBEAT_US;
    client_rig_connect(rig);
    client_rig_until(rig, has_beaten, "five heartbeats");
    assert_int_equal(rig->disconnected, 0);
    assert_int_equal(rig->broker->peers, 1);
    client_rig_free(rig);
}

static void
what_was_gathered_before_the_broker_keeps_to_its_window(void **state)
{
    struct client_rig *rig = client_rig_new(NULL);
    uint64_t counters[8];

    (void)state;
    rig->broker->window_messages = 4;
    for (int i = 0; i < 9; i++) {
        assert_int_equal(client_rig_submit(rig, 0, NULL), SLUICE_OK);
        if (i % 3 == 2)
            sluice_client_flush(rig->client);
    }
    client_rig_connect(rig);
    for (uint64_t first = 1; first <= 7; first += 3) {
        struct fake_heard *h = client_rig_hear(rig, COMMAND_SUBMIT);
        assert_int_equal(fake_heard_counters(h, counters, 8), 3);
        assert_true(counters[0] == first);
        client_rig_settle(rig);
        assert_null(fake_broker_next(rig->broker, COMMAND_SUBMIT)); /* 3 + 3 > 4 */
        for (uint64_t i = 0; i < 3; i++)
            fake_broker_accept(rig->broker, first + i, first + i, 0);
    }
    client_rig_free(rig);
}

static void
a_broker_that_keeps_dying_loses_nothing(void **state)
{
    struct client_rig *rig = client_rig_new(NULL);
    static bool seen[301];
    uint64_t counters[300];

    (void)state;
    for (int round = 0; round < 10; round++) {
        client_rig_connect(rig);
        for (int i = 0; i < 30; i++) {
            assert_int_equal(client_rig_submit(rig, 0, NULL), SLUICE_OK);
            if (i % 10 == 0)
                sluice_client_flush(rig->client);
        }
        sluice_client_flush(rig->client);
        if (round % 2 == 0)
            client_rig_settle(rig);
        rig->disconnected = 0;
        fake_broker_stop(rig->broker); /* with messages in every state of being sent */
        client_rig_until(rig, is_disconnected, "the loss to be noticed");
    }
    client_rig_connect(rig);
    client_rig_settle(rig);
    for (size_t i = 0; i < rig->broker->n_heard; i++) {
        if (rig->broker->heard[i].command != COMMAND_SUBMIT)
            continue;
        size_t n = fake_heard_counters(&rig->broker->heard[i], counters, 300);
        for (size_t j = 0; j < n; j++)
            seen[counters[j]] = true;
    }
    for (uint64_t i = 1; i <= 300; i++) {
        assert_true(seen[i]);
        fake_broker_outcome(rig->broker, i, i, OUTCOME_STORED);
    }
    client_rig_settle(rig);
    assert_int_equal(rig->n_notes, 300);
    assert_int_equal(figures(rig).known, 0);
    client_rig_free(rig);
}

static void
bad_options_are_refused(void **state)
{
    struct sluice_client_events events = {0};
    struct sluice_client_options options = {.endpoint = "nonsense", .name = "x"};
    struct sluice_client *c = NULL;

    (void)state;
    assert_true(sluice_client_new(&options, &events, &c) < 0);
    options.endpoint = NULL;
    assert_true(sluice_client_new(&options, &events, &c) < 0);
    assert_null(c);
    sluice_client_free(NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(after_a_restart_only_what_is_unacknowledged_is_sent_again),
        cmocka_unit_test(reset_makes_it_introduce_itself_and_send_again),
        cmocka_unit_test(forgotten_volatile_requests_are_not_sent_again),
        cmocka_unit_test(a_silent_broker_gets_a_new_connection),
        cmocka_unit_test(idle_connections_are_kept_by_heartbeats),
        cmocka_unit_test(what_was_gathered_before_the_broker_keeps_to_its_window),
        cmocka_unit_test(a_broker_that_keeps_dying_loses_nothing),
        cmocka_unit_test(bad_options_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
