/* Dates and instants: what is one, and which moment it names. */
#include "questionnaire/moment.h"

#include <string.h>

#include "tests/unit/cmocka_all.h"

#include "base/error.h"

static const struct {
    const char *text;
    int outcome;
    int64_t us;
    const char *zone;
} instants[] = {
    {"1970-01-01T00:00:00Z", MOMENT_OK, 0, "Z"},
    {"2026-11-22T08:00:00+01:00", MOMENT_OK, 1795330800000000, "+01:00"},
    {"2026-11-22T08:00+01:00", MOMENT_OK, 1795330800000000, "+01:00"},
    {"2026-11-22T08:00:00.123456789-05:30", MOMENT_OK, 1795354200123456, "-05:30"},
    {"1969-12-31T23:59:59.5Z", MOMENT_OK, -500000, "Z"},
    {"2024-02-29T00:00:00Z", MOMENT_OK, 1709164800000000, "Z"},
    {"0001-01-01T00:00:00Z", MOMENT_OK, -62135596800000000, "Z"},
    {"9999-12-31T23:59:59Z", MOMENT_OK, 253402300799000000, "Z"},
    {"2023-02-29T00:00:00Z", MOMENT_BAD, 0, ""},
    {"1900-02-29T00:00:00Z", MOMENT_BAD, 0, ""},
    {"2026-13-01T00:00:00Z", MOMENT_BAD, 0, ""},
    {"2026-11-22T24:00:00Z", MOMENT_BAD, 0, ""},
    {"2026-11-22T08:00:60Z", MOMENT_BAD, 0, ""},
    {"2026-11-22T08:00:00+15:00", MOMENT_BAD, 0, ""},
    {"2026-11-22T08:00:00.Z", MOMENT_BAD, 0, ""},
    {"2026-11-22T08:00:00.1234567890Z", MOMENT_BAD, 0, ""},
    {"2026-11-22t08:00:00Z", MOMENT_BAD, 0, ""},
    {"2026-11-22T08:00:00z", MOMENT_BAD, 0, ""},
    {"2026-11-22T08:00:00Z ", MOMENT_BAD, 0, ""},
    {"0000-01-01T00:00:00Z", MOMENT_BAD, 0, ""},
    {"2026-11T08:00:00Z", MOMENT_BAD, 0, ""},
    {"", MOMENT_BAD, 0, ""},
    {"2026-11-22T08:00:00", MOMENT_NO_ZONE, 0, ""},
    {"2026-11-22", MOMENT_NO_ZONE, 0, ""},
};

static void
instants_are_parsed(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(instants); i++) {
        int64_t us = 42;
        char zone[MOMENT_ZONE_SIZE] = "none";
        int n = moment_parse(instants[i].text, strlen(instants[i].text), &us, zone);
        if (n != instants[i].outcome)
            fail_msg("'%s': %d, not %d", instants[i].text, n, instants[i].outcome);
        if (n == MOMENT_OK) {
            assert_int_equal(us, instants[i].us);
            assert_string_equal(zone, instants[i].zone);
        } else {
            assert_int_equal(us, 42); /* untouched */
        }
    }
}

static void
every_truncation_is_refused(void **state)
{
    static const char whole[] = "2026-11-22T08:00:00.5+01:00";

    (void)state;
    for (size_t n = 0; n < sizeof(whole) - 1; n++) {
        int64_t us;
        char zone[MOMENT_ZONE_SIZE];
        assert_int_not_equal(moment_parse(whole, n, &us, zone), MOMENT_OK);
    }
}

static void
dates_and_times(void **state)
{
    static const char *const dates[] = {"2026", "2026-02", "2026-02-28", "2024-02-29"};
    static const char *const no_dates[] = {"26",         "2026-",    "2026-00",
                                           "2026-02-30", "2026-2-3", "20260203"};
    static const char *const times[] = {"00:00:00", "23:59:59", "08:00:00.25"};
    static const char *const no_times[] = {"8:00:00", "08:00", "24:00:00", "08:60:00", "08:00:00Z"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(dates); i++)
        assert_int_equal(moment_check_date(dates[i], strlen(dates[i])), MOMENT_OK);
    for (size_t i = 0; i < ARRAY_LEN(no_dates); i++)
        assert_int_equal(moment_check_date(no_dates[i], strlen(no_dates[i])), MOMENT_BAD);
    for (size_t i = 0; i < ARRAY_LEN(times); i++)
        assert_int_equal(moment_check_time(times[i], strlen(times[i])), MOMENT_OK);
    for (size_t i = 0; i < ARRAY_LEN(no_times); i++)
        assert_int_equal(moment_check_time(no_times[i], strlen(no_times[i])), MOMENT_BAD);
    assert_int_equal(moment_check_date_time("2026-11", 7), MOMENT_OK);
    assert_int_equal(moment_check_date_time("2026-11-22T08:00:00", 19), MOMENT_NO_ZONE);
}

static void
moments_compare_at_the_coarser_precision(void **state)
{
    static const struct {
        const char *a, *b;
        int order;
    } pairs[] = {
        {"2026", "2026-11-22", 0},
        {"2026-11", "2026-11-22", 0},
        {"2026-11", "2026-12-01", -1},
        {"2026-11-23", "2026-11-22", 1},
        {"2026-11-22T23:00:00-05:00", "2026-11-22", 0}, /* the day as it was written */
        {"2026-11-22T23:00:00-05:00", "2026-11-23T04:00:00Z", 0},
        {"2026-11-22T23:00:00.1Z", "2026-11-22T23:00:00Z", 1},
        {"2026-01-01T00:30:00+01:00", "2026-01-01T00:00:00Z", -1},
        {"08:00:00", "08:00:00.000", 0},
        {"07:59:59.9", "08:00:00", -1},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        size_t a = strlen(pairs[i].a), b = strlen(pairs[i].b);
        int order = moment_compare(pairs[i].a, a, pairs[i].b, b);
        int back = moment_compare(pairs[i].b, b, pairs[i].a, a);
        if ((order > 0) - (order < 0) != pairs[i].order ||
            (back > 0) - (back < 0) != -pairs[i].order)
            fail_msg("%s and %s: %d, %d", pairs[i].a, pairs[i].b, order, back);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(instants_are_parsed),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(dates_and_times),
        cmocka_unit_test(moments_compare_at_the_coarser_precision),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
