/* The journal while it runs: append, hand over, read from all three sources, roll, limits. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/broker/journal/files.h"
#include "tests/unit/broker/journal/fixture.h"

static void
test_round_trip(void **state)
{
    struct fixture *f = *state;
    uint64_t seq;

    assert_int_equal(fixture_open(f), 0);
    assert_int_equal(f->opened.epoch, 1);
    assert_int_equal(f->opened.next_seq, 1);
    for (int i = 0; i < 100; i++)
        assert_int_equal(fixture_message(f, 200, &seq), 0);
    fixture_sync(f);
    for (uint64_t s = 1; s <= 50; s++)
        assert_int_equal(fixture_done(f, s, OUTCOME_STORED), 0);
    fixture_sync(f);
    fixture_close(f);

    assert_int_equal(fixture_open(f), 0);
    assert_int_equal(f->opened.epoch, 2);
    assert_int_equal(f->opened.next_seq, 101);
    assert_int_equal(fixture_alive(f), 50);
    assert_int_equal(f->replayed_messages, 100);
    assert_int_equal(f->replayed_done, 50);
    assert_int_equal(f->opened.torn_bytes, 0);
    assert_null(f->why);
    fixture_check_bodies(f);
}

/* The same bytes whether a record gathers, is being written, or lies in the file; many at once, in
 * any order, neighbours or not. */
static void
test_reads_from_everywhere(void **state)
{
    struct fixture *f = *state;
    static uint8_t expected[1 << 20], got[1 << 20];
    struct place places[400];
    size_t at = 0, n = 0;

    assert_int_equal(fixture_open(f), 0);
    for (int i = 0; i < 300; i++)
        assert_int_equal(fixture_message(f, (uint32_t)(i % 7) * 150, NULL), 0);
    fixture_sync(f);
    for (int i = 0; i < 6; i++)
        assert_int_equal(fixture_message(f, 333, NULL), 0);
    journal_hand_over(f->journal, &f->ledger); /* being written, or just written */
    for (int i = 0; i < 6; i++)
        assert_int_equal(fixture_message(f, 444, NULL), 0); /* gathering */
    fixture_check_bodies(f);
    for (uint64_t seq = 1; seq < f->next_seq; seq += seq % 50 == 0 ? 9 : 1) {
        places[n++] = f->known[seq].place;
        at += fixture_record(f, seq, expected + at, sizeof(expected) - at);
    }
    assert_int_equal(journal_read_many(f->journal, places, n, got), 0);
    assert_memory_equal(expected, got, at);

    /* Backwards: no neighbours at all. */
    at = 0;
    n = 0;
    for (uint64_t seq = f->next_seq - 1; seq > 0; seq--) {
        places[n++] = f->known[seq].place;
        at += fixture_record(f, seq, expected + at, sizeof(expected) - at);
    }
    assert_int_equal(journal_read_many(f->journal, places, n, got), 0);
    assert_memory_equal(expected, got, at);
}

static void
test_read_of_damaged_bytes(void **state)
{
    struct fixture *f = *state;
    uint8_t got[4096];
    char name[32];

    assert_int_equal(fixture_open(f), 0);
    for (int i = 0; i < 100; i++)
        assert_int_equal(fixture_message(f, 1000, NULL), 0);
    fixture_sync(f);
    snprintf(name, sizeof(name), "%010u.seg", f->known[3].place.segment);
    fixture_flip(f, name, f->known[3].place.offset + 500);
    assert_int_equal(journal_read(f->journal, f->known[3].place, got), JOURNAL_FAILED);
    assert_non_null(strstr(journal_error_text(f->journal), name));
    assert_int_equal(journal_read(f->journal, f->known[4].place, got), 0);
}

