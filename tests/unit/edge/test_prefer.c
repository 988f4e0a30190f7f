/* Prefer: what is understood, and what is passed over. */
#include "tests/unit/cmocka_all.h"

#include <string.h>

#include "base/error.h"
#include "client/edge/prefer.h"

static void
test_values(void **state)
{
    static const struct {
        const char *text;
        bool async;
        int wait_s;
    } cases[] = {
        {"", false, -1},
        {"respond-async", true, -1},
        {"Respond-Async, wait=10", true, 10},
        {"wait=0", false, 0},
        {"wait = \"7\" ; x=y", false, 7},
        {"wait=31", false, 30},
        {"wait=99999999999999999999", false, 30},
        {"wait=-1", false, -1},
        {"wait=1.5", false, -1},
        {"wait=", false, -1},
        {"wait", false, -1},
        {"wait=3, wait=5", false, 3},
        {"return=minimal, , respond-async", true, -1},
        {"respond-asyncx", false, -1},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct prefer p;
        prefer_init(&p);
        prefer_parse(&p, cases[i].text, strlen(cases[i].text));
        assert_int_equal(p.respond_async, cases[i].async);
        assert_int_equal(p.wait_s, cases[i].wait_s);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_values)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
