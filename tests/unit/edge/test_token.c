/* The token file and the Authorization header. */
#include "tests/unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "client/edge/token.h"

static void
test_authorize(void **state)
{
    static const char file[] = "# tokens\n\nalpha NCT007\nbeta\tA,B,C \r\n";
    static const char *const unknown[] = {
        "Bearer alph", "Bearer alphaa", "Bearer ",        "Bearer",
        "Basic alpha", "alpha",         "Bearer alpha x", ""};
    struct token_table *t;
    char *why;

    (void)state;
    assert_int_equal(token_table_parse(file, sizeof(file) - 1, &t, &why), 0);
    assert_int_equal(token_table_count(t), 2);
    struct token *alpha = token_authorize(t, "Bearer alpha", 12);
    assert_non_null(alpha);
    assert_int_equal(alpha->n_studies, 1);
    assert_true(token_covers(alpha, "NCT007", 6));
    assert_false(token_covers(alpha, "NCT00", 5));
    struct token *beta = token_authorize(t, "bearer  beta", 12);
    assert_non_null(beta);
    assert_int_equal(beta->n_studies, 3);
    assert_true(token_covers(beta, "C", 1));
    for (size_t i = 0; i < ARRAY_LEN(unknown); i++)
        assert_null(token_authorize(t, unknown[i], strlen(unknown[i])));
    token_table_free(t);
}

static void
test_bad_files(void **state)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"alpha\n", "line 1: not 'TOKEN STUDY[,STUDY...]'"},
        {"alpha A\nalpha B\n", "line 2: a token that stands there already"},
        {"alpha A,,B\n", "line 1: a study is 1 to 64 printable characters"},
        {"alpha A B\n", "line 1: a study is 1 to 64 printable characters"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct token_table *t;
        char *why = NULL;
        assert_int_equal(token_table_parse(cases[i].text, strlen(cases[i].text), &t, &why), 1);
        assert_string_equal(why, cases[i].why);
        free(why);
    }
}

static void
test_study_bound(void **state)
{
    (void)state;
    for (size_t n = TOKEN_STUDIES_MAX; n <= TOKEN_STUDIES_MAX + 1; n++) {
        struct buf b;
        struct token_table *t;
        char *why = NULL;
        buf_init(&b, 65536);
        buf_append_str(&b, "alpha ");
        for (size_t i = 0; i < n; i++)
            buf_printf(&b, "%sS%zu", i > 0 ? "," : "", i);
        int r = token_table_parse((char *)b.data, b.size, &t, &why);
        assert_int_equal(r, n > TOKEN_STUDIES_MAX);
        if (r == 0)
            token_table_free(t);
        free(why);
        buf_deinit(&b);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_authorize),
                                       cmocka_unit_test(test_bad_files),
                                       cmocka_unit_test(test_study_bound)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
