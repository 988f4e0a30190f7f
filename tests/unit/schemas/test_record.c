/* The record's layout is pinned byte by byte, and every malformed length is refused. */
#include "tests/unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "schemas/wire/record.h"

static const struct record sample = {
    .kind = RECORD_MESSAGE,
    .flags = RECORD_ACCEPT_NOW,
    .attempt = 3,
    .kills = 2,
    .epoch = 0x0102030405060708,
    .seq = 9,
    .incarnation = 0xf1f2f3f4f5f6f7f8,
    .counter = 77,
    .id = {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}},
    .received_us = -5,
    .accepted_us = 1234567890123456,
    .service = "submissions",
    .service_len = 11,
    .scope = "NCT007",
    .scope_len = 6,
    .body = (const uint8_t *)"sealed",
    .body_len = 6,
};

static void
sample_write(struct buf *b)
{
    buf_init(b, 4096);
    assert_int_equal(record_write(b, &sample), BUF_OK);
}

/* The bytes at a heap block of exactly that size, so that the sanitizer sees any step over the end.
 */
static int
read_exact(const uint8_t *data, size_t size, struct record *ret)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);
    memcpy(copy, data, size);
    int r = record_read(copy, size, ret);
    free(copy);
    return r;
}

static void
layout_is_pinned(void **state)
{
    static const uint8_t expected[RECORD_HEADER_BYTES] = {
        103,  0,    0,    0,    0,    0,    0,    0,    1,  2, 3,  2,  11, 6,  0,  0,  /* head */
        8,    7,    6,    5,    4,    3,    2,    1,    9,  0, 0,  0,  0,  0,  0,  0,  /* origin */
        0xf8, 0xf7, 0xf6, 0xf5, 0xf4, 0xf3, 0xf2, 0xf1, 77, 0, 0,  0,  0,  0,  0,  0,  /* request */
        0,    1,    2,    3,    4,    5,    6,    7,    8,  9, 10, 11, 12, 13, 14, 15, /* id */
        0xfb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, /* received */
        0xc0, 0xba, 0x8a, 0x3c, 0xd5, 0x62, 0x04, 0x00, /* accepted */
    };
    struct buf b;

    (void)state;
    sample_write(&b);
    assert_int_equal(b.size, 103);
    assert_memory_equal(b.data, expected, sizeof(expected));
    assert_memory_equal(b.data + 80, "submissionsNCT007sealed", 23);
    buf_deinit(&b);
}

static void
what_was_written_is_read(void **state)
{
    struct buf b;
    struct record r;

    (void)state;
    sample_write(&b);
    assert_int_equal(record_read(b.data, b.size, &r), RECORD_OK);
    assert_int_equal(r.length, 103);
    assert_int_equal(r.flags, sample.flags);
    assert_int_equal(r.attempt, 3);
    assert_int_equal(r.kills, 2);
    assert_true(r.epoch == sample.epoch && r.seq == 9);
    assert_true(r.incarnation == sample.incarnation && r.counter == 77);
    assert_true(uuid_equal(&r.id, &sample.id));
    assert_true(r.received_us == -5 && r.accepted_us == sample.accepted_us);
    assert_int_equal(r.service_len, 11);
    assert_memory_equal(r.service, "submissions", 11);
    assert_int_equal(r.scope_len, 6);
    assert_memory_equal(r.scope, "NCT007", 6);
    assert_int_equal(r.body_len, 6);
    assert_memory_equal(r.body, "sealed", 6);
    buf_deinit(&b);
}

static void
every_truncation_is_refused(void **state)
{
    struct buf b;
    struct record r;

    (void)state;
    sample_write(&b);
    for (size_t size = 0; size < b.size; size++)
        assert_int_equal(read_exact(b.data, size, &r), RECORD_TRUNCATED);
    assert_int_equal(read_exact(b.data, b.size, &r), RECORD_OK);
    buf_deinit(&b);
}

