/* Space: recycling, keeping, the cap, the reserve, moving; and a random life with many restarts
 * compared with a naive reference. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "broker/journal/spare.h"
#include "tests/unit/broker/journal/fixture.h"

#define SEGMENT (16u * 1024)

static int
setup(void **state)
{
    fixture_setup(state);
    struct fixture *f = *state;
    f->limits.segment_bytes = SEGMENT;
    f->limits.batch_bytes = SEGMENT / 2;
    f->limits.max_bytes = 16 * SEGMENT;
    return 0;
}

static void
test_recycles(void **state)
{
    struct fixture *f = *state;
    struct journal_figures figures;
    uint64_t seq;

    assert_int_equal(fixture_open(f), 0);
    for (int i = 0; i < 3000; i++) {
        assert_int_equal(fixture_message(f, 300, &seq), 0);
        assert_int_equal(fixture_done(f, seq, OUTCOME_STORED), 0);
    }
    fixture_sync(f);
    journal_figures(f->journal, &figures);
    assert_true(figures.appended_bytes > 60 * SEGMENT);
    assert_true(figures.bytes <= f->limits.max_bytes);
    assert_int_equal(figures.live_bytes, 0);
    fixture_kill(f);
    assert_int_equal(fixture_open(f), 0);
    assert_int_equal(fixture_alive(f), 0);
    assert_int_equal(f->opened.next_seq, 3001);
    assert_true(f->replayed_messages < 200); /* finished segments are not replayed */
    assert_int_equal(f->base.by_outcome[OUTCOME_STORED] + f->replayed_done, 3000);
}

/* Finished segments stay for a while, and their done records can be walked. */
static void
test_keeps(void **state)
{
    struct fixture *f = *state;
    static struct record records[64];
    uint64_t seq, cursor = 0, expected = 1;

    f->limits.keep_bytes = 6 * SEGMENT;
    f->limits.keep_us = INT64_MAX;
    assert_int_equal(fixture_open(f), 0);
    for (int i = 0; i < 150; i++) {
        assert_int_equal(fixture_message(f, 300, &seq), 0);
        assert_int_equal(fixture_done(f, seq, OUTCOME_STORED), 0);
    }
    fixture_sync(f);
    fixture_close(f);
    assert_int_equal(fixture_open(f), 0);
    for (;;) {
        size_t n = journal_done_after(f->journal, cursor, records, 64, &cursor);
        if (n == 0)
            break;
        for (size_t i = 0; i < n; i++, expected++) {
            assert_int_equal(records[i].seq, expected);
            assert_int_equal(records[i].attempt, OUTCOME_STORED);
        }
    }
    assert_int_equal(expected, 151);
    /* What comes later is found behind the same cursor. */
    assert_int_equal(fixture_message(f, 10, &seq), 0);
    assert_int_equal(fixture_done(f, seq, OUTCOME_REJECTED), 0);
    fixture_sync(f);
    assert_int_equal(journal_done_after(f->journal, cursor, records, 64, &cursor), 1);
    assert_int_equal(records[0].seq, seq);
    assert_int_equal(journal_done_after(f->journal, cursor, records, 64, &cursor), 0);
}

static void
fill(struct fixture *f)
{
    int rc;

    do {
        rc = fixture_message(f, 1000, NULL);
    } while (rc == JOURNAL_OK);
    assert_int_equal(rc, JOURNAL_FULL);
    fixture_sync(f);
}

static void
test_cap_and_reserve(void **state)
{
    struct fixture *f = *state;
    struct journal_figures figures;

    assert_int_equal(fixture_open(f), 0);
    fill(f);
    journal_figures(f->journal, &figures);
    assert_true(figures.full || figures.spare_segments == SPARE_RESERVE);
    assert_true(figures.bytes <= f->limits.max_bytes);
    assert_int_equal(figures.spare_segments, SPARE_RESERVE);
    assert_int_equal(journal_room(f->journal, 1, 2000), JOURNAL_FULL);
    assert_int_equal(journal_room(f->journal, 0, 2000), JOURNAL_OK);
    size_t alive = fixture_alive(f);
    assert_true(alive > 130);

    /* At the cap a restart finds everything and the reserve still stands. */
    for (int i = 0; i < 3; i++) {
        fixture_kill(f);
        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(fixture_alive(f), alive);
        journal_figures(f->journal, &figures);
        assert_true(figures.spare_segments >= SPARE_RESERVE);
    }

    /* Done records go in, the head leaves, intake opens again. */
    for (uint64_t seq = 1; seq < f->next_seq; seq++)
        if (f->known[seq].alive)
            assert_int_equal(fixture_done(f, seq, OUTCOME_STORED), 0);
    fixture_sync(f);
    int rc = JOURNAL_FULL;
    for (int tries = 0; rc != JOURNAL_OK && tries < 1000; tries++) {
        rc = fixture_message(f, 1000, NULL);
        fixture_sync(f);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL); /* the preparer recycles */
    }
    assert_int_equal(rc, JOURNAL_OK);
}

/* One old message in front of many finished ones: it is moved, the space comes back, and it is
 * still there after a crash. */
