/* The client with a broker that stays: submissions in batches, what becomes of them, every bound.
 */
#include "tests/unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "schemas/wire/mp.h"
#include "tests/unit/client/client_rig.h"

static struct sluice_client_figures
figures(const struct client_rig *rig)
{
    struct sluice_client_figures f;

    sluice_client_figures(rig->client, &f);
    return f;
}

static void
hello_says_who_we_are(void **state)
{
    struct client_rig *rig = client_rig_new(NULL);
    const char *name;
    size_t len;

    (void)state;
    client_rig_connect(rig);
    struct fake_heard *h = client_rig_hear(rig, COMMAND_HELLO);
    assert_true(fake_heard_uint(h, "incarnation") == sluice_client_incarnation(rig->client));
    assert_true(mp_find_str(h->header.data, h->header.size, "name", &name, &len));
    assert_memory_equal(name, "rig", len);
    assert_true(fake_heard_has(h, "version"));
    assert_int_equal(rig->connected, 1);
    client_rig_free(rig);
}

static void
what_is_gathered_goes_as_one_message(void **state)
{
    struct client_rig *rig = client_rig_new(NULL);
    struct sluice_message m = {.service = "q", .service_len = 1, .id = {9}, .body_bytes = 70000};
    uint64_t counters[4], counter;
    uint8_t *body;
    struct record r;

    (void)state;
    client_rig_connect(rig);
    assert_int_equal(client_rig_submit(rig, SLUICE_ACCEPT_NOW, &counter), SLUICE_OK);
    assert_int_equal(counter, 1);
    m.received_us = 5;
    assert_int_equal(sluice_client_reserve(rig->client, &m, &body, &counter), SLUICE_OK);
    memset(body, 'b', m.body_bytes);
    assert_int_equal(client_rig_submit(rig, 0, &counter), SLUICE_OK);
    client_rig_settle(rig);
    assert_null(fake_broker_next(rig->broker, COMMAND_SUBMIT)); /* not before flush */
    sluice_client_flush(rig->client);
    sluice_client_flush(rig->client);

    struct fake_heard *h = client_rig_hear(rig, COMMAND_SUBMIT);
    assert_true(fake_heard_uint(h, "incarnation") == sluice_client_incarnation(rig->client));
    assert_int_equal(fake_heard_counters(h, counters, 4), 3);
    assert_true(counters[0] == 1 && counters[1] == 2 && counters[2] == 3);
    assert_int_equal(record_read(h->body.data, h->body.size, &r), RECORD_OK);
    assert_true(r.flags == RECORD_ACCEPT_NOW && r.kind == RECORD_MESSAGE && r.attempt == 0);
    assert_true(r.incarnation == sluice_client_incarnation(rig->client));
    assert_true(r.epoch == 0 && r.seq == 0 && r.accepted_us == 0 && r.received_us == 99);
    assert_memory_equal(r.service, "submissionsNCT007sealed", 23);
    assert_int_equal(record_read(h->body.data + r.length, h->body.size - r.length, &r), RECORD_OK);
    assert_int_equal(r.body_len, 70000);
    assert_true(r.body[0] == 'b' && r.body[69999] == 'b' && r.scope_len == 0);
    client_rig_settle(rig);
    assert_null(fake_broker_next(rig->broker, COMMAND_SUBMIT)); /* flush of nothing sends nothing */
    client_rig_free(rig);
}

static void
accepted_then_outcome(void **state)
{
    struct client_rig *rig = client_rig_new(NULL);

    (void)state;
    client_rig_connect(rig);
    client_rig_submit(rig, 0, NULL);
    client_rig_submit(rig, 0, NULL);
    sluice_client_flush(rig->client);
    client_rig_hear(rig, COMMAND_SUBMIT);
    fake_broker_accept(rig->broker, 1, 11, ENTRY_STALLED);
    fake_broker_accept(rig->broker, 1, 11, 0); /* said twice, told once */
    client_rig_settle(rig);
    assert_int_equal(rig->n_notes, 1);
    const struct client_note *n = client_rig_note(rig, 'a', 1);
    assert_true(n != NULL && n->code == 1 && n->origin.epoch == 7 && n->origin.seq == 11);
    assert_memory_equal(n->origin.broker, rig->broker->uuid, 16);
    assert_int_equal(figures(rig).in_flight, 1);
    assert_int_equal(figures(rig).known, 2);

    fake_broker_outcome(rig->broker, 1, 11, OUTCOME_STORED);
    fake_broker_outcome(rig->broker, 2, 12, OUTCOME_REJECTED); /* implies accepted */
    fake_broker_outcome(rig->broker, 2, 12, OUTCOME_REJECTED);
    client_rig_settle(rig);
    assert_int_equal(rig->n_notes, 3);
    n = client_rig_note(rig, 'o', 2);
    assert_true(n != NULL && n->code == OUTCOME_REJECTED && n->origin.seq == 12);
    assert_int_equal(n->payload_bytes, 3);
    assert_int_equal(figures(rig).known, 0);
    assert_int_equal(figures(rig).in_flight_bytes, 0);
    assert_int_equal(figures(rig).unknown, 1);
    assert_int_equal(figures(rig).finished, 2);
    client_rig_free(rig);
}

