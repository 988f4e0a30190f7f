/* Looking in: lists in order however sparse, ids that hash alike, views; and the ring of
 * unannounced seqs. */
#include "tests/unit/broker/core/fixture.h"

#include <stdlib.h>

#include "base/error.h"

/* Survivors so far apart that probing seq by seq gives up: the answer must be the same. */
static void
test_sparse_list(void **state)
{
    enum { APART = 1000, SURVIVORS = 400, LIMIT = 50 };
    struct core *c = core_new(&test_limits, 0, 0, NULL);
    uint32_t messages[LIMIT];
    struct message_view v;
    uint64_t after = 0;
    size_t n, seen = 0;

    (void)state;
    core_replay_begin(c, NULL);
    for (uint64_t i = 0; i < SURVIVORS; i++) {
        uint64_t seq = 1 + i * 7 % SURVIVORS * APART; /* in disorder */
        struct record r = {.kind = RECORD_MESSAGE, .length = 90, .epoch = 1, .seq = seq};
        r.service = i % 2 == 0 ? "even" : "odd";
        r.service_len = i % 2 == 0 ? 4 : 3;
        core_replay(c, &r, (struct place){.segment = 1, .length = 90}, 0);
    }
    core_replay_end(c, 2, SURVIVORS * APART + 1);
    while ((n = core_list(c, CORE_NOBODY, MESSAGE_STATES, after, messages, LIMIT)) > 0) {
        for (size_t i = 0; i < n; i++) {
            assert_true(core_view(c, messages[i], 0, &v));
            assert_int_equal(v.seq, 1 + seen++ * APART);
        }
        after = v.seq;
    }
    assert_int_equal(seen, SURVIVORS);
    n = core_list(c, core_service(c, "odd", 3), MESSAGE_READY, 0, messages, LIMIT);
    assert_int_equal(n, LIMIT);
    for (size_t i = 0; i < n; i++) {
        assert_true(core_view(c, messages[i], 0, &v));
        assert_int_equal(v.service, core_service(c, "odd", 3));
    }
    assert_int_equal(core_list(c, CORE_NOBODY, MESSAGE_LEASED, 0, messages, LIMIT), 0);
    assert_int_equal(core_list(c, CORE_NOBODY, MESSAGE_STATES, 0, messages, 0), 0);
    core_free(&c);
}

/* What a walk has seen: each message by its seq, once. */
struct seen {
    uint8_t *times; /* by seq */
    size_t n;
    size_t refuse_at; /* how many it takes; 0: all */
};

static bool
walk_see(void *arg, const struct message_view *v)
{
    struct seen *s = arg;

    if (s->refuse_at > 0 && s->n == s->refuse_at)
        return false;
    s->n++;
    s->times[v->seq]++;
    return true;
}

/* A million waiting: every step looks at no more than it may, and all are seen once. */
static void
test_walk_in_steps(void **state)
{
    enum { MESSAGES = 1000000, STEP = 65536 };
    struct core_limits limits = test_limits;
    struct seen seen = {.times = mem_new(MESSAGES + 1, 1)};
    uint32_t from = 0, steps = 0;

    (void)state;
    limits.max_messages = MESSAGES;
    struct core *c = core_new(&limits, 0, 0, NULL);
    core_replay_begin(c, NULL);
    for (uint64_t seq = 1; seq <= MESSAGES; seq++) {
        struct record r = {.kind = RECORD_MESSAGE, .length = 90, .epoch = 1, .seq = seq};
        r.service = seq % 4 == 0 ? "fourth" : "others";
        r.service_len = 6;
        core_replay(c, &r, (struct place){.segment = 1, .length = 90}, 0);
    }
    core_replay_end(c, 2, MESSAGES + 1);
    while (from != CORE_NOBODY) {
        size_t before = seen.n;
        from = core_walk(c, CORE_NOBODY, 0, from, STEP, walk_see, &seen);
        assert_in_range(seen.n - before, 1, STEP);
        steps++;
    }
    assert_int_equal(seen.n, MESSAGES);
    assert_int_equal(steps, (MESSAGES + STEP - 1) / STEP);
    for (uint64_t seq = 1; seq <= MESSAGES; seq++)
        assert_int_equal(seen.times[seq], 1);

    seen.n = 0;
    for (from = 0; from != CORE_NOBODY;)
        from = core_walk(c, core_service(c, "fourth", 6), 0, from, STEP, walk_see, &seen);
    assert_int_equal(seen.n, MESSAGES / 4);

    /* One that is refused is where the next step begins. */
    seen.n = 0;
    seen.refuse_at = 10;
    from = core_walk(c, CORE_NOBODY, 0, 5, STEP, walk_see, &seen);
    assert_int_equal(from, 15);
    assert_int_equal(core_walk(c, CORE_NOBODY, 0, MESSAGES, STEP, walk_see, &seen), CORE_NOBODY);
    assert_int_equal(core_walk(c, CORE_NOBODY, 0, UINT32_MAX, STEP, walk_see, &seen), CORE_NOBODY);
    free(seen.times);
    core_free(&c);
}