static void
test_limits(void **state)
{
    struct fixture *f = *state;
    uint32_t most;

    assert_int_equal(fixture_open(f), 0);
    most = journal_record_max(f->journal);
    assert_int_equal(most, f->limits.batch_bytes);
    assert_int_equal(fixture_message(f, most, NULL), -EMSGSIZE);
    uint32_t head = RECORD_HEADER_BYTES + 11 + 6;
    for (int i = 0; i < 20; i++) { /* the longest record fits wherever the tail stands */
        assert_int_equal(fixture_message(f, most - head, NULL), 0);
        assert_int_equal(fixture_message(f, 100, NULL), 0);
    }
    fixture_sync(f);
    fixture_check_bodies(f);
    /* What room promised can be appended; past it BUSY, while the reserve still has a quarter. */
    assert_int_equal(journal_room(f->journal, 10, 10 * 600), JOURNAL_OK);
    struct place place;
    uint8_t bytes[1024], body[519] = {0};
    struct buf b = {.data = bytes, .cap = sizeof(bytes), .ceiling = sizeof(bytes)};
    struct record r = {.kind = RECORD_DONE, .attempt = OUTCOME_STORED, .epoch = 1, .seq = 1};
    assert_int_equal(record_write(&b, &r), BUF_OK);
    int rc = JOURNAL_OK;
    for (uint64_t i = 0; rc == JOURNAL_OK; i++) {
        struct buf m = {.data = bytes + 200, .cap = 800, .ceiling = 800};
        struct record message = {.kind = RECORD_MESSAGE,
                                 .epoch = f->opened.epoch,
                                 .seq = f->next_seq + i,
                                 .service = "s",
                                 .service_len = 1,
                                 .body = body,
                                 .body_len = 519};
        assert_int_equal(record_write(&m, &message), BUF_OK);
        rc = journal_append(f->journal, m.data, (uint32_t)m.size, &place);
        assert_true(rc == JOURNAL_OK || i >= 10);
    }
    assert_int_equal(rc, JOURNAL_BUSY);
    assert_int_equal(journal_append(f->journal, b.data, (uint32_t)b.size, &place), JOURNAL_OK);
    assert_true(journal_gathered_messages(f->journal));
    f->strict = false;
}

/* Verify beside a running journal: never a false alarm, whatever is being written or recycled. */
static void
test_verify_beside(void **state)
{
    struct fixture *f = *state;
    uint64_t seq;

    f->limits.segment_bytes = 16 * 1024;
    f->limits.max_bytes = 16 * 16 * 1024;
    f->limits.batch_bytes = 8 * 1024;
    assert_int_equal(fixture_open(f), 0);
    for (int i = 0; i < 600; i++) {
        assert_int_equal(fixture_message(f, 500, &seq), 0);
        if (i >= 20)
            assert_int_equal(fixture_done(f, seq - 20, OUTCOME_STORED), 0);
        if (i % 3 == 0)
            journal_hand_over(f->journal, &f->ledger);
        if (i % 5 != 0)
            continue;
        char *text;
        size_t size;
        FILE *out = open_memstream(&text, &size);
        int rc = journal_verify(f->dir, true, out);
        fclose(out);
        if (rc != 0)
            fprintf(stderr, "%s", text);
        assert_int_equal(rc, 0);
        assert_non_null(strstr(text, "\"live\":true"));
        free(text);
    }
}

/* A segment that is being begun at this instant: its header is half there, its first batch is not.
 */
static void
test_verify_beside_begun(void **state)
{
    struct fixture *f = *state;
    char *text;
    size_t size;

    assert_int_equal(fixture_open(f), 0);
    assert_int_equal(fixture_message(f, 500, NULL), 0);
    fixture_sync(f);
    fixture_half_header(f);
    FILE *out = open_memstream(&text, &size);
    assert_int_equal(journal_verify(f->dir, true, out), 0);
    fclose(out);
    assert_non_null(strstr(text, "\"live\":true"));
    free(text);
}

/* The disk stays silent while nothing was handed over, and a failure is final: here the file behind
 * the tail is closed for writing by replacing its descriptor. */
static void
test_failure_is_final(void **state)
{
    struct fixture *f = *state;
    uint64_t durable = 0;
    int full = open("/dev/full", O_RDWR | O_CLOEXEC);

    assert_int_equal(fixture_open(f), 0);
    assert_int_equal(fixture_message(f, 100, NULL), 0);
    fixture_sync(f);
    assert_int_equal(journal_turn(f->journal, &durable), JOURNAL_OK);
    assert_int_equal(durable, 1);
    fixture_break_tail(f, full);
    close(full);
    assert_int_equal(fixture_message(f, 100, NULL), 0);
    journal_hand_over(f->journal, &f->ledger);
    struct pollfd p = {.fd = journal_fd(f->journal), .events = POLLIN};
    assert_int_equal(poll(&p, 1, 20000), 1);
    assert_int_equal(journal_turn(f->journal, &durable), JOURNAL_FAILED);
    assert_int_equal(durable, 1);
    assert_int_equal(journal_error(f->journal), ENOSPC);
    assert_non_null(strstr(journal_error_text(f->journal), ".seg: write"));
    assert_int_equal(journal_turn(f->journal, &durable), JOURNAL_FAILED);
    assert_int_equal(fixture_message(f, 100, NULL), JOURNAL_FAILED);
    assert_int_equal(journal_room(f->journal, 1, 100), JOURNAL_FAILED);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round_trip, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_reads_from_everywhere, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_read_of_damaged_bytes, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_limits, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_verify_beside, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_verify_beside_begun, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_failure_is_final, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