static void
refused_is_forgotten(void **state)
{
    struct client_rig *rig = client_rig_new(NULL);

    (void)state;
    client_rig_connect(rig);
    client_rig_submit(rig, 0, NULL);
    client_rig_submit(rig, 0, NULL);
    sluice_client_flush(rig->client);
    client_rig_hear(rig, COMMAND_SUBMIT);
    fake_broker_refuse(rig->broker, 1, REFUSAL_FULL);
    fake_broker_accept(rig->broker, 2, 5, 0);
    fake_broker_refuse(rig->broker, 2, REFUSAL_FULL); /* of a copy: the first one counts */
    client_rig_settle(rig);
    assert_int_equal(rig->n_notes, 2);
    assert_int_equal(client_rig_note(rig, 'r', 1)->code, REFUSAL_FULL);
    assert_int_equal(figures(rig).known, 1);
    client_rig_free(rig);
}

static void
dead_is_not_the_end(void **state)
{
    struct client_rig *rig = client_rig_new(NULL);

    (void)state;
    client_rig_connect(rig);
    client_rig_submit(rig, 0, NULL);
    sluice_client_flush(rig->client);
    client_rig_hear(rig, COMMAND_SUBMIT);
    fake_broker_outcome(rig->broker, 1, 1, OUTCOME_DEAD);
    fake_broker_outcome(rig->broker, 1, 1, OUTCOME_STORED); /* an admin requeued it */
    client_rig_settle(rig);
    assert_int_equal(rig->n_notes, 2);
    assert_int_equal(figures(rig).known, 0);
    client_rig_free(rig);
}

static void
the_window_bounds_messages(void **state)
{
    struct client_rig *rig = client_rig_new(NULL);

    (void)state;
    rig->broker->window_messages = 4;
    client_rig_connect(rig);
    for (int i = 0; i < 4; i++)
        assert_int_equal(client_rig_submit(rig, 0, NULL), SLUICE_OK);
    assert_int_equal(client_rig_submit(rig, 0, NULL), SLUICE_FULL);
    sluice_client_flush(rig->client);
    client_rig_hear(rig, COMMAND_SUBMIT);
    assert_int_equal(client_rig_submit(rig, 0, NULL), SLUICE_FULL);
    fake_broker_accept(rig->broker, 2, 1, 0);
    client_rig_settle(rig);
    assert_int_equal(client_rig_submit(rig, 0, NULL), SLUICE_OK);
    assert_int_equal(client_rig_submit(rig, 0, NULL), SLUICE_FULL);
    client_rig_free(rig);
}

static void
the_window_bounds_bytes(void **state)
{
    struct client_rig *rig = client_rig_new(NULL);

    (void)state;
    rig->broker->window_bytes = 3 * 103 + 102; /* a record of the rig has 103 */
    client_rig_connect(rig);
    for (int i = 0; i < 3; i++)
        assert_int_equal(client_rig_submit(rig, 0, NULL), SLUICE_OK);
    assert_int_equal(client_rig_submit(rig, 0, NULL), SLUICE_FULL);
    client_rig_free(rig);
}

