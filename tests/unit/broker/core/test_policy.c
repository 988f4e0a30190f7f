/* Who gets what, what death costs, when ACCEPTED goes out, where the bounds are. */
#include "tests/unit/broker/core/fixture.h"

static void
accept_n(struct fixture *f, int n)
{
    for (int i = 0; i < n; i++)
        core_durable(f->core, fixture_accept(f, 0, 0), 0);
    core_effects_clear(f->core);
}

/* All that waits goes to the worker idle longest; a busy one prefetches a full batch only. */
static void
test_idle_longest_gets_all(void **state)
{
    struct fixture f = fixture_new(&test_limits);
    uint32_t b = fixture_worker(&f, "b", 1), a = fixture_worker(&f, "a", 2);

    (void)state;
    core_worker_pull(f.core, a, 8, 1 << 20, 3);
    core_worker_pull(f.core, b, 8, 1 << 20, 4);
    accept_n(&f, 5);
    uint32_t first = fixture_lease(&f, b, 5);
    assert_int_equal(fixture_lease_n(&f, first), 5);
    core_worker_pull(f.core, b, 4, 1 << 20, 6); /* prefetch credit of 4 */
    accept_n(&f, 5);
    assert_int_equal(fixture_lease_n(&f, fixture_lease(&f, a, 7)), 5);
    accept_n(&f, 3);
    assert_int_equal(fixture_lease(&f, b, 8), 0); /* three are not a full batch */
    accept_n(&f, 2);
    assert_int_equal(fixture_lease_n(&f, fixture_lease(&f, b, 9)), 4);
    core_worker_pull(f.core, b, 1, 1 << 20, 10);
    assert_int_equal(fixture_lease(&f, b, 10), 0); /* two leases are the most */
    core_free(&f.core);
}

static void
test_credit_in_bytes(void **state)
{
    struct fixture f = fixture_new(&test_limits);
    uint32_t w = fixture_worker(&f, "w", 0);

    (void)state;
    accept_n(&f, 6);
    core_worker_pull(f.core, w, 100, 10, 0); /* a record has 1000: one always fits */
    uint32_t lease = fixture_lease(&f, w, 0);
    assert_int_equal(fixture_lease_n(&f, lease), 1);
    core_worker_pull(f.core, w, 100, 3500, 0);
    assert_int_equal(fixture_lease_n(&f, fixture_lease(&f, w, 0)), 3);
    core_worker_pull(f.core, w, UINT32_MAX, 0, 0);
    assert_int_equal(f.core->workers.list[w].credit_messages, LEASE_MESSAGES_MAX);
    core_free(&f.core);
}

static void
test_returned_go_to_the_front(void **state)
{
    struct fixture f = fixture_new(&test_limits);
    uint32_t w = fixture_worker(&f, "w", 0);
    const uint32_t *messages;

    (void)state;
    accept_n(&f, 6);
    core_worker_pull(f.core, w, 3, 1 << 20, 0);
    uint32_t lease = fixture_lease(&f, w, 0);
    assert_false(core_lease_return(f.core, w + 1, lease, 0));
    assert_true(core_lease_return(f.core, w, lease, 0));
    assert_false(core_lease_return(f.core, w, lease, 0));
    core_worker_pull(f.core, w, 6, 1 << 20, 0);
    lease = fixture_lease(&f, w, 0);
    assert_int_equal(core_lease_messages(f.core, lease, &messages), 6);
    for (uint32_t i = 0; i < 6; i++)
        assert_int_equal(messages_at(&f.core->messages, messages[i])->seq, i + 1);
    assert_int_equal(fixture_view(&f, 1).attempt, 2);
    assert_int_equal(fixture_view(&f, 4).attempt, 1);
    assert_int_equal(fixture_view(&f, 1).kills, 0);
    core_undeliver(f.core, lease, 0); /* counts as never delivered, the credit is good again */
    assert_int_equal(fixture_view(&f, 1).attempt, 1);
    assert_int_equal(fixture_lease_n(&f, fixture_lease(&f, w, 0)), 6);
    core_free(&f.core);
}

