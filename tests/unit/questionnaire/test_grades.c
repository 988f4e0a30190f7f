/* Blood pressure (CTCAE v5) and glucose (CTCAE v4, ADA levels) at and around every limit. */
#include "questionnaire/blood_pressure.h"
#include "questionnaire/glucose.h"

#include <string.h>

#include "tests/unit/cmocka_all.h"

static struct decimal
number(const char *text)
{
    struct decimal d = {0, 0};

    assert_true(decimal_parse(text, strlen(text), &d));
    return d;
}

static void
blood_pressure_is_the_worse_of_two(void **state)
{
    static const struct {
        const char *systolic, *diastolic;
        int grade;
    } cases[] = {
        {"119", "79", 0},   {"119.999", "79.999", 0},
        {"120", "79", 1},   {"119", "80", 1},
        {"139", "89", 1},   {"139.9", "89.9", 1},
        {"140", "60", 2},   {"100", "90", 2},
        {"159", "99", 2},   {"159.99", "99.99", 2},
        {"160", "60", 3},   {"100", "100", 3},
        {"220", "130", 3},  {"0", "0", 0},
        {"1.2e2", "79", 1}, {"120.0", "1", 1},
        {"140", "100", 3},  {"160", "80", 3},
        {"120", "90", 2},   {"140", "80", 2},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (blood_pressure_grade(number(cases[i].systolic), number(cases[i].diastolic)) !=
            cases[i].grade)
            fail_msg("%s/%s is not %d", cases[i].systolic, cases[i].diastolic, cases[i].grade);
    }
}

static void
glucose_high_needs_fasting_and_the_sites_limit(void **state)
{
    static const struct {
        const char *mmol;
        enum glucose_fasting fasting;
        const char *uln; /* NULL: not known */
        int grade;
    } cases[] = {
        {"5.6", GLUCOSE_FASTING, "5.6", 0},
        {"5.61", GLUCOSE_FASTING, "5.6", 1},
        {"5.8", GLUCOSE_FASTING, "6.1", 0},
        {"8.9", GLUCOSE_FASTING, "5.6", 1},
        {"8.91", GLUCOSE_FASTING, "5.6", 2},
        {"13.9", GLUCOSE_FASTING, "5.6", 2},
        {"13.91", GLUCOSE_FASTING, "5.6", 3},
        {"27.8", GLUCOSE_FASTING, "5.6", 3},
        {"27.81", GLUCOSE_FASTING, "5.6", 4},
        /* Not fasting: only what is high whenever it is measured. */
        {"13.9", GLUCOSE_NOT_FASTING, "5.6", 0},
        {"13.91", GLUCOSE_NOT_FASTING, "5.6", 3},
        {"27.81", GLUCOSE_NOT_FASTING, NULL, 4},
        {"9", GLUCOSE_NOT_FASTING, NULL, 0},
        /* Whether it was fasting is not known: null where that decides. */
        {"5.6", GLUCOSE_FASTING_UNKNOWN, "5.6", 0},
        {"5.7", GLUCOSE_FASTING_UNKNOWN, "5.6", GLUCOSE_NONE},
        {"13.9", GLUCOSE_FASTING_UNKNOWN, "5.6", GLUCOSE_NONE},
        {"14", GLUCOSE_FASTING_UNKNOWN, NULL, 3},
        /* The site's limit is not known: null where that decides. */
        {"5", GLUCOSE_FASTING, NULL, GLUCOSE_NONE},
        {"8.9", GLUCOSE_FASTING, NULL, GLUCOSE_NONE},
        {"8.91", GLUCOSE_FASTING, NULL, 2},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct decimal uln = number(cases[i].uln != NULL ? cases[i].uln : "0");
        struct glucose g = {number(cases[i].mmol), false};
        int grade = glucose_high(g, cases[i].fasting, cases[i].uln != NULL ? &uln : NULL);
        if (grade != cases[i].grade)
            fail_msg("case %zu: %s is %d, not %d", i, cases[i].mmol, grade, cases[i].grade);
    }
}

static void
glucose_low_has_two_levels(void **state)
{
    static const struct {
        const char *mmol;
        int level;
    } cases[] = {{"3.9", 0},  {"3.90", 0}, {"3.89", 1}, {"3.0", 1},
                 {"2.99", 2}, {"0", 2},    {"30", 0}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(glucose_low((struct glucose){number(cases[i].mmol), false}),
                         cases[i].level);
}

/* 13.9 mmol/L × 18.016 = 250.4224 mg/dL: exactly there is not above. */
static void
milligrams_meet_the_limits_exactly(void **state)
{
    static const struct {
        const char *mg;
        int high, low;
    } cases[] = {
        {"250.4224", 2, 0}, {"250.42240000001", 3, 0}, {"500.8448", 3, 0}, {"500.84480001", 4, 0},
        {"160.3424", 1, 0}, {"160.34240001", 2, 0},    {"70.2624", 0, 0},  {"70.2623999", 0, 1},
        {"54.048", 0, 1},   {"54.0479999", 0, 2},      {"54", 0, 2},       {"100", 0, 0},
        {"100.8896", 0, 0}, {"100.89", 1, 0}, /* 5.6 × 18.016 */
    };
    struct decimal uln = number("5.6");

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct glucose g = {number(cases[i].mg), true};
        if (glucose_high(g, GLUCOSE_FASTING, &uln) != cases[i].high ||
            glucose_low(g) != cases[i].low)
            fail_msg("%s mg/dL: %d and %d", cases[i].mg, glucose_high(g, GLUCOSE_FASTING, &uln),
                     glucose_low(g));
    }
}

static void
a_limit_of_normal_is_a_plain_number(void **state)
{
    (void)state;
    assert_true(glucose_uln_valid(number("5.6")));
    assert_true(glucose_uln_valid(number("0.0000000001")));
    assert_true(glucose_uln_valid(number("9999999999")));
    assert_false(glucose_uln_valid(number("10000000000")));
    assert_false(glucose_uln_valid(number("0")));
    assert_false(glucose_uln_valid(number("-5.6")));
    assert_false(glucose_uln_valid(number("1e4")));
    assert_false(glucose_uln_valid(number("1e-11")));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blood_pressure_is_the_worse_of_two),
        cmocka_unit_test(glucose_high_needs_fasting_and_the_sites_limit),
        cmocka_unit_test(glucose_low_has_two_levels),
        cmocka_unit_test(milligrams_meet_the_limits_exactly),
        cmocka_unit_test(a_limit_of_normal_is_a_plain_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
