/* What a crash leaves, and what the next start makes of it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "broker/journal/layout.h"
#include "tests/unit/broker/journal/files.h"
#include "tests/unit/broker/journal/fixture.h"

static int
verify_quiet(const struct fixture *f)
{
    FILE *out = fopen("/dev/null", "w");
    int rc = journal_verify(f->dir, false, out);

    fclose(out);
    return rc;
}

static void
test_killed_at_any_moment(void **state)
{
    struct fixture *f = *state;
    uint64_t seq;

    assert_int_equal(fixture_open(f), 0);
    for (int round = 0; round < 40; round++) {
        int n = 1 + round % 7;
        for (int i = 0; i < n; i++)
            assert_int_equal(fixture_message(f, (uint32_t)(100 + 400 * (i % 5)), &seq), 0);
        if (round % 3 != 0)
            fixture_sync(f);
        for (uint64_t s = 1; s < f->next_seq && round % 2 == 0; s += 3)
            if (f->known[s].alive)
                assert_int_equal(fixture_done(f, s, OUTCOME_STORED), 0);
        if (round % 4 == 0)
            journal_hand_over(f->journal, &f->ledger); /* and not waited for */
        fixture_kill(f);
        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(f->opened.epoch, (uint64_t)round + 2);
        assert_int_equal(f->opened.damaged_messages, 0);
        fixture_check_bodies(f);
    }
    fixture_close(f);
    assert_int_equal(verify_quiet(f), 0);
}

/* A folder whose last batch holds five messages and has no mark behind it. */
static void
tail_prepare(struct fixture *f, struct fixture_end *ret_end)
{
    assert_int_equal(fixture_open(f), 0);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(fixture_message(f, 50, NULL), 0);
        if (i % 5 == 4)
            fixture_sync(f);
    }
    fixture_close(f);
    fixture_find_end(f, ret_end);
    assert_int_not_equal(ret_end->mark_offset, 0);
    assert_int_equal(ret_end->records, 5);
    fixture_write(f, ret_end->name, ret_end->mark_offset, 0, LAYOUT_BLOCK);
}

/* Whatever prefix of the last batch reached the disk, with zeros or old bytes behind it: its intact
 * messages live, the rest is cut, nothing is called damaged, now or at any later start. */
static void
torn_at(const struct fixture *origin, const struct fixture_end *end, uint64_t at, uint8_t filler)
{
    struct fixture f;
    uint64_t records_at = end->batch_offset + LAYOUT_BATCH_HEADER;
    uint64_t one = (end->batch_end - records_at) / 5;
    uint64_t intact = at <= records_at ? 0 : (at - records_at) / one;

    fixture_init(&f);
    f.strict = false;
    f.limits = origin->limits;
    folder_copy_all(origin->dir, f.dir);
    fixture_write(&f, end->name, at, filler, end->batch_end - at);
    assert_int_equal(fixture_open(&f), 0);
    assert_int_equal(f.replayed_messages, 15 + intact);
    assert_int_equal(f.opened.next_seq, 16 + intact);
    assert_int_equal(f.replayed_damaged, 0);
    if (at > end->batch_offset + LAYOUT_BATCH_HEADER) {
        char torn[64];
        snprintf(torn, sizeof(torn), "%s.torn", end->name);
        assert_true(f.opened.torn_bytes > 0);
        assert_true(fixture_exists(&f, torn));
        assert_non_null(strstr(f.why, end->name));
    }
    assert_int_equal(fixture_message(&f, 60, NULL), 0);
    fixture_sync(&f);
    fixture_close(&f);
    assert_int_equal(verify_quiet(&f), 0);
    assert_int_equal(fixture_open(&f), 0);
    assert_int_equal(f.replayed_messages, 16 + intact);
    assert_int_equal(f.opened.torn_bytes, 0);
    assert_null(f.why);
    fixture_deinit(&f);
}

static void
test_torn_at_every_byte(void **state)
{
    struct fixture *f = *state;
    struct fixture_end end;

    f->limits.segment_bytes = 16 * 1024;
    f->limits.max_bytes = 16 * 16 * 1024;
    f->limits.batch_bytes = 8 * 1024;
    tail_prepare(f, &end);
    for (uint64_t at = end.batch_offset; at < end.batch_end; at += at % 2 == 0 ? 1 : 6)
        torn_at(f, &end, at, at % 4 < 2 ? 0 : 0xa5);
}

/* The crash came while the batch held back was being written again. */
static void
test_crash_while_opening(void **state)
{
    struct fixture *f = *state;
    struct fixture_end end;

    tail_prepare(f, &end);
    assert_int_equal(fixture_open(f), 0);
    assert_int_equal(fixture_alive(f), 20);
    fixture_close(f);
    struct fixture_end again;
    fixture_find_end(f, &again);
    assert_string_not_equal(again.name, end.name);
    assert_int_equal(again.records, 5);
    fixture_write(f, again.name, again.mark_offset, 0, LAYOUT_BLOCK);
    fixture_write(f, again.name, again.batch_offset + LAYOUT_BATCH_HEADER + 10, 0, 100);
    /* Both copies say that they are batch n, and nothing of the second is intact: the first one is
     * whole and may have been acknowledged. */
    assert_int_equal(fixture_open(f), 0);
    assert_int_equal(fixture_alive(f), 20);
    assert_int_equal(f->opened.damaged_messages, 0);
    assert_true(f->opened.torn_bytes > 0);
    fixture_check_bodies(f);
    fixture_close(f);
    assert_int_equal(verify_quiet(f), 0);

    /* As it would be if the new segment's batch had not been written at all, but its header. */
    struct fixture_end third;
    fixture_find_end(f, &third);
    fixture_write(f, third.name, third.batch_offset, 0,
                  third.mark_offset - third.batch_offset + LAYOUT_BLOCK);
    assert_int_equal(fixture_open(f), 0);
    assert_int_equal(fixture_alive(f), 20);
    assert_int_equal(f->opened.damaged_messages, 0);
}