static void
own_bounds_hold(void **state)
{
    struct sluice_client_options options = {
        .max_in_flight = 3, .max_offline = 2, .max_known = 5, .max_in_flight_bytes = 1000};
    struct client_rig *rig = client_rig_new(&options);
    struct sluice_message big = {.service = "q", .service_len = 1, .body_bytes = 1000 - 81};
    uint64_t counter;
    uint8_t *body;

    (void)state;
    assert_int_equal(client_rig_submit(rig, 0, NULL), SLUICE_OK);
    assert_int_equal(client_rig_submit(rig, 0, NULL), SLUICE_OK);
    assert_int_equal(client_rig_submit(rig, 0, NULL), SLUICE_OFFLINE);
    sluice_client_flush(rig->client);
    client_rig_connect(rig);
    assert_int_equal(client_rig_submit(rig, 0, NULL), SLUICE_OK);
    assert_int_equal(client_rig_submit(rig, 0, NULL), SLUICE_FULL); /* max_in_flight */
    sluice_client_flush(rig->client);
    client_rig_hear(rig, COMMAND_SUBMIT);
    for (uint64_t i = 1; i <= 3; i++)
        fake_broker_accept(rig->broker, i, i, 0);
    client_rig_settle(rig);
    assert_int_equal(figures(rig).in_flight_bytes, 0);
    big.body_bytes++;
    assert_int_equal(sluice_client_reserve(rig->client, &big, &body, &counter), SLUICE_FULL);
    big.body_bytes--;
    assert_int_equal(sluice_client_reserve(rig->client, &big, &body, &counter), SLUICE_OK);
    memset(body, 0, big.body_bytes);
    sluice_client_flush(rig->client);
    client_rig_hear(rig, COMMAND_SUBMIT);
    fake_broker_accept(rig->broker, counter, 4, 0);
    client_rig_settle(rig);
    assert_int_equal(client_rig_submit(rig, 0, NULL), SLUICE_OK); /* the fifth that is known */
    assert_int_equal(client_rig_submit(rig, 0, NULL), SLUICE_FULL);
    client_rig_free(rig);
}

static void
what_is_too_large_is_said_at_once(void **state)
{
    struct client_rig *rig = client_rig_new(NULL);
    struct sluice_message m = {.service = "q", .service_len = 1, .body_bytes = 2000};
    uint64_t counter;
    uint8_t *body;

    (void)state;
    rig->broker->max_record_bytes = 1024;
    client_rig_connect(rig);
    assert_int_equal(sluice_client_reserve(rig->client, &m, &body, &counter), SLUICE_TOO_LARGE);
    m.body_bytes = 1024 - 81;
    assert_int_equal(sluice_client_reserve(rig->client, &m, &body, &counter), SLUICE_OK);
    memset(body, 0, m.body_bytes);
    m.body_bytes = 1;
    m.service_len = 33;
    assert_int_equal(sluice_client_reserve(rig->client, &m, &body, &counter), SLUICE_TOO_LARGE);
    m.service_len = 0;
    assert_int_equal(sluice_client_reserve(rig->client, &m, &body, &counter), SLUICE_TOO_LARGE);
    m.service_len = 1;
    m.scope_len = 65;
    assert_int_equal(sluice_client_reserve(rig->client, &m, &body, &counter), SLUICE_TOO_LARGE);
    client_rig_free(rig);
}

static void
a_full_batch_goes_by_itself(void **state)
{
    struct client_rig *rig = client_rig_new(NULL);
    static uint64_t counters[2048];
    size_t n = 0;

    (void)state;
    client_rig_connect(rig);
    for (int i = 0; i < 1025; i++)
        assert_int_equal(client_rig_submit(rig, 0, NULL), SLUICE_OK);
    struct fake_heard *h = client_rig_hear(rig, COMMAND_SUBMIT);
    n = fake_heard_counters(h, counters, 2048);
    assert_int_equal(n, 1024);
    sluice_client_flush(rig->client);
    h = client_rig_hear(rig, COMMAND_SUBMIT);
    assert_int_equal(fake_heard_counters(h, counters, 2048), 1);
    assert_int_equal(counters[0], 1025);

    /* One larger than a batch has one to itself, and neighbours keep their order. */
    struct sluice_message big = {.service = "q", .service_len = 1, .body_bytes = 1500000};
    uint64_t counter;
    uint8_t *body;
    client_rig_submit(rig, 0, NULL);
    assert_int_equal(sluice_client_reserve(rig->client, &big, &body, &counter), SLUICE_OK);
    memset(body, 'B', big.body_bytes);
    client_rig_submit(rig, 0, NULL);
    sluice_client_flush(rig->client);
    for (uint64_t i = 1026; i <= 1028; i++) {
        h = client_rig_hear(rig, COMMAND_SUBMIT);
        assert_int_equal(fake_heard_counters(h, counters, 2048), 1);
        assert_int_equal(counters[0], i);
    }
    client_rig_free(rig);
}