/* Dead with a batch: alone afterwards, no kill. Dead with one that was alone: a kill; three park
 * it. */
static void
test_kills_park(void **state)
{
    struct fixture f = fixture_new(&test_limits);
    uint32_t w = fixture_worker(&f, "w", 0);

    (void)state;
    accept_n(&f, 2);
    core_worker_pull(f.core, w, 9, 1 << 20, 0);
    assert_int_equal(fixture_lease_n(&f, fixture_lease(&f, w, 0)), 2);
    core_worker_gone(f.core, w, 0);
    assert_int_equal(fixture_view(&f, 1).kills, 0);
    for (uint8_t kill = 1; kill <= 3; kill++) {
        w = fixture_worker(&f, "w", 0);
        core_worker_pull(f.core, w, 9, 1 << 20, 0);
        assert_int_equal(fixture_lease_n(&f, fixture_lease(&f, w, 0)), 1);
        core_worker_pull(f.core, w, 9, 1 << 20, 0);
        assert_int_equal(fixture_lease(&f, w, 0), 0); /* nothing beside it */
        core_effects_clear(f.core);
        core_worker_gone(f.core, w, 0);
        assert_int_equal(fixture_view(&f, 1).kills, kill);
        assert_int_equal(fixture_effect(&f, EFFECT_NOTE, 0) != NULL, kill < 3);
    }
    assert_int_equal(fixture_view(&f, 1).state, MESSAGE_PARKED);
    assert_int_equal(fixture_effect(&f, EFFECT_PARKED, 0)->seq, 1);
    assert_int_equal(fixture_effect(&f, EFFECT_OUTCOME, 0)->outcome, OUTCOME_DEAD);
    assert_int_equal(fixture_view(&f, 2).state, MESSAGE_READY);
    assert_int_equal(core_ledger(f.core)->by_outcome[OUTCOME_DEAD], 1);
    assert_true(core_requeue(f.core, 1, 1, 0));
    assert_false(core_requeue(f.core, 1, 1, 0));
    assert_int_equal(core_ledger(f.core)->by_outcome[OUTCOME_DEAD], 0);
    assert_int_equal(fixture_view(&f, 1).kills, 3);
    core_free(&f.core);
}

/* Before the accept is durable no outcome may leave, so there are no kills and no dead letter
 * either. */
static void
test_no_kill_before_durable(void **state)
{
    struct fixture f = fixture_new(&test_limits);

    (void)state;
    fixture_accept(&f, 0, 0);
    for (int i = 0; i < 6; i++) {
        uint32_t w = fixture_worker(&f, "w", 0);
        core_worker_pull(f.core, w, 9, 1 << 20, 0);
        assert_int_equal(fixture_lease_n(&f, fixture_lease(&f, w, 0)), 1);
        core_worker_gone(f.core, w, 0);
        assert_null(fixture_effect(&f, EFFECT_OUTCOME, 0));
        assert_null(fixture_effect(&f, EFFECT_NOTE, 0));
    }
    assert_int_equal(fixture_view(&f, 1).kills, 0);
    assert_int_equal(fixture_view(&f, 1).state, MESSAGE_READY);
    core_free(&f.core);
}

/* How a lease can end, and whose fault that is. */
static void
test_ways_to_end(void **state)
{
    enum way { BYE, SILENT, REPLACED, EXPIRED, GONE, WAYS };
    static const bool died[WAYS] = {false, true, true, true, true};

    (void)state;
    for (enum way way = 0; way < WAYS; way++) {
        struct fixture f = fixture_new(&test_limits);
        uint32_t w = fixture_worker(&f, "w", 0);
        accept_n(&f, 1);
        core_worker_pull(f.core, w, 1, 1, 0);
        uint32_t lease = fixture_lease(&f, w, 0);
        if (way == BYE)
            core_worker_bye(f.core, w, SECOND);
        else if (way == GONE)
            core_worker_gone(f.core, w, SECOND);
        else if (way == REPLACED)
            assert_int_not_equal(core_worker_ready(f.core, "w", 1, 2, f.service, 0), w);
        else if (way == SILENT)
            core_tick(f.core, 3 * SECOND);
        for (int64_t t = 1; way == EXPIRED && t <= 6; t++) {
            core_worker_heard(f.core, w, t * SECOND);
            core_tick(f.core, t * SECOND);
        }
        assert_int_equal(fixture_lease_n(&f, lease), 0);
        assert_int_equal((fixture_view(&f, 1).flags & RECORD_ALONE) != 0, died[way]);
        assert_false(core_report(f.core, w, lease, 1, 1, OUTCOME_STORED, 0));
        core_free(&f.core);
    }
}

