/* UUID text both ways, versions and variants. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/uuid.h"

#define SAMPLE "0123abcd-4567-89ef-fedc-ba9876543210"

static void
test_parse_and_format(void **state)
{
    static const uint8_t bytes[16] = {0x01, 0x23, 0xab, 0xcd, 0x45, 0x67, 0x89, 0xef,
                                      0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10};
    struct uuid u;
    char text[UUID_TEXT_SIZE];

    (void)state;
    assert_true(uuid_parse(SAMPLE, 36, &u));
    assert_memory_equal(u.bytes, bytes, 16);
    uuid_format(&u, text);
    assert_string_equal(text, SAMPLE);

    struct uuid upper;
    assert_true(uuid_parse("0123ABCD-4567-89EF-FEDC-BA9876543210", 36, &upper));
    assert_true(uuid_equal(&u, &upper));
    uuid_format(&upper, text);
    assert_string_equal(text, SAMPLE);
    upper.bytes[15] ^= 1;
    assert_false(uuid_equal(&u, &upper));
}

static void
test_parse_refuses(void **state)
{
    static const char *const bad[] = {
        "",
        "0123abcd-4567-89ef-fedc-ba987654321",
        SAMPLE "0",
        "0123abcd04567-89ef-fedc-ba9876543210",
        "0123abcd-4567-89ef-fedc-ba987654321g",
        "0123abcd-4567-89ef-fedc-ba987654321-",
        "{0123abcd-4567-89ef-fedc-ba98765432}",
        "0123abcd-4567-89ef-fedc ba9876543210",
        "0123abcd456789effedcba9876543210",
        "-0123abc-4567-89ef-fedc-ba9876543210",
    };
    struct uuid u, before;

    (void)state;
    memset(&u, 0xaa, sizeof(u));
    before = u;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_false(uuid_parse(bad[i], strlen(bad[i]), &u));
        assert_memory_equal(&u, &before, sizeof(u));
    }
    assert_false(uuid_parse(SAMPLE, 35, &u)); /* the length given counts, not the NUL */
    assert_true(uuid_parse(SAMPLE " and more", 36, &u));

    /* every other byte in every place is refused */
    for (size_t at = 0; at < 36; at++) {
        for (int c = 0; c < 256; c++) {
            char text[] = SAMPLE;
            text[at] = (char)c;
            bool dash = SAMPLE[at] == '-';
            assert_int_equal(uuid_parse(text, 36, &u), dash ? c == '-' : isxdigit(c) != 0);
        }
    }
}

static void
test_random_is_version_4(void **state)
{
    struct uuid a, b;
    uint8_t seen_ones[16] = {0}, seen_zeros[16] = {0};

    (void)state;
    uuid_random(&a);
    for (int i = 0; i < 200; i++) {
        uuid_random(&b);
        assert_int_equal(b.bytes[6] >> 4, 4);
        assert_int_equal(b.bytes[8] >> 6, 2);
        assert_false(uuid_equal(&a, &b));
        for (int k = 0; k < 16; k++) {
            seen_ones[k] |= b.bytes[k];
            seen_zeros[k] |= (uint8_t)~b.bytes[k];
        }
    }
    for (int k = 0; k < 16; k++) { /* 200 draws: every free bit was seen both ways */
        assert_int_equal(seen_ones[k], k == 6 ? 0x4f : k == 8 ? 0xbf : 0xff);
        assert_int_equal(seen_zeros[k], k == 6 ? 0xbf : k == 8 ? 0x7f : 0xff);
    }
}

static void
test_v8_keeps_the_hash(void **state)
{
    struct uuid u;
    uint8_t hash[16];
    char text[UUID_TEXT_SIZE];

    (void)state;
    memset(hash, 0xff, sizeof(hash));
    uuid_v8_from_hash(hash, &u);
    uuid_format(&u, text);
    assert_string_equal(text, "ffffffff-ffff-8fff-bfff-ffffffffffff");
    memset(hash, 0, sizeof(hash));
    uuid_v8_from_hash(hash, &u);
    uuid_format(&u, text);
    assert_string_equal(text, "00000000-0000-8000-8000-000000000000");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_and_format),
        cmocka_unit_test(test_parse_refuses),
        cmocka_unit_test(test_random_is_version_4),
        cmocka_unit_test(test_v8_keeps_the_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