static void
every_wrong_length_is_refused(void **state)
{
    struct buf b;
    struct record r;

    (void)state;
    sample_write(&b);
    for (uint32_t length = 0; length < 80 + 11 + 6; length++) {
        le32_put(b.data, length);
        assert_int_equal(read_exact(b.data, b.size, &r), RECORD_MALFORMED);
    }
    for (uint32_t length = 80 + 11 + 6; length <= 103; length++) { /* only the body is shorter */
        le32_put(b.data, length);
        assert_int_equal(read_exact(b.data, b.size, &r), RECORD_OK);
        assert_int_equal(r.body_len, length - 97);
    }
    le32_put(b.data, 104);
    assert_int_equal(read_exact(b.data, b.size, &r), RECORD_TRUNCATED);
    le32_put(b.data, INT32_MAX);
    assert_int_equal(read_exact(b.data, b.size, &r), RECORD_TRUNCATED);
    le32_put(b.data, (uint32_t)INT32_MAX + 1);
    assert_int_equal(read_exact(b.data, b.size, &r), RECORD_MALFORMED);
    le32_put(b.data, UINT32_MAX);
    assert_int_equal(read_exact(b.data, b.size, &r), RECORD_MALFORMED);
    buf_deinit(&b);
}

static void
wrong_fields_are_refused(void **state)
{
    static const struct {
        size_t at;
        uint8_t value;
        int expected;
    } cases[] = {
        {8, 0, RECORD_MALFORMED}, /* no such kind */
        {8, 6, RECORD_MALFORMED},    {8, RECORD_DONE, RECORD_OK},
        {9, 0x10, RECORD_MALFORMED},                            /* no such flag */
        {9, 0x0f, RECORD_OK},        {12, 0, RECORD_MALFORMED}, /* no service */
        {12, 33, RECORD_MALFORMED},  {12, 17, RECORD_OK}, /* the body gives way: 17 + 6 = 23 */
        {12, 18, RECORD_MALFORMED},  {12, 255, RECORD_MALFORMED},
        {13, 0, RECORD_OK},          {13, 12, RECORD_OK},
        {13, 13, RECORD_MALFORMED},  {13, 65, RECORD_MALFORMED},
        {13, 255, RECORD_MALFORMED}, {14, 1, RECORD_MALFORMED},
        {15, 1, RECORD_MALFORMED},
    };
    struct buf b;
    struct record r;

    (void)state;
    sample_write(&b);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t kept = b.data[cases[i].at];
        b.data[cases[i].at] = cases[i].value;
        if (read_exact(b.data, b.size, &r) != cases[i].expected)
            fail_msg("byte %zu = %u", cases[i].at, cases[i].value);
        b.data[cases[i].at] = kept;
    }
    buf_deinit(&b);
}

static void
bounds_of_names_are_taken(void **state)
{
    char name[RECORD_SCOPE_MAX];
    struct record r = sample, got;
    struct buf b;

    (void)state;
    memset(name, 'x', sizeof(name));
    r.service = name;
    r.service_len = RECORD_SERVICE_MAX;
    r.scope = name;
    r.scope_len = RECORD_SCOPE_MAX;
    r.body_len = 0;
    buf_init(&b, 4096);
    assert_int_equal(record_write(&b, &r), BUF_OK);
    assert_int_equal(b.size, 80 + 32 + 64);
    assert_int_equal(read_exact(b.data, b.size, &got), RECORD_OK);
    assert_int_equal(got.body_len, 0);
    buf_deinit(&b);
}

static void
a_full_buffer_is_left_alone(void **state)
{
    struct buf b;
    uint8_t *body;

    (void)state;
    buf_init(&b, 103 + 102);
    assert_int_equal(record_write(&b, &sample), BUF_OK);
    assert_int_equal(record_write(&b, &sample), BUF_FULL);
    assert_int_equal(b.size, 103);
    struct record huge = sample;
    huge.body_len = UINT32_MAX;
    assert_int_equal(record_write_header(&b, &huge, &body), BUF_FULL);
    assert_int_equal(b.size, 103);
    buf_deinit(&b);
}