static void
test_hold_extend_jump(void **state)
{
    struct fixture f = fixture_new(&test_limits);
    uint32_t w = fixture_worker(&f, "w", 0);

    (void)state;
    accept_n(&f, 2);
    core_worker_pull(f.core, w, 2, 1 << 20, 0);
    uint32_t lease = fixture_lease(&f, w, 0);
    core_worker_heard(f.core, w, 100 * SECOND);
    assert_true(core_lease_extend(f.core, w, lease, 5 * SECOND));
    core_tick(f.core, 10 * SECOND);
    assert_int_equal(fixture_lease_n(&f, lease), 2);
    core_time_jumped(f.core, 20 * SECOND);
    core_tick(f.core, 30 * SECOND);
    assert_int_equal(fixture_lease_n(&f, lease), 2);
    core_lease_hold(f.core, lease);
    core_tick(f.core, 90 * SECOND);
    assert_int_equal(fixture_lease_n(&f, lease), 2);
    assert_true(core_report(f.core, w, lease, 1, 1, OUTCOME_STORED, 90 * SECOND));
    assert_int_equal(core_tick(f.core, 95 * SECOND), 96 * SECOND);
    core_tick(f.core, 96 * SECOND);
    assert_int_equal(fixture_lease_n(&f, lease), 0);
    core_free(&f.core);
}

static void
test_reports_that_do_not_count(void **state)
{
    struct fixture f = fixture_new(&test_limits);
    uint32_t w = fixture_worker(&f, "w", 0), other = fixture_worker(&f, "o", 0);
    struct core_figures figures;

    (void)state;
    accept_n(&f, 2);
    core_worker_pull(f.core, w, 1, 1, 0);
    uint32_t lease = fixture_lease(&f, w, 0);
    assert_false(core_report(f.core, other, lease, 1, 1, OUTCOME_STORED, 0));
    assert_false(core_report(f.core, w, lease + 1, 1, 1, OUTCOME_STORED, 0));
    assert_false(core_report(f.core, w, lease, 2, 1, OUTCOME_STORED, 0));
    assert_false(core_report(f.core, w, lease, 1, 2, OUTCOME_STORED, 0));
    assert_false(core_report(f.core, w, lease, 1, 99, OUTCOME_STORED, 0));
    for (unsigned code = 0; code < 256; code++)
        if (code == 0 || code > OUTCOME_DEAD)
            assert_false(core_report(f.core, w, lease, 1, 1, (uint8_t)code, 0));
    core_figures(f.core, &figures);
    assert_int_equal(figures.stale_reports, 5 + 249);
    assert_int_equal(figures.live, 2);
    assert_true(core_report(f.core, w, lease, 1, 1, OUTCOME_STORED, 0));
    assert_false(core_report(f.core, w, lease, 1, 1, OUTCOME_STORED, 0));
    core_free(&f.core);
}

