/* Units that convert, and comparing across them without a rounding error. */
#include "questionnaire/ucum.h"

#include <string.h>

#include "tests/unit/cmocka_all.h"

#include "base/error.h"

#define NOT 9 /* incomparable */

static const struct {
    const char *a, *unit_a, *b, *unit_b;
    int order;
} cases[] = {
    {"1", "kg", "1000", "g", 0},
    {"1.00000000000000001", "kg", "1000", "g", 1},
    {"1", "[lb_av]", "453.59237", "g", 0},
    {"1", "[lb_av]", "453.592370000000001", "g", -1},
    {"16", "[oz_av]", "1", "[lb_av]", 0},
    {"1", "[ft_i]", "30.48", "cm", 0},
    {"12", "[in_i]", "1", "[ft_i]", 0},
    {"100", "Cel", "212", "[degF]", 0},
    {"37", "Cel", "98.6", "[degF]", 0},
    {"37", "Cel", "98.5999999999999", "[degF]", 1},
    {"0", "K", "-273.15", "Cel", 0},
    {"-40", "Cel", "-40", "[degF]", 0},
    {"760", "mm[Hg]", "101.32472", "kPa", 0},
    {"5.5", "mmol/L", "5500", "umol/L", 0},
    {"5.5", "mmol/L", "5.5", "mol/m3", 0},
    {"90", "mg/dL", "0.9", "g/L", 0},
    {"4.5", "10*9/L", "4500", "/uL", 0},
    {"4.5", "10*3/uL", "4.5", "10*9/L", 0},
    {"60", "/min", "1", "Hz", 0},
    {"72", "{beats}/min", "72", "/min", 0},
    {"1", "h", "3600", "s", 0},
    {"1", "wk", "7", "d", 0},
    {"1", "a", "12", "mo", 0},
    {"2000", "kcal", "8368", "kJ", 0},
    {"1", "kat", "60000000", "U", 0},
    {"1", "[iU]/mL", "1000", "[IU]/L", 0},
    {"25", "kg/m2", "2.5", "g/cm2", 0},
    {"280", "mosm/kg", "0.28", "osm/kg", 0},
    {"7", "%", "0.07", "1", 0},
    {"-1", "kg", "1", "g", -1},
    {"0", "kg", "0", "[lb_av]", 0},
    {"1e300", "kg", "1", "g", 1},
    {"1e-300", "kg", "1", "g", -1},
    {"1", "kg", "1", "m", NOT},
    {"1", "mmol/L", "1", "mg/dL", NOT}, /* the substance's mass would be wanted */
    {"1", "[iU]", "1", "mg", NOT},
    {"1", "osm", "1", "mol", NOT},
    {"1", "Kg", "1", "kg", NOT},
    {"1", "kmin", "1", "min", NOT},
    {"1", "kg.", "1", "kg", NOT},
    {"1", "(kg)", "1", "kg", NOT},
    {"1", "", "1", "kg", NOT},
    {"1", "kg{", "1", "kg", NOT},
    {"1", "kg//m2", "1", "kg", NOT},
    {"1", "g99999999999", "1", "g", NOT},
    {"1", "[in_i]9.[in_i]9.[in_i]9", "1", "[in_i]9.[in_i]9.[in_i]9", NOT}, /* does not fit */
};

static void
units_compare_exactly(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct decimal a, b;
        int order = 0;
        assert_true(decimal_parse(cases[i].a, strlen(cases[i].a), &a));
        assert_true(decimal_parse(cases[i].b, strlen(cases[i].b), &b));
        int n = ucum_compare(a, cases[i].unit_a, strlen(cases[i].unit_a), b, cases[i].unit_b,
                             strlen(cases[i].unit_b), &order);
        int sign = (order > 0) - (order < 0);
        if (cases[i].order == NOT ? n != UCUM_INCOMPARABLE : n != UCUM_OK || sign != cases[i].order)
            fail_msg("%s %s and %s %s: %d, %d", cases[i].a, cases[i].unit_a, cases[i].b,
                     cases[i].unit_b, n, sign);
        if (n != UCUM_OK)
            continue;
        n = ucum_compare(b, cases[i].unit_b, strlen(cases[i].unit_b), a, cases[i].unit_a,
                         strlen(cases[i].unit_a), &order);
        assert_int_equal(n, UCUM_OK);
        assert_int_equal((order > 0) - (order < 0), -cases[i].order);
    }
}

/* As decimal_format writes it; "-": it can't be converted. */
static void
converts(const char *value, const char *from, const char *to, const char *wanted)
{
    char text[DECIMAL_TEXT_SIZE] = "-";
    struct decimal v, got;

    assert_true(decimal_parse(value, strlen(value), &v));
    if (ucum_convert(v, from, strlen(from), to, strlen(to), &got) == UCUM_OK)
        decimal_format(got, text);
    if (strcmp(text, wanted) != 0)
        fail_msg("%s %s is %s %s, not %s", value, from, text, to, wanted);
}

static void
values_are_converted_exactly(void **state)
{
    static const char *const rows[][4] = {
        {"98.6", "[degF]", "Cel", "37"},
        {"150", "[lb_av]", "kg", "68.0388555"},
        {"154.0", "[lb_av]", "kg", "69.85322498"},
        {"70", "[in_i]", "cm", "177.8"},
        {"126", "mg/dL", "g/L", "1.26"},
        {"120", "mm[Hg]", "kPa", "15.99864"},
        {"1.50", "g", "mg", "1500"},
        {"1500.00", "mg", "g", "1.5"},
        {"5", "L", "l", "5"},
        {"72", "{beats}/min", "/min", "72"},
        {"0", "[degF]", "Cel", "-17.7777777777778"},
        {"0.00", "g", "mg", "0"},
        {"-40", "[degF]", "Cel", "-40"},
        {"-40", "Cel", "[degF]", "-40"},
        {"0", "K", "Cel", "-273.15"},
        {"37", "Cel", "K", "310.15"},
        {"-273.15", "Cel", "K", "0"},
        {"273.15", "K", "Cel", "0"},
        /* 0.1 + 0.2 would be seen here if a double had a part in it. */
        {"0.3", "m", "cm", "30"},
        {"123456789012345678", "m", "km", "123456789012345.678"},
        {"999999999999999999", "m", "km", "999999999999999.999"},
        /* Endless: 15 digits, half to even. */
        {"1", "min", "h", "0.0166666666666667"},
        {"2", "h", "d", "0.0833333333333333"},
        {"-1", "s", "min", "-0.0166666666666667"},
        {"1", "s", "a", "0.000000031688087814029"},
        {"100", "d", "a", "0.27378507871321"},
        /* Past what a decimal holds. */
        {"1e308", "km", "m", "-"},
        {"1e-307", "m", "km", "-"},
        {"1e300", "K", "Cel", "-"},
        {"1e-300", "K", "Cel", "-"},
        {"5", "mmol/L", "mg/dL", "-"},
        {"5", "(mg)", "g", "-"},
        {"123456789012345678", "[lb_av]", "kg", "55999057520699800"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        converts(rows[i][0], rows[i][1], rows[i][2], rows[i][3]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(units_compare_exactly),
        cmocka_unit_test(values_are_converted_exactly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