static void
forgotten_requests_are_never_named(void **state)
{
    struct client_rig *rig = client_rig_new(NULL);

    (void)state;
    client_rig_connect(rig);
    for (int i = 0; i < 3; i++)
        client_rig_submit(rig, 0, NULL);
    client_rig_submit(rig, SLUICE_NO_OUTCOME, NULL);
    client_rig_submit(rig, SLUICE_VOLATILE, NULL);
    sluice_client_flush(rig->client);
    client_rig_hear(rig, COMMAND_SUBMIT);
    sluice_client_forget(rig->client, 1);
    sluice_client_forget(rig->client, 5);
    sluice_client_forget(rig->client, 12345);
    assert_int_equal(figures(rig).known, 4); /* 1 is still to be accepted */
    fake_broker_accept(rig->broker, 1, 1, 0);
    fake_broker_accept(rig->broker, 2, 2, 0);
    fake_broker_accept(rig->broker, 4, 4, 0);
    client_rig_settle(rig);
    assert_int_equal(rig->n_notes, 2);
    assert_int_equal(figures(rig).known, 2); /* 2 waits for its outcome, 3 for everything */
    sluice_client_forget(rig->client, 2);
    for (uint64_t i = 1; i <= 5; i++)
        fake_broker_outcome(rig->broker, i, i, OUTCOME_STORED);
    client_rig_settle(rig);
    assert_int_equal(rig->n_notes, 3);
    assert_non_null(client_rig_note(rig, 'o', 3));
    assert_int_equal(figures(rig).known, 0);
    client_rig_free(rig);
}

static void
callbacks_may_submit(void **state)
{
    struct client_rig *rig = client_rig_new(NULL);

    (void)state;
    client_rig_connect(rig);
    client_rig_submit(rig, 0, NULL);
    sluice_client_flush(rig->client);
    client_rig_hear(rig, COMMAND_SUBMIT);
    rig->resubmit = 2000; /* makes the table grow while entries are being applied */
    fake_broker_outcome(rig->broker, 1, 1, OUTCOME_STORED);
    client_rig_settle(rig);
    assert_int_equal(figures(rig).known, 2000);
    client_rig_free(rig);
}

static void
many_outcomes_in_any_order(void **state)
{
    struct client_rig *rig = client_rig_new(NULL);
    enum { N = 3000 };

    (void)state;
    client_rig_connect(rig);
    for (int i = 0; i < N; i++) {
        assert_int_equal(client_rig_submit(rig, 0, NULL), SLUICE_OK);
        if (i % 7 == 0)
            sluice_client_flush(rig->client);
    }
    sluice_client_flush(rig->client);
    client_rig_settle(rig);
    for (uint64_t i = 0; i < N; i++) {
        uint64_t counter = 1 + i * 7919 % N;
        fake_broker_outcome(rig->broker, counter, counter, OUTCOME_STORED);
        if (i % 500 == 499) /* the fake's socket holds 1000 */
            client_rig_settle(rig);
    }
    assert_int_equal(rig->n_notes, N);
    for (size_t i = 0; i < N; i++)
        assert_true(rig->notes[i].counter == 1 + i * 7919 % N);
    assert_int_equal(figures(rig).known, 0);
    assert_int_equal(figures(rig).in_flight_bytes, 0);
    client_rig_free(rig);
}

