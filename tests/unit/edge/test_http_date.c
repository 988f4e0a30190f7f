/* The Date header, against libc's calendar. */
#include "tests/unit/cmocka_all.h"

#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/error.h"
#include "client/edge/http_date.h"

static void
test_every_day(void **state)
{
    char text[64];

    (void)state;
    for (int64_t day = 0; day < 365 * 140; day++) {
        time_t s = (time_t)(day * 86400 + day % 86400);
        struct tm tm;
        int64_t us = -1;
        gmtime_r(&s, &tm);
        strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm);
        assert_true(http_date_parse(text, strlen(text), &us));
        assert_int_equal(us, (int64_t)s * US_PER_S);
    }
}

static void
test_refused(void **state)
{
    static const char *const cases[] = {
        "",
        "Sun, 22 Nov 2026 08:00:07",
        "Sun, 22 Nov 2026 08:00:07 UTC",
        "Sun, 22 Nov 2026 08:00:07 GMT ",
        "Sun 22 Nov 2026 08:00:07 GMT ",
        "Sun, 32 Nov 2026 08:00:07 GMT",
        "Sun, 31 Nov 2026 08:00:07 GMT",
        "Sun, 29 Feb 2026 08:00:07 GMT",
        "Sun, 00 Nov 2026 08:00:07 GMT",
        "Sun, 22 Nox 2026 08:00:07 GMT",
        "Son, 22 Nov 2026 08:00:07 GMT",
        "Sun, 22 Nov 1969 08:00:07 GMT",
        "Sun, 22 Nov 2026 24:00:07 GMT",
        "Sun, 22 Nov 2026 08:60:07 GMT",
        "Sun, 22 Nov 2026 08:00:61 GMT",
        "Sun, 2a Nov 2026 08:00:07 GMT",
        "Sunday, 22-Nov-26 08:00:07 GMT",
        "Sun Nov 22 08:00:07 2026     ",
    };
    int64_t us = 7;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_false(http_date_parse(cases[i], strlen(cases[i]), &us));
    assert_int_equal(us, 7);
    assert_true(http_date_parse("Thu, 29 Feb 2024 23:59:60 GMT", 29, &us));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_day),
                                       cmocka_unit_test(test_refused)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
