/* Clocks and the text of wall time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/error.h"

static void
test_format_table(void **state)
{
    static const struct {
        int64_t us;
        const char *text;
    } rows[] = {
        {0, "1970-01-01T00:00:00.000000Z"},
        {1, "1970-01-01T00:00:00.000001Z"},
        {-1, "1969-12-31T23:59:59.999999Z"},
        {INT64_C(951782400123456), "2000-02-29T00:00:00.123456Z"},
        {INT64_C(1795327200000000), "2026-11-22T06:00:00.000000Z"},
        {INT64_C(253402300799999999), "9999-12-31T23:59:59.999999Z"},
        {INT64_MAX, "9999-12-31T23:59:59.999999Z"},
        {INT64_MIN, "0001-01-01T00:00:00.000000Z"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[CLOCK_TEXT_SIZE + 1];
        memset(text, '#', sizeof(text));
        clock_format(rows[i].us, text);
        assert_string_equal(text, rows[i].text);
        assert_int_equal(text[CLOCK_TEXT_SIZE], '#'); /* wrote no further */
    }
}

static void
test_every_day_is_the_librarys(void **state)
{
    const int64_t day_us = 86400 * US_PER_S;
    char text[CLOCK_TEXT_SIZE], wanted[64];

    (void)state;
    for (int64_t day = -719162; day < 2932897; day++) { /* 0001-01-01 to 9999-12-31 */
        time_t seconds = (time_t)(day * 86400);
        struct tm tm;
        clock_format(day * day_us, text);
        gmtime_r(&seconds, &tm);
        snprintf(wanted, sizeof(wanted), "%04d-%02d-%02dT00:00:00.000000Z", tm.tm_year + 1900,
                 tm.tm_mon + 1, tm.tm_mday);
        assert_memory_equal(text, wanted, CLOCK_TEXT_SIZE);
    }
}

static void
test_clocks_tell_the_kernels_time(void **state)
{
    (void)state;
    int64_t before = (int64_t)time(NULL);
    int64_t wall = clock_wall_us();
    int64_t after = (int64_t)time(NULL) + 1;
    assert_true(wall >= before * US_PER_S - US_PER_S && wall <= after * US_PER_S);

    int64_t last = clock_mono_us();
    for (int i = 0; i < 1000; i++) {
        int64_t now = clock_mono_us();
        assert_true(now >= last);
        last = now;
    }
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    int64_t later = (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
    assert_true(later >= last && later - last < 60 * US_PER_S);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format_table),
        cmocka_unit_test(test_every_day_is_the_librarys),
        cmocka_unit_test(test_clocks_tell_the_kernels_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