static void
located_comes_back_by_query(void **state)
{
    static const uint8_t id[16] = {4, 5, 6};
    struct client_rig *rig = client_rig_new(NULL);
    struct sluice_origin origin = {.epoch = 3, .seq = 8};
    struct buf h;

    (void)state;
    assert_int_equal(sluice_client_locate(rig->client, 1, "S", 1, id, NULL), SLUICE_OFFLINE);
    client_rig_connect(rig);
    assert_int_equal(sluice_client_locate(rig->client, 70, "NCT007", 6, id, &origin), SLUICE_OK);
    struct fake_heard *heard = client_rig_hear(rig, COMMAND_LOCATE);
    assert_int_equal(fake_heard_uint(heard, "query"), 70);
    assert_int_equal(fake_heard_uint(heard, "seq"), 8);
    assert_true(fake_heard_has(heard, "scope") && fake_heard_has(heard, "id"));
    assert_int_equal(sluice_client_locate(rig->client, 71, "NCT007", 6, id, NULL), SLUICE_OK);
    heard = client_rig_hear(rig, COMMAND_LOCATE);
    assert_false(fake_heard_has(heard, "seq"));

    fake_broker_absent(rig->broker, 71);
    buf_init(&h, 1000);
    mp_put_map(&h, 6);
    mp_put_cstr(&h, "query");
    mp_put_uint(&h, 70);
    mp_put_cstr(&h, "state");
    mp_put_cstr(&h, "live");
    mp_put_cstr(&h, "epoch");
    mp_put_uint(&h, 3);
    mp_put_cstr(&h, "seq");
    mp_put_uint(&h, 8);
    mp_put_cstr(&h, "accepted_us");
    mp_put_uint(&h, 1);
    mp_put_cstr(&h, "attempts");
    mp_put_uint(&h, 2);
    fake_broker_say(rig->broker, COMMAND_LOCATED, &h, NULL, 0);
    client_rig_settle(rig);
    const struct client_note *n = client_rig_note(rig, 'l', 70);
    assert_true(n != NULL && n->code == SLUICE_LIVE && n->origin.seq == 8 && n->payload_bytes == 2);
    assert_int_equal(client_rig_note(rig, 'l', 71)->code, SLUICE_ABSENT);
    buf_deinit(&h);
    client_rig_free(rig);
}

static void
a_broker_that_talks_nonsense_is_survived(void **state)
{
    struct client_rig *rig = client_rig_new(NULL);
    struct buf h, b;
    struct entry e = {.counter = 1, .code = OUTCOME_STORED, .accepted_us = 1000};

    (void)state;
    client_rig_connect(rig);
    client_rig_submit(rig, 0, NULL);
    sluice_client_flush(rig->client);
    client_rig_hear(rig, COMMAND_SUBMIT);
    fake_broker_say_empty(rig->broker, COMMAND_LOCATED);
    fake_broker_say_empty(rig->broker, COMMAND_WELCOME);
    fake_broker_say_empty(rig->broker, COMMAND_ERROR);
    fake_broker_say_empty(rig->broker, COMMAND_DELIVER);
    zmq_send(rig->broker->router, rig->broker->peer, rig->broker->peer_size, ZMQ_SNDMORE);
    zmq_send(rig->broker->router, "junk", 4, 0);
    client_rig_settle(rig);
    assert_int_equal(figures(rig).malformed, 5);

    uint8_t empty[1] = {0x80};
    h = (struct buf){.data = empty, .size = 1};
    buf_init(&b, 1000);
    entry_write(&b, ENTRY_KIND_OUTCOME, &e);
    buf_append(&b, "tail", 4);
    fake_broker_say(rig->broker, COMMAND_OUTCOME, &h, b.data, b.size);
    fake_broker_error(rig->broker, "lease");
    client_rig_settle(rig);
    assert_int_equal(figures(rig).malformed, 6);
    assert_non_null(client_rig_note(rig, 'o', 1)); /* what stood before the fault is true */
    assert_int_equal(client_rig_note(rig, 'f', 0)->payload_bytes, 5);
    buf_deinit(&b);
    client_rig_free(rig);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hello_says_who_we_are),
        cmocka_unit_test(what_is_gathered_goes_as_one_message),
        cmocka_unit_test(accepted_then_outcome),
        cmocka_unit_test(refused_is_forgotten),
        cmocka_unit_test(dead_is_not_the_end),
        cmocka_unit_test(the_window_bounds_messages),
        cmocka_unit_test(the_window_bounds_bytes),
        cmocka_unit_test(own_bounds_hold),
        cmocka_unit_test(what_is_too_large_is_said_at_once),
        cmocka_unit_test(a_full_batch_goes_by_itself),
        cmocka_unit_test(forgotten_requests_are_never_named),
        cmocka_unit_test(callbacks_may_submit),
        cmocka_unit_test(many_outcomes_in_any_order),
        cmocka_unit_test(located_comes_back_by_query),
        cmocka_unit_test(a_broker_that_talks_nonsense_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
