/* The courier before fake brokers that a thread of the test drives: what it says of each message,
 * and that it gives up in time. */
#include "client/lib/courier.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "schemas/wire/codes.h"
#include "tests/unit/client/fake_broker.h"
#include "tests/unit/cmocka_all.h"

#define PATIENCE_US (INT64_C(10) * US_PER_S)

/* What the broker does with message n (by its counter, from 1). */
enum deed { DEED_OUTCOME, DEED_ACCEPT, DEED_REFUSE, DEED_NOTHING };

struct rig {
    struct fake_broker *broker;
    pthread_t thread;
    atomic_bool stop;
    enum deed deeds[COURIER_MESSAGES_MAX + 1];
    size_t n_flags;
    uint8_t flags[COURIER_MESSAGES_MAX + 1]; /* of the records, by counter */
};

static void
rig_answer(struct rig *rig, const struct fake_heard *h)
{
    struct record r;

    for (size_t at = 0; at < h->body.size; at += r.length) {
        if (record_read(h->body.data + at, h->body.size - at, &r) != RECORD_OK)
            return;
        rig->flags[r.counter] = r.flags;
        rig->n_flags++;
        switch (rig->deeds[r.counter]) {
        case DEED_OUTCOME:
            fake_broker_outcome(rig->broker, r.counter, r.counter, OUTCOME_STORED);
            break;
        case DEED_ACCEPT:
            fake_broker_accept(rig->broker, r.counter, r.counter, 0);
            break;
        case DEED_REFUSE:
            fake_broker_refuse(rig->broker, r.counter, REFUSAL_FULL);
            break;
        case DEED_NOTHING:
            break;
        }
    }
}

static void *
rig_main(void *arg)
{
    struct rig *rig = arg;

    while (!atomic_load(&rig->stop)) {
        zmq_pollitem_t item = {.fd = fake_broker_fd(rig->broker), .events = ZMQ_POLLIN};
        zmq_poll(&item, 1, 20);
        fake_broker_turn(rig->broker);
        struct fake_heard *h;
        while ((h = fake_broker_next(rig->broker, COMMAND_SUBMIT)) != NULL)
            rig_answer(rig, h);
    }
    return NULL;
}

static struct rig *
rig_new(void)
{
    struct rig *rig = mem_new(1, sizeof(*rig));

    rig->broker = fake_broker_new();
    fake_broker_listen(rig->broker);
    return rig;
}

static void
rig_start(struct rig *rig)
{
    assert_int_equal(pthread_create(&rig->thread, NULL, rig_main, rig), 0);
}

static void
rig_free(struct rig *rig)
{
    atomic_store(&rig->stop, true);
    pthread_join(rig->thread, NULL);
    fake_broker_free(rig->broker);
    free(rig);
}

static void
messages_fill(struct courier_message *m, size_t n)
{
    for (size_t i = 0; i < n; i++)
        m[i] = (struct courier_message){.message = {.service = "submissions",
                                                    .service_len = 11,
                                                    .scope = "NCT007",
                                                    .scope_len = 6,
                                                    .id = {(uint8_t)i},
                                                    .received_us = 7,
                                                    .body = "sealed",
                                                    .body_bytes = 6}};
}

static void
each_one_s_fate_is_told(void **state)
{
    struct courier_message m[3];
    struct rig *rig = rig_new();
    struct courier *c;

    (void)state;
    rig->deeds[2] = DEED_REFUSE;
    rig_start(rig);
    messages_fill(m, 3);
    assert_int_equal(courier_new(rig->broker->endpoint, "test", &c), COURIER_OK);
    assert_int_equal(courier_deliver(c, m, 0, true, PATIENCE_US), COURIER_OK);
    assert_int_equal(courier_deliver(c, m, 3, true, PATIENCE_US), COURIER_OK);
    assert_true(m[0].state == COURIER_DECIDED && m[0].code == OUTCOME_STORED);
    assert_true(m[1].state == COURIER_REFUSED && m[1].code == REFUSAL_FULL);
    assert_true(m[2].state == COURIER_DECIDED && m[2].code == OUTCOME_STORED);
    assert_true((rig->flags[1] & RECORD_ACCEPT_NOW) != 0);
    assert_true((rig->flags[1] & RECORD_NO_OUTCOME) == 0);
    /* the connection serves again */
    assert_int_equal(courier_deliver(c, m, 3, true, PATIENCE_US), COURIER_OK);
    assert_int_equal(rig->broker->peers, 1);
    courier_free(c);
    rig_free(rig);
}

static void
on_disk_is_enough_if_so_wished(void **state)
{
    struct courier_message m[2];
    struct rig *rig = rig_new();
    struct courier *c;

    (void)state;
    rig->deeds[1] = rig->deeds[2] = DEED_ACCEPT;
    rig_start(rig);
    messages_fill(m, 2);
    assert_int_equal(courier_new(rig->broker->endpoint, "test", &c), COURIER_OK);
    assert_int_equal(courier_deliver(c, m, 2, false, PATIENCE_US), COURIER_OK);
    assert_true(m[0].state == COURIER_ACCEPTED && m[1].state == COURIER_ACCEPTED);
    assert_true((rig->flags[1] & RECORD_NO_OUTCOME) != 0);
    courier_free(c);
    rig_free(rig);
}

