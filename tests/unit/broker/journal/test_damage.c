/* Flipped bytes and missing files: what is lost is counted, what is intact is replayed, intake
 * opens, and the loss stands until it is acknowledged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "broker/journal/layout.h"
#include "tests/unit/broker/journal/files.h"
#include "tests/unit/broker/journal/fixture.h"

#define MESSAGES 60u

static int
verify_text(const struct fixture *f, bool json, char **ret_text)
{
    size_t size;
    FILE *out = open_memstream(ret_text, &size);
    int rc = journal_verify(f->dir, json, out);

    fclose(out);
    return rc;
}

/* Verify finds a fault of this rule in this file. */
static void
assert_fault(const struct fixture *f, const char *file, const char *rule)
{
    char *text, *line = NULL, wanted[100];

    assert_int_equal(verify_text(f, false, &text), 1);
    snprintf(wanted, sizeof(wanted), ": %s: ", rule);
    for (char *rest = text, *p = strsep(&rest, "\n"); p != NULL; p = strsep(&rest, "\n"))
        if (strncmp(p, file, strlen(file)) == 0 && strstr(p, wanted) != NULL)
            line = p;
    if (line == NULL)
        fprintf(stderr, "no %s of %s\n", rule, file);
    assert_non_null(line);
    free(text);
}

/* Sixty messages in batches of ten over several segments, the first five done; closed cleanly. */
static void
prepare(struct fixture *f)
{
    char *text;

    f->limits.segment_bytes = 16 * 1024;
    f->limits.max_bytes = 64 * 16 * 1024;
    f->limits.batch_bytes = 8 * 1024;
    assert_int_equal(fixture_open(f), 0);
    for (unsigned i = 1; i <= MESSAGES; i++) {
        assert_int_equal(fixture_message(f, 400, NULL), 0);
        if (i % 10 == 0)
            fixture_sync(f);
    }
    for (uint64_t seq = 1; seq <= 5; seq++)
        assert_int_equal(fixture_done(f, seq, OUTCOME_STORED), 0);
    fixture_sync(f);
    fixture_close(f);
    assert_int_equal(verify_text(f, false, &text), 0);
    free(text);
    f->strict = false;
}

/* Open after damage: accepted == finished + lost + living, whatever was hit. */
static void
assert_balance(struct fixture *f, uint64_t lost)
{
    uint64_t living = fixture_alive(f);

    assert_int_equal(f->replayed_damaged, lost);
    assert_int_equal(living + lost + 5, MESSAGES);
    assert_true(f->opened.damaged_messages >= lost);
    assert_int_equal(f->ledger.accepted, MESSAGES);
    assert_int_equal(f->ledger.by_outcome[OUTCOME_DAMAGED], lost);
}

static void
name_of(uint32_t segment, char ret[LAYOUT_NAME_SIZE])
{
    layout_name(segment, ret);
}

static void
test_record_flipped(void **state)
{
    struct fixture *f = *state;
    char name[LAYOUT_NAME_SIZE], corrupt[64];
    const struct journal_loss *losses;

    prepare(f);
    struct place place = f->known[17].place;
    name_of(place.segment, name);
    snprintf(corrupt, sizeof(corrupt), "%s.corrupt", name);
    fixture_flip(f, name, place.offset + 200);
    assert_fault(f, name, "record-crc");
    assert_int_equal(fixture_open(f), 0);
    assert_balance(f, 1);
    assert_false(f->known[17].alive);
    assert_true(f->known[16].alive && f->known[18].alive);
    assert_true(fixture_exists(f, corrupt));
    assert_non_null(strstr(f->why, name));
    assert_int_equal(journal_losses(f->journal, &losses), 1);
    assert_int_equal(losses[0].messages, 1);
    assert_int_equal(fixture_message(f, 100, NULL), 0); /* intake is open */
    fixture_sync(f);
    fixture_close(f);

    /* The same loss again is no second one; once acknowledged it stays known. */
    assert_int_equal(fixture_open(f), 0);
    assert_int_equal(f->opened.damaged_messages, 1);
    assert_int_equal(journal_acknowledge_loss(f->dir, "an operator"), 0);
    assert_int_equal(journal_losses(f->journal, &losses), 0);
    fixture_close(f);
    assert_int_equal(fixture_open(f), 0);
    assert_int_equal(f->opened.damaged_messages, 0);
    assert_int_equal(f->replayed_damaged, 1); /* the ledger still counts it */
}

static void
test_record_length_flipped(void **state)
{
    struct fixture *f = *state;
    char name[LAYOUT_NAME_SIZE];

    prepare(f);
    struct place place = f->known[33].place;
    name_of(place.segment, name);
    fixture_flip(f, name, place.offset + 1);
    assert_fault(f, name, "record-crc");
    assert_int_equal(fixture_open(f), 0);
    assert_balance(f, 1);
    assert_true(f->known[32].alive && !f->known[33].alive && f->known[34].alive);
}

