/* Numbers for people, and texts that a peer chose. */
#include "client/ctl/format.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "tests/unit/cmocka_all.h"

static void
test_age(void **state)
{
    static const struct {
        int64_t us;
        const char *text;
    } rows[] = {
        {0, "0 ms"},
        {999, "0 ms"},
        {850000, "850 ms"},
        {999999, "999 ms"},
        {1000000, "1.0 s"},
        {9999999, "9.9 s"},
        {10000000, "10 s"},
        {59999999, "59 s"},
        {60000000, "1 min"},
        {185000000, "3 min 5 s"},
        {3600000000, "1 h"},
        {7260000000, "2 h 1 min"},
        {INT64_C(187200000000), "2 d 4 h"},
        {-2500000, "-2.5 s"},
        {INT64_MAX, "106751991 d 4 h"},
        {INT64_MIN, "-106751991 d 4 h"},
    };
    char text[FORMAT_SIZE];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        format_age(rows[i].us, text);
        assert_string_equal(text, rows[i].text);
    }
}

static void
test_bytes(void **state)
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } rows[] = {
        {0, "0 B"},         {1023, "1023 B"},      {1024, "1 KiB"},
        {1536, "1.5 KiB"},  {67108864, "64 MiB"},  {1048575, "1023 KiB"},
        {1048576, "1 MiB"}, {8589934592, "8 GiB"}, {UINT64_MAX, "15.9 EiB"},
    };
    char text[FORMAT_SIZE];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        format_bytes(rows[i].bytes, text);
        assert_string_equal(text, rows[i].text);
    }
}

static void
test_count(void **state)
{
    static const struct {
        uint64_t n;
        const char *text;
    } rows[] = {
        {0, "0"},        {999, "999"},           {1000, "1,000"},
        {1414, "1,414"}, {1234567, "1,234,567"}, {UINT64_MAX, "18,446,744,073,709,551,615"},
    };
    char text[FORMAT_SIZE];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        format_count(rows[i].n, text);
        assert_string_equal(text, rows[i].text);
    }
}

static void
test_width_and_tame(void **state)
{
    static const struct {
        const char *text, *tame;
        size_t width;
    } rows[] = {
        {"", "", 0},           {"worker-1", "worker-1", 8},  {"Zürich", "Zürich", 6},
        {"日本", "日本", 4},   {"a\033[31mb", "a?[31mb", 7}, {"a\nb\tc", "a?b?c", 5},
        {"\xff\xfe", "??", 2}, {"ok\xc3", "ok?", 3},
    };
    char copy[64];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        strcpy(copy, rows[i].text);
        format_tame(copy);
        assert_string_equal(copy, rows[i].tame);
        assert_int_equal(format_width(copy), rows[i].width);
    }
}

static void
test_fold(void **state)
{
    static const struct {
        const char *text, *folded;
    } cases[] = {{"", ""},
                 {"one line", "one line"},
                 {"failed\n\tIs it running?\n", "failed Is it running? "},
                 {"\r\n\t  ", " "},
                 {"a  b", "a b"}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char text[64];
        snprintf(text, sizeof(text), "%s", cases[i].text);
        format_fold(text);
        assert_string_equal(text, cases[i].folded);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_age),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_count),
        cmocka_unit_test(test_fold),
        cmocka_unit_test(test_width_and_tame),
    };

    setlocale(LC_CTYPE, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