static void
test_window_and_caps(void **state)
{
    struct core_limits limits = test_limits;
    limits.max_messages = 20;
    struct fixture f = fixture_new(&limits);
    struct record r = fixture_record(&f, 0);

    (void)state;
    for (int i = 0; i < 16; i++) {
        assert_int_equal(core_intake(f.core, f.client, &r, f.service), 0);
        fixture_accept(&f, 0, 0);
    }
    assert_int_equal(core_intake(f.core, f.client, &r, f.service), REFUSAL_FULL);
    assert_int_equal(core_intake(f.core, CORE_NOBODY, &r, f.service),
                     0);         /* follow-ups: no window */
    core_durable(f.core, 16, 0); /* past a quarter of the window: announced at once */
    assert_non_null(fixture_effect(&f, EFFECT_ACCEPTED, 15));
    assert_int_equal(core_intake(f.core, f.client, &r, f.service), 0);
    for (int i = 0; i < 4; i++)
        fixture_accept(&f, 0, 0);
    assert_int_equal(core_intake(f.core, f.client, &r, f.service), REFUSAL_FULL);
    assert_int_equal(core_intake(f.core, CORE_NOBODY, &r, f.service), REFUSAL_FULL);
    assert_int_equal(core_intake(f.core, f.client, &r, 5), REFUSAL_UNKNOWN_SERVICE);
    r.length = 2 << 20;
    core_free(&f.core);
    f = fixture_new(&test_limits);
    assert_int_equal(core_intake(f.core, f.client, &r, f.service), 0); /* one always fits */
    fixture_accept(&f, 0, 0);
    assert_int_equal(core_intake(f.core, f.client, &r, f.service), REFUSAL_FULL);
    core_free(&f.core);
}

/* Lazy: with the heartbeat; at once: accept-now, or nobody to do the work. An outcome implies it.
 */
static void
test_announcing(void **state)
{
    struct fixture f = fixture_new(&test_limits);
    uint32_t w = fixture_worker(&f, "w", 0);

    (void)state;
    core_worker_pull(f.core, w, 1, 1, 0);
    core_durable(f.core, fixture_accept(&f, 0, 0), 1000);
    assert_null(fixture_effect(&f, EFFECT_FLUSH_CLIENT, 0));
    assert_int_equal(core_tick(f.core, 2000), SECOND);
    assert_true(core_dispatch_wanted(f.core));
    uint32_t lease = fixture_lease(&f, w, 2000);
    assert_false(core_dispatch_wanted(f.core));
    assert_int_equal(core_tick(f.core, 3000), SECOND); /* since it was taken, not since the sync */
    core_tick(f.core, SECOND);
    assert_int_equal(fixture_effect(&f, EFFECT_ACCEPTED, 0)->seq, 1);
    assert_false(fixture_effect(&f, EFFECT_ACCEPTED, 0)->stalled);
    assert_non_null(fixture_effect(&f, EFFECT_FLUSH_CLIENT, 0));
    core_effects_clear(f.core);

    fixture_accept(&f, 0, SECOND);
    uint64_t urgent = fixture_accept(&f, RECORD_ACCEPT_NOW, SECOND);
    core_durable(f.core, urgent - 1, SECOND + 5);
    assert_null(fixture_effect(&f, EFFECT_FLUSH_CLIENT, 0));
    core_durable(f.core, urgent, SECOND + 5);
    assert_int_equal(fixture_effect(&f, EFFECT_ACCEPTED, 1)->seq, urgent);
    core_effects_clear(f.core);

    uint64_t seq = fixture_accept(&f, 0, SECOND);
    core_durable(f.core, seq, SECOND + 6);
    core_client_announce(f.core, f.client); /* rides ahead of another message */
    assert_int_equal(fixture_effect(&f, EFFECT_ACCEPTED, 0)->seq, seq);
    assert_null(fixture_effect(&f, EFFECT_FLUSH_CLIENT, 0));
    core_effects_clear(f.core);

    assert_true(core_report(f.core, w, lease, 1, 1, OUTCOME_STORED, SECOND + 7));
    core_worker_pull(f.core, w, 100, 1 << 20, SECOND + 8);
    seq = fixture_accept(&f, 0, SECOND + 8);
    core_durable(f.core, seq, SECOND + 8);
    lease = fixture_lease(&f, w, SECOND + 8);
    assert_true(core_report(f.core, w, lease, 1, seq, OUTCOME_STORED, SECOND + 9));
    core_client_announce(f.core, f.client);
    assert_null(fixture_effect(&f, EFFECT_ACCEPTED, 0));
    core_effects_clear(f.core);

    /* A sync of a heartbeat or more has used up all the patience there was. */
    core_worker_pull(f.core, w, 1, 1, SECOND + 10);
    seq = fixture_accept(&f, 0, 2 * SECOND);
    core_durable(f.core, seq, 3 * SECOND);
    assert_int_equal(fixture_effect(&f, EFFECT_ACCEPTED, 0)->seq, seq);
    assert_non_null(fixture_effect(&f, EFFECT_FLUSH_CLIENT, 0));
    core_free(&f.core);
}

