/* Exact decimals, at their bounds. */
#include "questionnaire/decimal.h"

#include <string.h>

#include "tests/unit/cmocka_all.h"

#include "base/error.h"

static struct decimal
parsed(const char *text)
{
    struct decimal d;

    if (!decimal_parse(text, strlen(text), &d))
        fail_msg("%s is refused", text);
    return d;
}

static const char *const refused[] = {
    "",
    "-",
    "+1",
    "1.",
    ".5",
    "01",
    "-01",
    "1e",
    "1e+",
    "1.5e",
    "0x1",
    "1 ",
    " 1",
    "1,5",
    "--1",
    "1e309",
    "1e-309",
    "1e99999999999",
    "NaN",
    "1234567890123456789",
    "0.1234567890123456789",
    "1.000000000000000000",
};

static void
malformed_and_oversized_are_refused(void **state)
{
    struct decimal d;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        if (decimal_parse(refused[i], strlen(refused[i]), &d))
            fail_msg("%s is taken", refused[i]);
    }
}

static const struct {
    const char *text, *formatted;
    unsigned places;
} good[] = {
    {"0", "0", 0},
    {"-0", "0", 0},
    {"7", "7", 0},
    {"-7.50", "-7.50", 2},
    {"0.001", "0.001", 3},
    {"1e3", "1000", 0},
    {"1.5e3", "1500", 0},
    {"1.5E-3", "0.0015", 4},
    {"120e-1", "12.0", 1},
    {"999999999999999999", "999999999999999999", 0},
    {"0.00000000000000000000012", "0.00000000000000000000012", 23},
    {"123456789.012345678", "123456789.012345678", 9},
};

static void
literals_keep_value_and_places(void **state)
{
    char text[DECIMAL_TEXT_SIZE];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct decimal d = parsed(good[i].text);
        assert_int_equal(decimal_format(d, text), strlen(good[i].formatted));
        assert_string_equal(text, good[i].formatted);
        assert_int_equal(decimal_places(d), good[i].places);
    }
}

static const char *const ascending[] = {
    "-1e308",
    "-999999999999999999",
    "-1.5",
    "-1.49",
    "-1e-308",
    "0",
    "1e-308",
    "0.1",
    "0.10000000000000001",
    "0.2",
    "1",
    "1.01",
    "9.99999999999999999",
    "10",
    "999999999999999999",
    "1e18",
    "1e300",
    "1e308",
};

static void
values_have_one_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ascending); i++) {
        for (size_t j = 0; j < ARRAY_LEN(ascending); j++) {
            int order = decimal_compare(parsed(ascending[i]), parsed(ascending[j]));
            if ((order > 0) - (order < 0) != (i > j) - (i < j))
                fail_msg("%s against %s: %d", ascending[i], ascending[j], order);
        }
    }
    assert_int_equal(decimal_compare(parsed("1.50"), parsed("15e-1")), 0);
    assert_int_equal(decimal_compare(parsed("0.0"), parsed("-0e5")), 0);
    assert_true(decimal_compare(decimal_from_int(INT64_MIN), parsed("-1e18")) < 0);
    assert_true(decimal_compare(decimal_from_int(INT64_MAX), parsed("1e20")) < 0);
}

static const struct {
    const char *a, *b, *sum, *product; /* NULL: 18 digits can't hold it */
} sums[] = {
    {"0.1", "0.2", "0.3", "0.02"},
    {"1.5", "-1.5", "0", "-2.25"},
    {"0", "1e300", "1e300", "0"},
    {"1e18", "1", NULL, "1e18"},
    {"1e200", "1e200", "2e200", NULL},
    {"1", "1e-300", NULL, "1e-300"},
    {"999999999999999999", "1", "1e18", "999999999999999999"},
    {"999999999999999999", "0.1", NULL, "99999999999999999.9"},
    {"123456789", "987654321", "1111111110", "121932631112635269"},
    {"1234567890123", "1234567", "1234569124690", NULL},
};

static void
result_check(const char *what, size_t i, bool done, struct decimal d, const char *expected)
{
    if (done != (expected != NULL) || (done && decimal_compare(d, parsed(expected)) != 0))
        fail_msg("%s of %s and %s is not %s", what, sums[i].a, sums[i].b,
                 expected != NULL ? expected : "refused");
}

static void
sums_and_products_are_exact_or_refused(void **state)
{
    struct decimal d = {0, 0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sums); i++) {
        struct decimal a = parsed(sums[i].a), b = parsed(sums[i].b);
        result_check("sum", i, decimal_add(a, b, &d), d, sums[i].sum);
        result_check("sum", i, decimal_add(b, a, &d), d, sums[i].sum);
        result_check("product", i, decimal_multiply(a, b, &d), d, sums[i].product);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(malformed_and_oversized_are_refused),
        cmocka_unit_test(literals_keep_value_and_places),
        cmocka_unit_test(values_have_one_order),
        cmocka_unit_test(sums_and_products_are_exact_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