static void
late_says_how_far_each_got(void **state)
{
    struct courier_message m[3];
    struct rig *rig = rig_new();
    struct courier *c;

    (void)state;
    rig->deeds[2] = DEED_ACCEPT;
    rig->deeds[3] = DEED_NOTHING;
    rig_start(rig);
    messages_fill(m, 3);
    assert_int_equal(courier_new(rig->broker->endpoint, "test", &c), COURIER_OK);
    assert_int_equal(courier_deliver(c, m, 3, true, 500 * US_PER_MS), COURIER_LATE);
    assert_int_equal(m[0].state, COURIER_DECIDED);
    assert_int_equal(m[1].state, COURIER_ACCEPTED);
    assert_int_equal(m[2].state, COURIER_UNKNOWN);
    courier_free(c);
    rig_free(rig);
}

static void
the_first_broker_that_answers_is_taken(void **state)
{
    struct courier_message m[1];
    struct rig *rig = rig_new();
    struct courier *c;
    char endpoints[512];

    (void)state;
    rig_start(rig);
    messages_fill(m, 1);
    snprintf(endpoints, sizeof(endpoints), " %s-nobody  %s ", rig->broker->endpoint,
             rig->broker->endpoint);
    assert_int_equal(courier_new(endpoints, "test", &c), COURIER_OK);
    assert_int_equal(courier_deliver(c, m, 1, true, PATIENCE_US), COURIER_OK);
    courier_free(c);
    rig_free(rig);
}

static void
nobody_there(void **state)
{
    struct courier_message m[1];
    struct courier *c;
    char many[COURIER_BROKERS_MAX * 20 + 40] = "";

    (void)state;
    messages_fill(m, 1);
    assert_int_equal(courier_new("ipc:///tmp/sluice-test-no-broker", "test", &c), COURIER_OK);
    int64_t began_us = clock_mono_us();
    assert_int_equal(courier_deliver(c, m, 1, true, 100 * US_PER_MS), COURIER_UNREACHABLE);
    assert_in_range(clock_mono_us() - began_us, 100 * US_PER_MS, PATIENCE_US);
    courier_free(c);
    assert_int_equal(courier_new("", "test", &c), COURIER_BAD);
    assert_int_equal(courier_new("nonsense", "test", &c), COURIER_BAD);
    for (int i = 0; i <= COURIER_BROKERS_MAX; i++)
        strcat(many, "ipc:///tmp/none ");
    assert_int_equal(courier_new(many, "test", &c), COURIER_BAD);
}

static void
as_many_as_it_may_be(void **state)
{
    struct courier_message *m = mem_new(COURIER_MESSAGES_MAX, sizeof(*m));
    struct rig *rig = rig_new();
    struct courier *c;

    (void)state;
    rig_start(rig);
    messages_fill(m, COURIER_MESSAGES_MAX);
    assert_int_equal(courier_new(rig->broker->endpoint, "test", &c), COURIER_OK);
    assert_int_equal(courier_deliver(c, m, COURIER_MESSAGES_MAX, true, PATIENCE_US), COURIER_OK);
    for (size_t i = 0; i < COURIER_MESSAGES_MAX; i++)
        assert_int_equal(m[i].state, COURIER_DECIDED);
    courier_free(c);
    rig_free(rig);
    free(m);
}

static void
a_page_holds_what_was_added(void **state)
{
    struct courier_page *p = courier_page_new(64 * COURIER_MESSAGES_MAX);
    struct courier_message *m;
    uint8_t id[16] = {0};
    char body[64];
    size_t n;

    (void)state;
    for (int i = 0; i < COURIER_MESSAGES_MAX; i++) {
        id[0] = (uint8_t)i;
        int len = snprintf(body, sizeof(body), "body %d", i);
        assert_true(courier_page_add(p, "s", "study", 5, id, i, body, (size_t)len));
    }
    assert_false(courier_page_add(p, "s", "study", 5, id, 0, "x", 1));
    m = courier_page_messages(p, &n);
    assert_int_equal(n, COURIER_MESSAGES_MAX);
    assert_memory_equal(m[0].message.body, "body 0", 6);
    assert_memory_equal(m[300].message.body, "body 300", 8);
    assert_true(m[300].message.body_bytes == 8 && m[300].message.received_us == 300 &&
                m[300].message.id[0] == (uint8_t)300);
    assert_memory_equal(m[300].message.scope, "study", 5);
    courier_page_clear(p);
    courier_page_messages(p, &n);
    assert_int_equal(n, 0);
    courier_page_free(p);
    courier_page_free(NULL);
    /* the ceiling, exactly */
    p = courier_page_new(10);
    assert_false(courier_page_add(p, "s", "study", 5, id, 0, "123456", 6));
    assert_true(courier_page_add(p, "s", "study", 5, id, 0, "12345", 5));
    assert_false(courier_page_add(p, "s", "", 0, id, 0, "1", 1));
    courier_page_free(p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_one_s_fate_is_told),
        cmocka_unit_test(on_disk_is_enough_if_so_wished),
        cmocka_unit_test(late_says_how_far_each_got),
        cmocka_unit_test(the_first_broker_that_answers_is_taken),
        cmocka_unit_test(nobody_there),
        cmocka_unit_test(as_many_as_it_may_be),
        cmocka_unit_test(a_page_holds_what_was_added),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