static void
test_stalled(void **state)
{
    struct fixture f = fixture_new(&test_limits);

    (void)state;
    core_durable(f.core, fixture_accept(&f, 0, 0), 0); /* no worker at all */
    assert_true(fixture_effect(&f, EFFECT_ACCEPTED, 0)->stalled);
    assert_non_null(fixture_effect(&f, EFFECT_FLUSH_CLIENT, 0));
    core_effects_clear(f.core);
    uint32_t w = fixture_worker(&f, "w", 0); /* one without credit: a moment's grace */
    core_durable(f.core, fixture_accept(&f, 0, 0), 10);
    assert_null(fixture_effect(&f, EFFECT_ACCEPTED, 0));
    assert_int_equal(core_tick(f.core, 20), 10 + STALL_GRACE_US);
    core_tick(f.core, 10 + STALL_GRACE_US);
    assert_true(fixture_effect(&f, EFFECT_ACCEPTED, 0)->stalled);
    core_effects_clear(f.core);
    core_worker_pull(f.core, w, 9, 1 << 20, 200000);
    fixture_lease(&f, w, 200000); /* busy: not stalled */
    core_durable(f.core, fixture_accept(&f, 0, 200000), 200000);
    assert_null(fixture_effect(&f, EFFECT_ACCEPTED, 0));
    core_service_pause(f.core, f.service, true);
    core_tick(f.core, 200001);
    assert_true(fixture_effect(&f, EFFECT_ACCEPTED, 0)->stalled);
    core_free(&f.core);
}

static uint64_t
accept_volatile(struct fixture *f, uint32_t slot, int64_t now_us)
{
    struct record r = fixture_record(f, RECORD_VOLATILE);

    r.epoch = 1;
    r.seq = CORE_VOLATILE_SEQ | slot;
    core_accept_volatile(f->core, f->client, &r, f->service, slot, now_us);
    return r.seq;
}

static void
test_volatile(void **state)
{
    struct fixture f = fixture_new(&test_limits);
    struct record r = fixture_record(&f, RECORD_VOLATILE);
    struct core_figures figures;

    (void)state;
    assert_int_equal(core_intake(f.core, f.client, &r, f.service), REFUSAL_NO_WORKER);
    uint32_t w = fixture_worker(&f, "w", 0);
    accept_n(&f, 1);
    for (uint32_t slot = 1; slot <= 4; slot++) {
        assert_int_equal(core_intake(f.core, f.client, &r, f.service), 0);
        accept_volatile(&f, slot, slot);
    }
    assert_int_equal(core_intake(f.core, f.client, &r, f.service), REFUSAL_FULL);
    core_worker_pull(f.core, w, 2, 1 << 20, 10);
    uint32_t lease = fixture_lease(&f, w, 10); /* the first two of them, before the journaled one */
    assert_int_equal(fixture_lease_n(&f, lease), 2);
    core_effects_clear(f.core);
    assert_true(core_report(f.core, w, lease, 1, CORE_VOLATILE_SEQ | 1, OUTCOME_ANSWERED, 20));
    assert_int_equal(fixture_effect(&f, EFFECT_OUTCOME, 0)->outcome, OUTCOME_ANSWERED);
    assert_int_equal(fixture_effect(&f, EFFECT_DROP_BODY, 0)->place.offset, 1);
    assert_null(fixture_effect(&f, EFFECT_DONE, 0));
    core_effects_clear(f.core);
    core_worker_gone(f.core, w, 30); /* not redelivered */
    assert_int_equal(fixture_effect(&f, EFFECT_OUTCOME, 0)->outcome, OUTCOME_EXPIRED);
    core_effects_clear(f.core);
    assert_int_equal(core_tick(f.core, 40), 3 + 2 * SECOND);
    core_tick(f.core, 4 + 2 * SECOND);
    assert_int_equal(fixture_effect(&f, EFFECT_DROP_BODY, 0)->place.offset, 3);
    assert_int_equal(fixture_effect(&f, EFFECT_DROP_BODY, 1)->place.offset, 4);
    core_figures(f.core, &figures);
    assert_int_equal(figures.volatiles, 0);
    assert_int_equal(core_ledger(f.core)->accepted, 1);
    assert_int_equal(figures.live, 1);
    core_free(&f.core);
}

