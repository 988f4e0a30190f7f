/* Entries: layouts pinned, every malformed length, code and flag refused. */
#include "tests/unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "schemas/wire/codes.h"
#include "schemas/wire/entry.h"
#include "schemas/wire/record.h"

static const struct {
    enum entry_kind kind;
    uint32_t fixed;
    bool payload;
    uint8_t code, code_limit, flags;
} kinds[] = {
    {ENTRY_KIND_ACCEPTED, 40, false, 0, 1, ENTRY_STALLED},
    {ENTRY_KIND_REFUSED, 16, false, REFUSAL_FULL, REFUSAL_LIMIT, 0},
    {ENTRY_KIND_OUTCOME, 40, true, OUTCOME_STORED, OUTCOME_LIMIT, 0},
    {ENTRY_KIND_REPORT, 24, true, OUTCOME_STORED, OUTCOME_LIMIT, 0},
};
#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

static struct entry
sample(size_t k)
{
    return (struct entry){
        .code = kinds[k].code,
        .flags = kinds[k].flags,
        .counter = 0x1122334455667788,
        .epoch = 3,
        .seq = 4,
        .accepted_us = 5,
        .payload = (const uint8_t *)"abc",
        .payload_len = 3,
    };
}

static int
read_exact(size_t k, const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);
    size_t offset = 0;
    struct entry e;

    memcpy(copy, data, size);
    int r = entry_read(kinds[k].kind, copy, size, &offset, &e);
    if (r != ENTRY_OK)
        assert_int_equal(offset, 0);
    free(copy);
    return r;
}

static void
layouts_are_pinned(void **state)
{
    static const uint8_t outcome[] = {43,   0,    0,    0,    1,    0, 0, 0,   0x88, 0x77, 0x66,
                                      0x55, 0x44, 0x33, 0x22, 0x11, 3, 0, 0,   0,    0,    0,
                                      0,    0,    4,    0,    0,    0, 0, 0,   0,    0,    5,
                                      0,    0,    0,    0,    0,    0, 0, 'a', 'b',  'c'};
    static const uint8_t report[] = {27, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0,   0,   0,  0,
                                     0,  0, 4, 0, 0, 0, 0, 0, 0, 0, 'a', 'b', 'c'};
    static const uint8_t accepted[] = {40, 0, 0, 0, 0, 1, 0, 0};
    static const uint8_t refused[] = {16,   0,    0,    0,    1,    0,    0,    0,
                                      0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11};
    const uint8_t *expected[] = {accepted, refused, outcome, report};
    size_t sizes[] = {sizeof(accepted), sizeof(refused), sizeof(outcome), sizeof(report)};
    size_t totals[] = {40, 16, 43, 27};

    (void)state;
    for (size_t k = 0; k < N_KINDS; k++) {
        struct entry e = sample(k);
        struct buf b;
        buf_init(&b, 4096);
        assert_int_equal(entry_write(&b, kinds[k].kind, &e), BUF_OK);
        assert_int_equal(b.size, totals[k]);
        assert_memory_equal(b.data, expected[k], sizes[k]);
        buf_deinit(&b);
    }
}

static void
what_was_written_is_read(void **state)
{
    (void)state;
    for (size_t k = 0; k < N_KINDS; k++) {
        struct buf b;
        size_t offset = 0;
        struct entry e = sample(k), got;
        buf_init(&b, 4096);
        for (uint64_t i = 0; i < 3; i++) {
            e.counter = e.seq = i;
            assert_int_equal(entry_write(&b, kinds[k].kind, &e), BUF_OK);
        }
        for (uint64_t i = 0; i < 3; i++) {
            assert_int_equal(entry_read(kinds[k].kind, b.data, b.size, &offset, &got), ENTRY_OK);
            assert_true(kinds[k].kind == ENTRY_KIND_REPORT ? got.seq == i : got.counter == i);
            assert_int_equal(got.code, e.code);
            assert_int_equal(got.payload_len, kinds[k].payload ? 3 : 0);
            if (kinds[k].payload)
                assert_memory_equal(got.payload, "abc", 3);
            if (kinds[k].kind != ENTRY_KIND_REFUSED)
                assert_true(got.epoch == 3 && got.seq == i);
        }
        assert_int_equal(entry_read(kinds[k].kind, b.data, b.size, &offset, &got), ENTRY_END);
        buf_deinit(&b);
    }
}

