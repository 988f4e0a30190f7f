/* The books: what balances, and that every way of not balancing is told. */
#include "client/ctl/books.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "tests/unit/cmocka_all.h"

/* Epoch 3 of a broker that crashed twice: epoch 1 was durable to 10, epoch 2 to 20. */
static void
setting(struct books *b)
{
    books_init(b);
    b->epoch = 3;
    b->last_seq = 30;
    books_epoch_add(b, 1, 10);
    books_epoch_add(b, 2, 20);
}

static void
row(struct books *b, uint64_t epoch, uint64_t seq, enum origin_kind kind)
{
    struct reconcile_row r = {.epoch = epoch, .seq = seq, .kind = kind, .study = "NCT007"};

    books_row_add(b, &r);
}

static void
test_balanced(void **state)
{
    struct books b;

    (void)state;
    setting(&b);
    b.accepted = 9;
    b.live = 2;
    b.by_outcome[OUTCOME_STORED] = 2;
    b.by_outcome[OUTCOME_REJECTED] = 1;
    b.by_outcome[OUTCOME_CONFLICT] = 1;
    b.by_outcome[OUTCOME_HELD] = 1;
    b.by_outcome[OUTCOME_DUPLICATE] = 1;
    b.by_outcome[OUTCOME_DEAD] = 1;
    assert_true(books_live_add(&b, 2, 15, true));
    assert_true(books_live_add(&b, 3, 25, false));
    assert_true(books_live_add(&b, 3, 26, false));
    row(&b, 1, 10, ORIGIN_STORED);
    row(&b, 1, 11, ORIGIN_STORED); /* unacknowledged */
    row(&b, 1, 25, ORIGIN_STORED); /* unacknowledged: not the live one of epoch 3 */
    row(&b, 2, 11, ORIGIN_REJECTED);
    row(&b, 2, 15, ORIGIN_STORED); /* dead */
    row(&b, 2, 20, ORIGIN_CONFLICT);
    row(&b, 3, 21, ORIGIN_HELD);
    row(&b, 3, 25, ORIGIN_STORED); /* live */
    row(&b, 3, 30, ORIGIN_STORED);
    assert_true(books_judge(&b));
    assert_int_equal(b.n_faults, 0);
    assert_int_equal(books_sum(&b), 9);
    assert_int_equal(b.rows[ORIGIN_STORED], 2);
    assert_int_equal(b.rows_unacknowledged, 2);
    assert_int_equal(b.listed[1].seq, 25);
    assert_int_equal(b.rows_live, 1);
    assert_int_equal(b.rows_dead, 1);
    books_deinit(&b);
}

/* Each fault alone, on top of what balances. */
enum trouble {
    LOST_ROW,
    SPARE_ROW,
    EQUATION,
    TWICE,
    EPOCH_AHEAD,
    SEQ_AHEAD,
    EPOCH_ZERO,
    DUPLICATE_OF_NOTHING,
    DAMAGE,
    TROUBLES
};

static void
test_each_fault(void **state)
{
    static const char *const words[TROUBLES] = {
        [LOST_ROW] = "2 stored by the ledger but 1 rows",
        [SPARE_ROW] = "1 rows more than the ledger knows of",
        [EQUATION] = "accepted 4 but its parts add up to 3",
        [TWICE] = "1 origins have more than one row",
        [EPOCH_AHEAD] = "1 rows of origins this broker never gave",
        [SEQ_AHEAD] = "1 rows of origins this broker never gave",
        [EPOCH_ZERO] = "1 rows of origins this broker never gave",
        [DUPLICATE_OF_NOTHING] = "1 duplicates of what is not stored",
        [DAMAGE] = "1 messages lost to damage and not acknowledged",
    };

    (void)state;
    for (int t = 0; t < TROUBLES; t++) {
        struct books b;
        setting(&b);
        b.accepted = t == EQUATION ? 4 : 3;
        b.by_outcome[OUTCOME_STORED] = 2;
        b.by_outcome[OUTCOME_DUPLICATE] = 1;
        b.duplicates = 1;
        b.duplicates_not_stored = t == DUPLICATE_OF_NOTHING;
        b.unacknowledged_damage = t == DAMAGE;
        if (t == EPOCH_ZERO)
            row(&b, 0, 5, ORIGIN_STORED);
        row(&b, 1, 1, ORIGIN_STORED);
        if (t == TWICE)
            row(&b, 1, 1, ORIGIN_REJECTED);
        if (t != LOST_ROW)
            row(&b, 3, 30, ORIGIN_STORED);
        if (t == SPARE_ROW)
            row(&b, 3, 29, ORIGIN_HELD);
        if (t == SEQ_AHEAD)
            row(&b, 3, 31, ORIGIN_STORED);
        if (t == EPOCH_AHEAD)
            row(&b, 4, 31, ORIGIN_STORED);
        assert_false(books_judge(&b));
        assert_int_equal(b.n_faults, 1);
        assert_non_null(strstr(b.faults[0], words[t]));
        books_deinit(&b);
    }
}

/* A done record that damage swallowed leaves a row under no heading; only so many. */
static void
test_rows_of_damaged_messages(void **state)
{
    struct books b;

    (void)state;
    setting(&b);
    b.accepted = 1;
    b.by_outcome[OUTCOME_DAMAGED] = 1;
    row(&b, 1, 1, ORIGIN_STORED);
    assert_true(books_judge(&b));
    row(&b, 1, 2, ORIGIN_STORED);
    assert_false(books_judge(&b));
    books_deinit(&b);
}

/* An epoch so old that the broker forgot it acknowledges its rows; the list stops at its bound. */
static void
test_bounds(void **state)
{
    struct books b;

    (void)state;
    setting(&b);
    b.epoch = 9;
    row(&b, 5, 100, ORIGIN_STORED);
    assert_int_equal(b.rows[ORIGIN_STORED], 1);
    for (uint64_t seq = 21; seq <= 21 + BOOKS_LISTED_MAX; seq++)
        row(&b, 2, seq, ORIGIN_STORED);
    assert_int_equal(b.rows_unacknowledged, BOOKS_LISTED_MAX + 1);
    assert_int_equal(b.listed[BOOKS_LISTED_MAX - 1].seq, 20 + BOOKS_LISTED_MAX);
    b.n_lives = BOOKS_LIVE_MAX;
    assert_false(books_live_add(&b, 9, 1, false));
    b.n_lives = 0;
    books_deinit(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_balanced),
        cmocka_unit_test(test_each_fault),
        cmocka_unit_test(test_rows_of_damaged_messages),
        cmocka_unit_test(test_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