static void
test_clients_are_bounded(void **state)
{
    struct fixture f = fixture_new(&test_limits);

    (void)state;
    fixture_accept(&f, 0, 0);
    for (uint64_t i = 1; i < 4; i++)
        assert_int_equal(core_client_hello(f.core, i, 0), i);
    assert_int_equal(core_client_hello(f.core, 77, 0), f.client);
    assert_int_equal(core_client_hello(f.core, 4, 0), CORE_NOBODY);
    core_client_heard(f.core, 1, 9 * SECOND);
    core_client_heard(f.core, 3, 9 * SECOND);
    assert_int_equal(core_client_hello(f.core, 4, 10 * SECOND), 2); /* silent, waits for nothing */
    assert_int_equal(core_client_hello(f.core, 5, 10 * SECOND), f.client); /* silent only */
    assert_int_equal(fixture_view(&f, 1).client, CORE_NOBODY);
    assert_int_equal(core_client_hello(f.core, 77, 10 * SECOND), CORE_NOBODY);
    core_client_gone(f.core, 3);
    assert_int_equal(core_client_hello(f.core, 77, 10 * SECOND), 3);
    core_free(&f.core);
}

static void
test_workers_are_bounded(void **state)
{
    struct fixture f = fixture_new(&test_limits);
    char name[80];

    (void)state;
    memset(name, 'n', sizeof(name));
    assert_int_equal(core_worker_ready(f.core, name, 65, 1, f.service, 0), CORE_NOBODY);
    assert_int_equal(core_worker_ready(f.core, name, 0, 1, f.service, 0), CORE_NOBODY);
    for (size_t i = 1; i <= 4; i++)
        assert_int_equal(core_worker_ready(f.core, name, i, 1, f.service, 0), i - 1);
    assert_int_equal(core_worker_ready(f.core, name, 9, 1, f.service, 0), CORE_NOBODY);
    assert_int_equal(core_worker_ready(f.core, name, 2, 1, f.service, 0), 1); /* again */
    core_worker_drain(f.core, 1);
    assert_non_null(fixture_effect(&f, EFFECT_DRAIN_WORKER, 0));
    core_worker_pull(f.core, 1, 9, 1 << 20, 0);
    accept_n(&f, 1);
    assert_int_equal(fixture_lease(&f, 1, 0), 0);
    core_free(&f.core);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_idle_longest_gets_all),
        cmocka_unit_test(test_credit_in_bytes),
        cmocka_unit_test(test_returned_go_to_the_front),
        cmocka_unit_test(test_kills_park),
        cmocka_unit_test(test_no_kill_before_durable),
        cmocka_unit_test(test_ways_to_end),
        cmocka_unit_test(test_hold_extend_jump),
        cmocka_unit_test(test_reports_that_do_not_count),
        cmocka_unit_test(test_window_and_caps),
        cmocka_unit_test(test_announcing),
        cmocka_unit_test(test_stalled),
        cmocka_unit_test(test_volatile),
        cmocka_unit_test(test_clients_are_bounded),
        cmocka_unit_test(test_workers_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
