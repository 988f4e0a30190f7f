/* What looks like a person, and what a diary full of numbers says without being one. */
#include "tests/unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "store/pii.h"

#define BIT(kind) (1u << PII_##kind)

static void
shapes(void **state)
{
    static const struct {
        const char *text;
        unsigned kinds;
    } cases[] = {
        {"", 0},
        {"slept well", 0},
        {"36.6 at 07:10, then 37.2", 0},
        {"120/80 and 118/76 mmHg", 0},
        {"on 2026-11-22 I took 2 x 500 mg", 0},
        {"22.11.2026", 0},
        {"since 2019", 0},
        {"me@home", 0},
        {"Drive carefully", 0},
        {"mister sandman", 0},
        {"mail anna.m@example.org please", BIT(EMAIL)},
        {"call 0151 2345 6789", BIT(PHONE)},
        {"+49 (151) 23456789", BIT(PHONE)},
        {"13812345678", BIT(PHONE) | BIT(NUMBER)},
        {"insured: 123456789", BIT(PHONE) | BIT(NUMBER)},
        {"11010519491231002X", BIT(NUMBER)},
        {"110105194912310021", BIT(NUMBER)},
        {"born 2.3.1957", BIT(DATE)},
        {"1957-03-02", BIT(DATE)},
        {"Dr. Meyer said", BIT(TITLE)},
        {"saw Mrs Wong", BIT(TITLE)},
        {"Frau \xc3\x96zil", BIT(TITLE)},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        unsigned found = pii_judge((struct slice){cases[i].text, strlen(cases[i].text)});
        if (found != cases[i].kinds)
            print_error("%s\n", cases[i].text);
        assert_int_equal(found, cases[i].kinds);
    }
}

/* Nothing is read past the end, wherever it is: each piece lies at the end of its own memory. */
static void
cut_anywhere(void **state)
{
    static const char text[] = "Dr. Meyer d@x.org 1957-03-02 +49 151 23456789";

    (void)state;
    for (size_t n = 1; n < sizeof(text); n++) {
        char *copy = malloc(n);
        memcpy(copy, text, n);
        unsigned found = pii_judge((struct slice){copy, n});
        assert_int_equal((found & BIT(TITLE)) != 0, n >= 5);
        assert_int_equal((found & BIT(EMAIL)) != 0, n >= 15);
        free(copy);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(shapes), cmocka_unit_test(cut_anywhere)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