/* A header whose batch is missing: the batch before it is whole and is written again. */
static void
test_header_without_batch(void **state)
{
    struct fixture *f = *state;
    struct fixture_end end, again;

    tail_prepare(f, &end);
    assert_int_equal(fixture_open(f), 0);
    fixture_close(f);
    fixture_find_end(f, &again);
    fixture_write(f, again.name, again.batch_offset, 0,
                  again.mark_offset + LAYOUT_BLOCK - again.batch_offset);
    assert_int_equal(fixture_open(f), 0);
    assert_int_equal(fixture_alive(f), 20);
    assert_int_equal(f->opened.next_seq, 21);
    fixture_check_bodies(f);
    fixture_close(f);
    assert_int_equal(verify_quiet(f), 0);
}

static void
test_epochs(void **state)
{
    struct fixture *f = *state;
    const struct journal_epoch *epochs;

    for (int i = 0; i < 3; i++) {
        assert_int_equal(fixture_open(f), 0);
        for (int k = 0; k < 10; k++)
            assert_int_equal(fixture_message(f, 10, NULL), 0);
        fixture_sync(f);
        fixture_kill(f);
    }
    /* A torn entry at the end, as of a crash while the epoch was raised. */
    char path[600];
    fixture_path(f, "epochs", path, sizeof(path));
    FILE *file = fopen(path, "a");
    fwrite("garbage", 1, 7, file);
    fclose(file);
    assert_int_equal(fixture_open(f), 0);
    assert_int_equal(f->opened.epoch, 4);
    size_t n = journal_epochs(f->journal, &epochs);
    assert_int_equal(n, 4);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(epochs[i].epoch, i + 1);
        assert_int_equal(epochs[i].first_seq, 1 + 10 * i);
        assert_int_equal(epochs[i].last_seq, 10 + 10 * i);
    }
    assert_int_equal(epochs[3].first_seq, 31);
    fixture_close(f);
    /* Without its table the epoch still rises: segment headers know it. */
    remove(path);
    assert_int_equal(fixture_open(f), 0);
    assert_int_equal(f->opened.epoch, 5);
}

static void
test_folder(void **state)
{
    struct fixture *f = *state;
    struct fixture other;
    char path[600];

    assert_int_equal(fixture_open(f), 0);
    fixture_init(&other);
    folder_remove_all(other.dir);
    memcpy(other.dir, f->dir, sizeof(other.dir));
    assert_int_equal(fixture_open(&other), JOURNAL_LOCKED);
    assert_non_null(other.why);
    free(other.why);
    other.why = NULL;
    fixture_close(f);
    assert_int_equal(fixture_open(f), 0);
    fixture_close(f);

    /* A newer format is not touched. */
    fixture_path(f, "journal", path, sizeof(path));
    FILE *file = fopen(path, "r+");
    fputs("sluice-journal format=2", file);
    fclose(file);
    assert_int_equal(fixture_open(f), JOURNAL_FOREIGN);
    /* Segments without an identity neither. */
    remove(path);
    assert_int_equal(fixture_open(f), JOURNAL_FOREIGN);

    f->limits.max_bytes = 3 * (uint64_t)f->limits.segment_bytes;
    assert_int_equal(fixture_open(f), -EINVAL);
}

/* Segments of another size than configured now are read, and not recycled. */
static void
test_segment_size_changes(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fixture_open(f), 0);
    for (int i = 0; i < 200; i++)
        assert_int_equal(fixture_message(f, 1000, NULL), 0);
    fixture_kill(f);
    f->limits.segment_bytes = 16 * 1024;
    f->limits.batch_bytes = 4 * 1024;
    assert_int_equal(fixture_open(f), 0);
    assert_true(fixture_alive(f) > 150);
    for (uint64_t s = 1; s < f->next_seq; s++)
        if (f->known[s].alive)
            assert_int_equal(fixture_done(f, s, OUTCOME_STORED), 0);
    for (int i = 0; i < 200; i++) {
        uint64_t seq;
        assert_int_equal(fixture_message(f, 1000, &seq), 0);
        assert_int_equal(fixture_done(f, seq, OUTCOME_STORED), 0);
    }
    fixture_sync(f);
    fixture_kill(f);
    assert_int_equal(fixture_open(f), 0);
    assert_int_equal(fixture_alive(f), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_killed_at_any_moment, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_torn_at_every_byte, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_crash_while_opening, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_header_without_batch, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_epochs, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_folder, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_segment_size_changes, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
