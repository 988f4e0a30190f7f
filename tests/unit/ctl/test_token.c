/* Finding a token in a token file. */
#include "client/ctl/token.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "tests/unit/cmocka_all.h"

static void
test_pick(void **state)
{
    static const struct {
        const char *text, *study, *token;
    } rows[] = {
        {"", NULL, NULL},
        {"# only words\n\n", NULL, NULL},
        {"abc NCT007\n", NULL, "abc"},
        {"abc NCT007", NULL, "abc"},
        {"  abc\tNCT007\r\n", NULL, "abc"},
        {"# x\nabc NCT007\ndef NCT008\n", NULL, "abc"},
        {"abc NCT007\ndef NCT008,NCT009\n", "NCT009", "def"},
        {"abc NCT0070\ndef NCT007\n", "NCT007", "def"},
        {"abc NCT007\n", "NCT00", NULL},
        {"abc\n", "NCT007", NULL},
        {"abc\n", NULL, "abc"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char *token = token_pick(rows[i].text, strlen(rows[i].text), rows[i].study);
        if (rows[i].token == NULL)
            assert_null(token);
        else
            assert_string_equal(token, rows[i].token);
        free(token);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_pick)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