static void
test_batch_header_flipped(void **state)
{
    struct fixture *f = *state;
    char name[LAYOUT_NAME_SIZE];

    prepare(f);
    struct place first = f->known[11].place; /* the first of its batch */
    name_of(first.segment, name);
    for (uint32_t at = 0; at < LAYOUT_BATCH_HEADER; at += 30)
        fixture_flip(f, name, first.offset - LAYOUT_BATCH_HEADER + at);
    assert_fault(f, name, "batch-header");
    assert_int_equal(fixture_open(f), 0);
    assert_balance(f, 0); /* every record of it is intact and found */
    fixture_check_bodies(f);
}

static void
test_batch_wiped(void **state)
{
    struct fixture *f = *state;
    char name[LAYOUT_NAME_SIZE];

    prepare(f);
    struct place first = f->known[11].place, last = f->known[20].place;
    name_of(first.segment, name);
    assert_int_equal(first.segment, last.segment);
    fixture_write(f, name, first.offset - LAYOUT_BATCH_HEADER, 0x5a,
                  last.offset + last.length - first.offset + LAYOUT_BATCH_HEADER);
    assert_fault(f, name, "batch-missing");
    assert_int_equal(fixture_open(f), 0);
    assert_balance(f, 10);
    for (uint64_t seq = 11; seq <= 20; seq++)
        assert_false(f->known[seq].alive);
}

static void
test_done_flipped(void **state)
{
    struct fixture *f = *state;
    struct fixture_end end;

    prepare(f);
    fixture_find_end(f, &end);
    fixture_flip(f, end.name, end.batch_offset + LAYOUT_BATCH_HEADER + 30);
    assert_fault(f, end.name, "record-crc"); /* a mark follows: damage, not a torn tail */
    assert_int_equal(fixture_open(f), 0);
    assert_int_equal(f->replayed_done, 4);
    assert_int_equal(f->replayed_damaged, 0);
    assert_int_equal(fixture_alive(f), MESSAGES - 4); /* one is handed out again */
}

static void
test_segment_header_flipped(void **state)
{
    struct fixture *f = *state;

    prepare(f);
    fixture_flip(f, "0000000001.seg", 60);
    assert_fault(f, "0000000001.seg", "header-crc");
    assert_int_equal(fixture_open(f), 0);
    assert_balance(f, 0);
    fixture_close(f);
    fixture_flip(f, "0000000001.seg", LAYOUT_HEADER_TWIN + 60);
    fixture_flip(f, "0000000002.seg", 60);
    fixture_flip(f, "0000000002.seg", LAYOUT_HEADER_TWIN + 60);
    assert_int_equal(fixture_open(f), 0);
    assert_balance(f, 0);
    fixture_check_bodies(f);
}

static void
test_middle_segment_missing(void **state)
{
    struct fixture *f = *state;
    char path[600];
    uint64_t lost = 0;

    prepare(f);
    uint32_t middle = f->known[30].place.segment;
    for (uint64_t seq = 1; seq <= MESSAGES; seq++)
        lost += f->known[seq].place.segment == middle;
    char name[LAYOUT_NAME_SIZE];
    name_of(middle, name);
    fixture_path(f, name, path, sizeof(path));
    assert_int_equal(unlink(path), 0);
    assert_fault(f, name, "segment-missing");
    assert_int_equal(fixture_open(f), 0);
    assert_balance(f, lost);
    assert_non_null(strstr(f->why, "missing"));
}

/* The head is gone: only a synced batch that names it proves that it was there. */
static void
test_head_missing(void **state)
{
    struct fixture *f = *state;
    char path[600];
    uint64_t lost = 0;

    prepare(f);
    for (uint64_t seq = 6; seq <= MESSAGES; seq++)
        lost += f->known[seq].place.segment == 1;
    assert_true(lost > 0);
    fixture_path(f, "0000000001.seg", path, sizeof(path));
    assert_int_equal(unlink(path), 0);
    assert_fault(f, "0000000001.seg", "segment-missing");
    assert_int_equal(fixture_open(f), 0);
    assert_int_equal(f->replayed_damaged, lost);
}

/* Every eleventh byte of what is in use, one at a time: nothing crashes, the books balance, verify
 * sees it, and nothing intact is lost. */
static void
test_flip_anywhere(void **state)
{
    struct fixture *f = *state;
    char name[LAYOUT_NAME_SIZE];

    prepare(f);
    struct fixture_end end;
    fixture_find_end(f, &end);
    for (uint64_t at = 0; at < 14000; at += at < LAYOUT_HEADER_BLOCK + 300 ? 37 : 411) {
        struct fixture copy;
        char *text;
        fixture_init(&copy);
        copy.strict = false;
        copy.limits = f->limits;
        folder_copy_all(f->dir, copy.dir);
        name_of(2, name);
        fixture_flip(&copy, name, at);
        int verified = verify_text(&copy, at % 2 == 0, &text);
        free(text);
        assert_int_equal(fixture_open(&copy), 0);
        uint64_t living = fixture_alive(&copy);
        assert_true(copy.replayed_damaged <= 1);
        assert_int_equal(living + copy.replayed_damaged + 5, MESSAGES);
        assert_true(verified == 1 || copy.replayed_damaged == 0);
        fixture_deinit(&copy);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_record_flipped, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_record_length_flipped, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_batch_header_flipped, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_batch_wiped, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_done_flipped, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_segment_header_flipped, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_middle_segment_missing, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_head_missing, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_flip_anywhere, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