static void
test_moves_survivors(void **state)
{
    struct fixture *f = *state;
    uint64_t seq, old;
    size_t moved = 0;

    assert_int_equal(fixture_open(f), 0);
    assert_int_equal(fixture_message(f, 700, &old), 0);
    for (int i = 0; i < 4000; i++) {
        assert_int_equal(fixture_message(f, 300, &seq), 0);
        assert_int_equal(fixture_done(f, seq, OUTCOME_STORED), 0);
        if (i % 50 == 0)
            moved += fixture_move(f);
    }
    assert_true(moved > 3);
    fixture_sync(f);
    struct journal_figures figures;
    journal_figures(f->journal, &figures);
    assert_true(figures.bytes <= f->limits.max_bytes);
    assert_true(figures.segments < 12);
    fixture_check_bodies(f);
    fixture_kill(f);
    assert_int_equal(fixture_open(f), 0);
    assert_int_equal(fixture_alive(f), 1);
    assert_true(f->known[old].alive);
    fixture_check_bodies(f);
    assert_int_equal(f->base.accepted >= 1, 1);
}

/* Moving gets a journal out of FULL that holds dead space behind a living head. */
static void
test_moves_at_the_cap(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fixture_open(f), 0);
    fill(f);
    for (uint64_t seq = 1; seq < f->next_seq; seq++)
        if (seq % 4 != 0)
            assert_int_equal(fixture_done(f, seq, OUTCOME_STORED), 0);
    fixture_sync(f);
    size_t alive = fixture_alive(f);
    for (int i = 0; i < 200 && journal_room(f->journal, 1, 1200) != JOURNAL_OK; i++) {
        fixture_move(f);
        fixture_sync(f);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL); /* the preparer recycles */
    }
    assert_int_equal(journal_room(f->journal, 1, 1200), JOURNAL_OK);
    fixture_kill(f);
    assert_int_equal(fixture_open(f), 0);
    assert_int_equal(fixture_alive(f), alive);
    fixture_check_bodies(f);
}

static uint32_t
dice(uint64_t *seed, uint32_t sides)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*seed >> 33) % sides;
}

static void
random_step(struct fixture *f, uint64_t *seed)
{
    uint32_t what = dice(seed, 100);
    uint64_t seq;

    if (what < 45) {
        uint32_t n = 1 + dice(seed, 12);
        uint32_t sizes[] = {0, 30, 300, 1200, 5000};
        for (uint32_t i = 0; i < n; i++) {
            int rc = fixture_message(f, sizes[dice(seed, 5)], NULL);
            assert_true(rc == JOURNAL_OK || rc == JOURNAL_FULL);
        }
    } else if (what < 85 && f->next_seq > 1) {
        uint32_t n = 1 + dice(seed, 15);
        for (uint32_t i = 0; i < n; i++) {
            seq = 1 + dice(seed, (uint32_t)(f->next_seq - 1));
            if (f->known[seq].alive)
                assert_int_equal(fixture_done(f, seq, (uint8_t)(1 + dice(seed, 4))), 0);
        }
    } else if (what < 90) {
        for (seq = f->next_seq - 1; seq > 0; seq--) /* the workers catch up */
            if (f->known[seq].alive && dice(seed, 8) != 0)
                assert_int_equal(fixture_done(f, seq, OUTCOME_STORED), 0);
    } else {
        fixture_sync(f);
    }
    fixture_move(f);
    if (dice(seed, 3) == 0)
        journal_hand_over(f->journal, &f->ledger);
}

static void
test_random_life(void **state)
{
    struct fixture *f = *state;
    const char *given = getenv("SLUICE_TEST_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL), finished;
    char *text;
    size_t size;

    printf("seed %llu (SLUICE_TEST_SEED repeats it)\n", (unsigned long long)seed);
    fflush(stdout);
    f->limits.max_bytes = 40 * SEGMENT;
    assert_int_equal(fixture_open(f), 0);
    for (int life = 0; life < 40; life++) {
        uint32_t steps = 1 + dice(&seed, 40);
        f->limits.keep_bytes = dice(&seed, 2) * 4 * SEGMENT;
        f->limits.keep_us = INT64_MAX;
        for (uint32_t i = 0; i < steps; i++)
            random_step(f, &seed);
        fixture_check_bodies(f);
        if (dice(&seed, 3) != 0) {
            fixture_kill(f);
        } else {
            fixture_sync(f);
            fixture_close(f);
        }
        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(f->opened.damaged_messages, 0);
        fixture_check_bodies(f);
        /* The books: what the header says and what was replayed after it balance (invariants 11),
         * whichever segment replay began at. */
        finished = 0;
        for (unsigned i = 0; i < OUTCOME_LIMIT; i++)
            finished += f->ledger.by_outcome[i];
        assert_int_equal(f->ledger.accepted, finished + fixture_alive(f));
        assert_true(f->base.last_seq < f->opened.next_seq);
    }
    fixture_close(f);
    FILE *out = open_memstream(&text, &size);
    int verified = journal_verify(f->dir, true, out);
    fclose(out);
    if (verified != 0)
        fprintf(stderr, "%s%s\n", text, f->dir);
    free(text);
    assert_int_equal(verified, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_recycles, setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_keeps, setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_cap_and_reserve, setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_moves_survivors, setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_moves_at_the_cap, setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_random_life, setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
