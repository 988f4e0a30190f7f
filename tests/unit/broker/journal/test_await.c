/* Sleeping through what nobody waits for: what rings, what does not, and that nothing awaited is
 * overslept, at whatever moment the writer gets done. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/broker/journal/files.h"
#include "tests/unit/broker/journal/fixture.h"

#define STUCK_MS 20000
#define ROUNDS 3000

static bool
rings_within(struct fixture *f, int ms)
{
    struct pollfd p = {.fd = journal_fd(f->journal), .events = POLLIN};

    return poll(&p, 1, ms) == 1;
}

static uint64_t
look(struct fixture *f)
{
    uint64_t durable = 0;

    assert_int_equal(journal_turn(f->journal, &durable), JOURNAL_OK);
    return durable;
}

/* Appends and hands over one message to a writer at rest. */
static uint64_t
write_one(struct fixture *f)
{
    uint64_t seq;

    assert_int_equal(fixture_message(f, 100, &seq), 0);
    journal_hand_over(f->journal, &f->ledger);
    return seq;
}

/* Until all that was handed over is synced; asks the journal, which needs no ring for it. */
static void
wait_synced(struct fixture *f)
{
    struct journal_figures figures;

    do {
        sched_yield();
        journal_figures(f->journal, &figures);
    } while (figures.syncs < figures.batches);
}

static void
opened(struct fixture *f)
{
    assert_int_equal(fixture_open(f), 0);
    fixture_sync(f);
    /* The preparer rings on its own, until it has made what it wants. */
    struct journal_figures figures;
    do {
        sched_yield();
        journal_figures(f->journal, &figures);
    } while (figures.spare_segments < 2);
    look(f);
}

static void
test_rings_for_what_is_awaited(void **state)
{
    struct fixture *f = *state;

    opened(f);
    uint64_t seq = write_one(f); /* nobody said anything: every write rings */
    assert_true(rings_within(f, STUCK_MS));
    assert_int_equal(look(f), seq);

    assert_false(journal_await(f->journal, UINT64_MAX));
    seq = write_one(f);
    wait_synced(f);
    assert_false(rings_within(f, 0));
    assert_true(journal_has_news(f->journal));
    assert_int_equal(look(f), seq);
    assert_false(journal_has_news(f->journal));

    assert_false(journal_await(f->journal, seq + 2));
    write_one(f);
    wait_synced(f);
    assert_false(rings_within(f, 0));
    seq = write_one(f);
    assert_true(rings_within(f, STUCK_MS));
    assert_int_equal(look(f), seq);

    assert_false(journal_await(f->journal, 0)); /* whatever comes next */
    assert_int_equal(fixture_done(f, seq, OUTCOME_STORED), 0);
    journal_hand_over(f->journal, &f->ledger);
    assert_true(rings_within(f, STUCK_MS));
    assert_int_equal(look(f), seq);
}

/* It became durable between the last look and the wish to sleep. */
static void
test_what_is_there_is_not_slept_on(void **state)
{
    struct fixture *f = *state;

    opened(f);
    assert_false(journal_await(f->journal, UINT64_MAX));
    uint64_t seq = write_one(f);
    wait_synced(f);
    assert_true(journal_await(f->journal, 0));
    assert_true(journal_await(f->journal, seq));
    assert_false(journal_await(f->journal, seq + 1));
    assert_int_equal(look(f), seq);
    assert_false(journal_await(f->journal, 0));
}

/* Whoever found the batch full or the writer at work need not know of a sequence. */
static void
test_who_was_put_off_is_rung_for(void **state)
{
    struct fixture *f = *state;
    struct journal_figures figures;

    opened(f);
    for (int i = 0; i < ROUNDS; i++) {
        assert_false(journal_await(f->journal, UINT64_MAX));
        write_one(f);
        assert_int_equal(fixture_message(f, 100, NULL), 0);
        journal_hand_over(f->journal, &f->ledger);
        while (journal_gathered_anything(f->journal)) { /* the writer was at work */
            assert_true(journal_await(f->journal, UINT64_MAX) || rings_within(f, STUCK_MS));
            look(f);
            journal_hand_over(f->journal, &f->ledger);
        }
        wait_synced(f);
        rings_within(f, 0);
        look(f);
    }
    assert_int_equal(journal_room(f->journal, 1, f->limits.batch_bytes), JOURNAL_OK);
    assert_int_equal(fixture_message(f, 100, NULL), 0);
    assert_int_equal(journal_room(f->journal, 1, f->limits.batch_bytes), JOURNAL_BUSY);
    assert_false(journal_await(f->journal, UINT64_MAX));
    journal_hand_over(f->journal, &f->ledger);
    assert_true(rings_within(f, STUCK_MS));
    journal_figures(f->journal, &figures);
    assert_int_equal(figures.syncs, figures.batches);
}

/* The way the reactor sleeps, against a writer that gets done before, between and after. */
static void
test_no_sync_is_overslept(void **state)
{
    struct fixture *f = *state;
    uint64_t slept = 0;

    opened(f);
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t seq = write_one(f), durable = 0;
        for (unsigned n = i % 64; n > 0; n--)
            sched_yield();
        while (durable < seq) {
            if (!journal_await(f->journal, seq)) {
                slept++;
                assert_true(rings_within(f, STUCK_MS));
            }
            durable = look(f);
        }
        assert_int_equal(durable, seq);
        assert_false(journal_await(f->journal, UINT64_MAX));
    }
    assert_true(slept > 0);
}

static void
test_a_failure_rings(void **state)
{
    struct fixture *f = *state;
    uint64_t durable = 0;
    int full = open("/dev/full", O_RDWR | O_CLOEXEC);

    opened(f);
    fixture_break_tail(f, full);
    close(full);
    assert_false(journal_await(f->journal, UINT64_MAX));
    write_one(f);
    assert_true(rings_within(f, STUCK_MS));
    assert_true(journal_has_news(f->journal));
    assert_true(journal_await(f->journal, UINT64_MAX));
    assert_int_equal(journal_turn(f->journal, &durable), JOURNAL_FAILED);
    f->strict = false;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_rings_for_what_is_awaited, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_what_is_there_is_not_slept_on, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_who_was_put_off_is_rung_for, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_no_sync_is_overslept, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_a_failure_rings, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