static void
test_find_id(void **state)
{
    struct fixture f = fixture_new(&test_limits);
    uint32_t found[3], last = 0;
    struct record r = fixture_record(&f, 0);

    (void)state;
    for (uint64_t i = 0; i < 20; i++) {
        core_next_origin(f.core, &r.epoch, &r.seq);
        le64_put(r.id.bytes, i % 10);
        last = core_accept(f.core, f.client, &r, f.service, (struct place){.segment = 1}, 0);
    }
    assert_int_equal(core_find_id(f.core, &r.id, found, 3), 2); /* the id of the last one */
    assert_true(found[0] == last || found[1] == last);
    assert_int_equal(core_find_id(f.core, &r.id, found, 1), 1);
    le64_put(r.id.bytes, 10);
    assert_int_equal(core_find_id(f.core, &r.id, found, 3), 0);
    core_free(&f.core);
}

static void
test_views(void **state)
{
    struct fixture f = fixture_new(&test_limits);
    uint32_t w = fixture_worker(&f, "w", 0);
    struct record r = fixture_record(&f, 0);
    struct service_view s;
    struct worker_view v;
    struct message_view m;

    (void)state;
    core_wall_clock(f.core, 5, 1000 * SECOND);
    core_next_origin(f.core, &r.epoch, &r.seq);
    r.accepted_us = 990 * SECOND;
    uint32_t message =
        core_accept(f.core, f.client, &r, f.service, (struct place){.segment = 1}, 5);
    assert_true(core_view(f.core, message, 5, &m));
    assert_int_equal(m.age_us, 10 * SECOND);
    assert_false(m.durable);
    assert_true(core_service_view(f.core, f.service, 5 + SECOND, &s));
    assert_int_equal(s.ready, 1);
    assert_int_equal(s.workers, 1);
    assert_int_equal(s.credit, 0);
    assert_int_equal(s.oldest_age_us, 11 * SECOND);
    core_worker_pull(f.core, w, 5, 1 << 20, 5);
    uint32_t lease = fixture_lease(&f, w, 5);
    core_durable(f.core, r.seq, 6);
    assert_true(core_worker_view(f.core, w, 8, &v));
    assert_string_equal(v.name, "w");
    assert_true(v.leases == 1 && v.messages == 1 && v.batches == 1 && !v.has_credit);
    assert_int_equal(v.heard_ago_us, 3);
    assert_true(core_report(f.core, w, lease, 1, 1, OUTCOME_STORED, 9));
    assert_true(core_worker_view(f.core, w, 9, &v));
    assert_int_equal(v.messages_done, 1);
    assert_false(core_view(f.core, message, 9, &m));
    assert_false(core_view(f.core, 12345, 9, &m));
    assert_false(core_worker_view(f.core, w + 1, 9, &v));
    assert_false(core_service_view(f.core, f.service + 1, 9, &s));
    assert_true(core_service_view(f.core, f.service, 9, &s));
    assert_true(s.accepted == 1 && s.finished == 1 && s.ready == 0 && s.leased == 0);
    core_free(&f.core);
}

/* One message stays unannounced; thousands behind it finish unannounced: the ring must not grow
 * with them. */
static void
test_ring_is_bounded(void **state)
{
    struct fixture f = fixture_new(&test_limits);
    uint32_t w = fixture_worker(&f, "w", 0);

    (void)state;
    core_worker_pull(f.core, w, 1, 1, 0);
    uint64_t seq = fixture_accept(&f, 0, 0);
    assert_int_not_equal(fixture_lease(&f, w, 0), 0); /* held for ever: seq 1 stays unannounced */
    uint32_t other = fixture_worker(&f, "o", 0);
    for (int i = 0; i < 10000; i++) {
        seq = fixture_accept(&f, 0, 0);
        core_durable(f.core, seq, 0); /* within a heartbeat nothing is announced */
        core_worker_pull(f.core, other, 1, 1, 0);
        uint32_t lease = fixture_lease(&f, other, 0);
        assert_true(core_report(f.core, other, lease, 1, seq, OUTCOME_STORED, 0));
        assert_null(fixture_effect(&f, EFFECT_ACCEPTED, 0));
    }
    const struct client *cl = &f.core->clients.list[f.client];
    assert_int_equal(cl->window_n, 1);
    assert_in_range(cl->ring_cap, 1, 64); /* the least is 64, else below four windows */
    core_client_announce(f.core, f.client);
    assert_int_equal(fixture_effect(&f, EFFECT_ACCEPTED, 0)->seq, 1);
    core_free(&f.core);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sparse_list),     cmocka_unit_test(test_walk_in_steps),
        cmocka_unit_test(test_find_id),         cmocka_unit_test(test_views),
        cmocka_unit_test(test_ring_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