static void
every_malformed_length_is_refused(void **state)
{
    (void)state;
    for (size_t k = 0; k < N_KINDS; k++) {
        struct entry e = sample(k);
        struct buf b;
        buf_init(&b, 4096);
        entry_write(&b, kinds[k].kind, &e);
        for (size_t size = 1; size < b.size; size++)
            assert_int_equal(read_exact(k, b.data, size), ENTRY_MALFORMED);
        for (uint32_t length = 0; length < b.size + 8; length++) {
            le32_put(b.data, length);
            bool fits = length >= kinds[k].fixed && length <= b.size;
            assert_int_equal(read_exact(k, b.data, b.size), fits ? ENTRY_OK : ENTRY_MALFORMED);
        }
        le32_put(b.data, UINT32_MAX);
        assert_int_equal(read_exact(k, b.data, b.size), ENTRY_MALFORMED);
        buf_deinit(&b);
    }
}

static void
codes_and_flags_are_checked(void **state)
{
    (void)state;
    for (size_t k = 0; k < N_KINDS; k++) {
        struct entry e = sample(k);
        struct buf b;
        buf_init(&b, 4096);
        entry_write(&b, kinds[k].kind, &e);
        for (unsigned code = 0; code < 256; code++) {
            b.data[4] = (uint8_t)code;
            bool known = code >= kinds[k].code && code < kinds[k].code_limit;
            assert_int_equal(read_exact(k, b.data, b.size), known ? ENTRY_OK : ENTRY_MALFORMED);
        }
        b.data[4] = kinds[k].code;
        for (unsigned flags = 0; flags < 256; flags++) {
            b.data[5] = (uint8_t)flags;
            bool known = (flags & ~kinds[k].flags) == 0;
            assert_int_equal(read_exact(k, b.data, b.size), known ? ENTRY_OK : ENTRY_MALFORMED);
        }
        b.data[5] = 0;
        b.data[7] = 1;
        assert_int_equal(read_exact(k, b.data, b.size), ENTRY_MALFORMED);
        buf_deinit(&b);
    }
}

static void
payloads_are_bounded(void **state)
{
    uint8_t *payload = calloc(1, ENTRY_PAYLOAD_MAX + 1);
    struct buf b;

    (void)state;
    for (size_t k = 0; k < N_KINDS; k++) {
        if (!kinds[k].payload)
            continue;
        struct entry e = sample(k);
        e.payload = payload;
        e.payload_len = ENTRY_PAYLOAD_MAX;
        buf_init(&b, ENTRY_PAYLOAD_MAX + 100);
        assert_int_equal(entry_write(&b, kinds[k].kind, &e), BUF_OK);
        assert_int_equal(read_exact(k, b.data, b.size), ENTRY_OK);
        buf_append(&b, "", 1);
        le32_put(b.data, kinds[k].fixed + ENTRY_PAYLOAD_MAX + 1);
        assert_int_equal(read_exact(k, b.data, b.size), ENTRY_MALFORMED);
        assert_int_equal(entry_write(&b, kinds[k].kind, &e), BUF_FULL);
        assert_int_equal(b.size, kinds[k].fixed + ENTRY_PAYLOAD_MAX + 1);
        buf_deinit(&b);
    }
    free(payload);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layouts_are_pinned),
        cmocka_unit_test(what_was_written_is_read),
        cmocka_unit_test(every_malformed_length_is_refused),
        cmocka_unit_test(codes_and_flags_are_checked),
        cmocka_unit_test(payloads_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