static void
records_follow_each_other(void **state)
{
    struct buf b;
    struct record r;
    uint8_t *body;

    (void)state;
    buf_init(&b, 4096);
    for (uint32_t i = 0; i < 5; i++) {
        struct record one = sample;
        one.counter = i;
        one.body_len = i;
        assert_int_equal(record_write_header(&b, &one, &body), BUF_OK);
        memset(body, (int)i, i);
    }
    size_t at = 0;
    for (uint32_t i = 0; i < 5; i++) {
        assert_int_equal(record_read(b.data + at, b.size - at, &r), RECORD_OK);
        assert_true(r.counter == i && r.body_len == i);
        for (uint32_t j = 0; j < i; j++)
            assert_int_equal(r.body[j], i);
        at += r.length;
    }
    assert_int_equal(at, b.size);
    buf_deinit(&b);
}

static void
changes_in_place_touch_only_their_fields(void **state)
{
    struct buf b;
    struct record r;

    (void)state;
    sample_write(&b);
    record_set_origin(b.data, 5, 6, 7);
    record_set_delivery(b.data, RECORD_ALONE, 255, 3);
    record_set_crc(b.data, 0xdeadbeef);
    assert_int_equal(record_read(b.data, b.size, &r), RECORD_OK);
    assert_true(r.epoch == 5 && r.seq == 6 && r.accepted_us == 7 && r.crc == 0xdeadbeef);
    assert_true(r.flags == RECORD_ALONE && r.attempt == 255 && r.kills == 3);
    record_set_origin(b.data, sample.epoch, sample.seq, sample.accepted_us);
    record_set_delivery(b.data, sample.flags, sample.attempt, sample.kills);
    record_set_crc(b.data, 0);
    struct buf again;
    sample_write(&again);
    assert_memory_equal(b.data, again.data, b.size);
    buf_deinit(&again);
    buf_deinit(&b);
}

/* Bit by bit, as the definition has it: what ISA-L is held against. */
static uint32_t
crc32c_slow(uint32_t crc, const uint8_t *p, size_t n)
{
    while (n-- > 0) {
        crc ^= *p++;
        for (int i = 0; i < 8; i++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
    }
    return crc;
}

static void
crc_is_castagnoli(void **state)
{
    (void)state;
    assert_int_equal(crc32c("123456789", 9), 0xE3069283);
    assert_int_equal(crc32c("", 0), 0);
    assert_int_equal(~crc32c_slow(UINT32_MAX, (const uint8_t *)"123456789", 9), 0xE3069283);
}

static void
crc_is_seeded_and_skips_itself(void **state)
{
    static const uint8_t zero[4];
    struct buf b;

    (void)state;
    sample_write(&b);
    uint32_t crc = record_crc(b.data, 103, 0x01020304);
    uint32_t slow = crc32c_slow(UINT32_MAX, (const uint8_t *)"\x04\x03\x02\x01", 4);
    slow = crc32c_slow(slow, b.data, 4);
    slow = crc32c_slow(slow, zero, 4);
    slow = crc32c_slow(slow, b.data + 8, 95);
    assert_int_equal(crc, ~slow);
    record_set_crc(b.data, 0xffffffff);
    assert_int_equal(record_crc(b.data, 103, 0x01020304), crc);
    assert_int_not_equal(record_crc(b.data, 103, 0x01020305), crc);
    for (size_t i = 0; i < 103; i++) {
        if (i >= 4 && i < 8)
            continue;
        b.data[i] ^= 1;
        assert_int_not_equal(record_crc(b.data, 103, 0x01020304), crc);
        b.data[i] ^= 1;
    }
    buf_deinit(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layout_is_pinned),
        cmocka_unit_test(what_was_written_is_read),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(every_wrong_length_is_refused),
        cmocka_unit_test(wrong_fields_are_refused),
        cmocka_unit_test(bounds_of_names_are_taken),
        cmocka_unit_test(a_full_buffer_is_left_alone),
        cmocka_unit_test(records_follow_each_other),
        cmocka_unit_test(changes_in_place_touch_only_their_fields),
        cmocka_unit_test(crc_is_castagnoli),
        cmocka_unit_test(crc_is_seeded_and_skips_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
