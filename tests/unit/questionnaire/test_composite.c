/* The composite grades of PRO-CTCAE against the published table, told the other way round: for each
 * grade the answers that have it, in the order of the kind's name. Taken from the table in the SAS
 * macro of the paper's authors (composite.def: from a transcription of supplemental table S2). */
#include "questionnaire/composite.h"

#include <string.h>

#include "tests/unit/cmocka_all.h"

static const struct {
    enum composite_kind kind;
    int grade;
    const char *answers;
} table[] = {
    {COMPOSITE_FREQUENCY_SEVERITY_INTERFERENCE, 0, "000 100 200"},
    {COMPOSITE_FREQUENCY_SEVERITY_INTERFERENCE, 1,
     "101 102 110 111 112 120 201 202 210 211 212 300 301 302 310 311 312 400 401 402 410 "
     "411"},
    {COMPOSITE_FREQUENCY_SEVERITY_INTERFERENCE, 2,
     "103 104 113 114 121 122 123 130 131 132 140 141 203 204 213 214 220 221 222 230 231 "
     "232 240 241 303 304 313 314 320 321 322 330 331 340 341 403 404 412 413 420 421 422 "
     "430 431 440 441"},
    {COMPOSITE_FREQUENCY_SEVERITY_INTERFERENCE, 3,
     "124 133 134 142 143 144 223 224 233 234 242 243 244 323 324 332 333 334 342 343 344 "
     "414 423 424 432 433 434 442 443 444"},
    {COMPOSITE_FREQUENCY_SEVERITY, 0, "00"},
    {COMPOSITE_FREQUENCY_SEVERITY, 1, "10 11 12 20 21 30 31 40 41"},
    {COMPOSITE_FREQUENCY_SEVERITY, 2, "13 14 22 23 24 32 42"},
    {COMPOSITE_FREQUENCY_SEVERITY, 3, "33 34 43 44"},
    {COMPOSITE_FREQUENCY_INTERFERENCE, 0, "00"},
    {COMPOSITE_FREQUENCY_INTERFERENCE, 1, "10 11 12 20 21 22 30 31 40 41"},
    {COMPOSITE_FREQUENCY_INTERFERENCE, 2, "13 14 23 24 32 42"},
    {COMPOSITE_FREQUENCY_INTERFERENCE, 3, "33 34 43 44"},
    {COMPOSITE_SEVERITY_INTERFERENCE, 0, "00"},
    {COMPOSITE_SEVERITY_INTERFERENCE, 1, "10 11 12 20 21 30"},
    {COMPOSITE_SEVERITY_INTERFERENCE, 2, "13 14 22 23 31 32 40 41 42"},
    {COMPOSITE_SEVERITY_INTERFERENCE, 3, "24 33 34 43 44"},
    {COMPOSITE_FREQUENCY, 0, "0"},
    {COMPOSITE_FREQUENCY, 1, "1 2"},
    {COMPOSITE_FREQUENCY, 2, "3"},
    {COMPOSITE_FREQUENCY, 3, "4"},
    {COMPOSITE_SEVERITY, 0, "0"},
    {COMPOSITE_SEVERITY, 1, "1"},
    {COMPOSITE_SEVERITY, 2, "2"},
    {COMPOSITE_SEVERITY, 3, "3 4"},
    {COMPOSITE_INTERFERENCE, 0, "0"},
    {COMPOSITE_INTERFERENCE, 1, "1 2"},
    {COMPOSITE_INTERFERENCE, 2, "3 4"},
};
#define TABLE_ROWS (sizeof(table) / sizeof(table[0]))
#define COMBINATIONS 179

static void
all_combinations_have_their_grade(void **state)
{
    unsigned n = 0, seen[COMPOSITE_KINDS][125] = {{0}};

    (void)state;
    for (size_t row = 0; row < TABLE_ROWS; row++) {
        unsigned width = composite_attributes(table[row].kind);
        for (const char *p = table[row].answers; *p != '\0';
             p += p[width] == ' ' ? width + 1 : width) {
            int values[COMPOSITE_ATTRIBUTES_MAX] = {0};
            unsigned at = 0;
            for (unsigned i = 0; i < width; i++) {
                values[i] = p[i] - '0';
                at = at * COMPOSITE_ANSWERS + (unsigned)values[i];
            }
            assert_int_equal(seen[table[row].kind][at]++, 0);
            if (composite_grade(table[row].kind, values) != table[row].grade)
                fail_msg("kind %u answers %.*s: %d, not %d", table[row].kind, (int)width, p,
                         composite_grade(table[row].kind, values), table[row].grade);
            n++;
        }
    }
    assert_int_equal(n, COMBINATIONS);
}

/* The combinations that the table does not list are those of a first attribute of zero. */
static void
a_first_zero_decides(void **state)
{
    (void)state;
    for (int kind = 0; kind < COMPOSITE_KINDS; kind++) {
        for (int second = COMPOSITE_UNANSWERED; second < COMPOSITE_ANSWERS; second++) {
            for (int third = COMPOSITE_UNANSWERED; third < COMPOSITE_ANSWERS; third++) {
                const int values[] = {0, second, third};
                assert_int_equal(composite_grade((enum composite_kind)kind, values), 0);
            }
        }
    }
}

static void
unanswered_makes_no_grade(void **state)
{
    (void)state;
    for (int kind = 0; kind < COMPOSITE_KINDS; kind++) {
        unsigned n = composite_attributes((enum composite_kind)kind);
        for (unsigned missing = 0; missing < n; missing++) {
            int values[] = {3, 3, 3};
            values[missing] = COMPOSITE_UNANSWERED;
            assert_int_equal(composite_grade((enum composite_kind)kind, values), COMPOSITE_NONE);
            values[missing] = COMPOSITE_ANSWERS;
            assert_int_equal(composite_grade((enum composite_kind)kind, values), COMPOSITE_NONE);
        }
    }
}

/* Step 3 of the paper: the grades are consistent in direction. */
static void
a_worse_answer_never_lowers_the_grade(void **state)
{
    (void)state;
    for (int kind = 0; kind < COMPOSITE_KINDS; kind++) {
        unsigned n = composite_attributes((enum composite_kind)kind);
        for (int at = 0; at < 125; at++) {
            int values[] = {at / 25, at / 5 % 5, at % 5};
            int grade = composite_grade((enum composite_kind)kind, values);
            for (unsigned i = 0; i < n; i++) {
                if (++values[i] < COMPOSITE_ANSWERS)
                    assert_true(composite_grade((enum composite_kind)kind, values) >= grade);
                values[i]--;
            }
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_combinations_have_their_grade),
        cmocka_unit_test(a_first_zero_decides),
        cmocka_unit_test(unanswered_makes_no_grade),
        cmocka_unit_test(a_worse_answer_never_lowers_the_grade),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
