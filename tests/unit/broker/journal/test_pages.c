/* Where writes end: with zeros up to the page's end, no further, and never past the segment. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "broker/journal/batch.h"
#include "broker/journal/layout.h"
#include "tests/unit/broker/journal/files.h"
#include "tests/unit/broker/journal/fixture.h"

#define SEGMENT (16u * 1024 + 3 * LAYOUT_BLOCK) /* the last page is not whole */
#define OLD_BYTE 0xa5
#define RECORD_HEAD (RECORD_HEADER_BYTES + 11 + 6)

static int
setup(void **state)
{
    fixture_setup(state);
    struct fixture *f = *state;
    f->limits.segment_bytes = SEGMENT;
    f->limits.max_bytes = 64 * SEGMENT;
    f->limits.batch_bytes = SEGMENT;
    return 0;
}

/* The next segment, which is ready, gets the bytes of a former life. The journal is closed. */
static void
age_next_segment(const struct fixture *f)
{
    struct fixture_end end;
    char name[LAYOUT_NAME_SIZE];

    fixture_find_end(f, &end);
    layout_name(layout_number(end.name) + 1, name);
    assert_true(fixture_exists(f, name));
    fixture_write(f, name, 0, OLD_BYTE, SEGMENT);
}

static void
segment_read(const struct fixture *f, const char *name, uint8_t *ret_bytes)
{
    char path[600];
    struct stat st;

    fixture_path(f, name, path, sizeof(path));
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0 && fstat(fd, &st) == 0);
    assert_int_equal(st.st_size, SEGMENT);
    assert_int_equal(pread(fd, ret_bytes, SEGMENT, 0), SEGMENT);
    close(fd);
}

static void
assert_all(const uint8_t *bytes, uint32_t from, uint32_t to, uint8_t byte)
{
    for (uint32_t at = from; at < to; at++)
        if (bytes[at] != byte)
            fail_msg("byte %u is %02x, not %02x", at, bytes[at], byte);
}

/* Behind the last record and behind the mark: zeros to the page's end, and old bytes from there on.
 * Returns where the batch ends. */
static uint32_t
check_end(const struct fixture *f)
{
    static uint8_t bytes[SEGMENT];
    struct fixture_end end;

    fixture_find_end(f, &end);
    segment_read(f, end.name, bytes);
    uint32_t batch_end = layout_align((uint32_t)end.batch_end), last = batch_end;
    assert_all(bytes, (uint32_t)end.batch_end, batch_end, 0);
    if (batch_end + LAYOUT_BLOCK <= SEGMENT) {
        assert_int_equal(end.mark_offset, batch_end);
        last = batch_end + LAYOUT_BLOCK;
        assert_all(bytes, batch_end + LAYOUT_BATCH_HEADER, last, 0);
    } else {
        assert_int_equal(end.mark_offset, 0);
    }
    uint32_t written = (last + LAYOUT_PAGE - 1) / LAYOUT_PAGE * LAYOUT_PAGE;
    if (written > SEGMENT)
        written = SEGMENT;
    assert_all(bytes, last, written, 0);
    assert_all(bytes, written, SEGMENT, OLD_BYTE);
    return batch_end;
}

static void
test_ends_with_the_page(void **state)
{
    struct fixture *f = *state;
    unsigned places[LAYOUT_PAGE / LAYOUT_BLOCK] = {0};

    assert_int_equal(fixture_open(f), 0);
    for (uint32_t body = 0; body < 2 * LAYOUT_PAGE; body += 300) {
        fixture_close(f);
        age_next_segment(f);
        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(f->opened.torn_bytes, 0);
        assert_int_equal(f->opened.damaged_messages, 0);
        assert_int_equal(fixture_message(f, 10, NULL), 0);
        fixture_sync(f);
        assert_int_equal(fixture_message(f, body, NULL), 0);
        fixture_sync(f);
        fixture_close(f);
        places[check_end(f) % LAYOUT_PAGE / LAYOUT_BLOCK]++;
        assert_int_equal(fixture_open(f), 0);
        fixture_check_bodies(f);
    }
    for (size_t i = 0; i < LAYOUT_PAGE / LAYOUT_BLOCK; i++)
        assert_int_not_equal(places[i], 0); /* every place in a page was tried */
}

/* The last batch leaves so many bytes of its segment: none, too few for a mark, just enough, more
 * than one. The file does not grow. */
static void
test_ends_with_the_segment(void **state)
{
    static const uint32_t left[] = {0, 1, 511, 512, 513, 1024, 1535, 1536, 1537, 2048};
    struct fixture *f = *state;
    uint32_t begin = LAYOUT_HEADER_BLOCK + LAYOUT_BLOCK; /* each start writes an empty batch */

    assert_int_equal(fixture_open(f), 0);
    for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++) {
        fixture_close(f);
        age_next_segment(f);
        assert_int_equal(fixture_open(f), 0);
        uint32_t body = SEGMENT - left[i] - begin - LAYOUT_BATCH_HEADER - RECORD_HEAD;
        assert_int_equal(fixture_message(f, body, NULL), 0);
        fixture_sync(f);
        fixture_close(f);
        assert_int_equal(check_end(f), layout_align(SEGMENT - left[i]));
        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(f->opened.torn_bytes, 0);
        assert_int_equal(fixture_alive(f), i + 1);
        fixture_check_bodies(f);
    }
}

/* The batch's own write, before any mark: it covers the page it ends in, whatever the memory held.
 */
static void
test_batch_covers_its_page(void **state)
{
    struct layout_id id = {.salt = 1};
    struct layout_point start = {.batch = 1, .seq = 1};
    static uint8_t record[LAYOUT_PAGE];
    struct batch b;
    struct place place;
    const uint8_t *data;
    size_t size;
    uint32_t offset;

    (void)state;
    batch_init(&b, SEGMENT);
    for (uint32_t at = LAYOUT_HEADER_BLOCK; at < SEGMENT; at += LAYOUT_BLOCK)
        for (uint32_t length = 100; length < sizeof(record); length += 500) {
            if (at + LAYOUT_BATCH_HEADER + length > SEGMENT)
                break;
            memset(b.memory + LAYOUT_HEADER_BLOCK, OLD_BYTE, SEGMENT - LAYOUT_HEADER_BLOCK);
            batch_clear(&b);
            batch_place(&b, &id, 1, at, SEGMENT, &start);
            batch_append(&b, record, length, true, &place);
            batch_finish(&b, &id, &data, &size, &offset);
            uint32_t end = offset + (uint32_t)size, last = at + LAYOUT_BATCH_HEADER + length;
            assert_true(end >= last && (end % LAYOUT_PAGE == 0 || end == SEGMENT));
            assert_true(end - last < LAYOUT_PAGE);
            for (uint32_t i = last; i < end; i++)
                assert_int_equal(data[i - offset], 0);
        }
    batch_deinit(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_batch_covers_its_page),
        cmocka_unit_test_setup_teardown(test_ends_with_the_page, setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_ends_with_the_segment, setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
