/* The token file and the Authorization header. */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "client/edge/token.h"
#include "schemas/wire/mp.h"

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
        {"alpha\n", "line 1: not 'TOKEN STUDY[,STUDY...] [role=] [user=] [organisation=]'"},
        {"alpha A\nalpha B\n", "line 2: a token that stands there already"},
        {"alpha A,,B\n", "line 1: a study is 1 to 64 printable characters"},
        {"alpha A B\n", "line 1: behind the studies stand role=, user= and organisation= only"},
        {"alpha A Role=site\n",
         "line 1: behind the studies stand role=, user= and organisation= only"},
        {"alpha A role=doctor\n", "line 1: a role that is not known"},
        {"alpha A role=\n", "line 1: a role that is not known"},
        {"alpha A role=site role=admin\n", "line 1: the same attribute twice"},
        {"alpha A user=\n", "line 1: a name is 1 to 128 printable characters"},
        {"alpha A organisation=a\"b\n", "line 1: a name is 1 to 128 printable characters"},
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
test_roles(void **state)
{
    static const struct {
        const char *line, *actor;
        enum token_role role;
        enum token_corrects corrects;
        bool nobody, submits, alerts;
    } cases[] = {
        {"t A", "actor|user|-|role|participant|", TOKEN_ROLE_PARTICIPANT, TOKEN_CORRECTS_OWN, true,
         true, false},
        {"t A user=-", "actor|user|-|role|participant|", TOKEN_ROLE_PARTICIPANT, TOKEN_CORRECTS_OWN,
         true, true, false},
        {"t A user=SUB1", "actor|user|SUB1|role|participant|", TOKEN_ROLE_PARTICIPANT,
         TOKEN_CORRECTS_OWN, false, true, false},
        {"t A,B organisation=Charite \trole=site  user=nurse-7 ",
         "actor|user|nurse-7|role|site|organisation|Charite|", TOKEN_ROLE_SITE,
         TOKEN_CORRECTS_SOURCED, false, true, true},
        {"t A role=sponsor", "actor|user|-|role|sponsor|", TOKEN_ROLE_SPONSOR, TOKEN_CORRECTS_NEVER,
         false, false, false},
        {"t A role=investigator", "actor|user|-|role|investigator|", TOKEN_ROLE_INVESTIGATOR,
         TOKEN_CORRECTS_SOURCED, false, true, true},
        {"t A role=admin", "actor|user|-|role|admin|", TOKEN_ROLE_ADMIN, TOKEN_CORRECTS_NEVER,
         false, true, true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct token_table *table;
        char *why = NULL, actor[256] = "";
        print_message("%s\n", cases[i].line);
        assert_int_equal(token_table_parse(cases[i].line, strlen(cases[i].line), &table, &why), 0);
        struct token *t = token_authorize(table, "Bearer t", 8);
        assert_non_null(t);
        assert_int_equal(t->role, cases[i].role);
        assert_int_equal(token_corrects(t), cases[i].corrects);
        assert_int_equal(t->is_nobody, cases[i].nobody);
        assert_int_equal(token_submits(t), cases[i].submits);
        assert_int_equal(token_handles_alerts(t), cases[i].alerts);
        struct mp_cursor c = {t->actor, t->actor + t->actor_bytes};
        struct mp_value v;
        for (size_t n = 0; mp_next(&c, &v) == MP_OK;)
            if (v.type == MP_STR)
                n += (size_t)snprintf(actor + n, sizeof(actor) - n, "%.*s|", (int)v.len,
                                      (const char *)v.at);
        assert_string_equal(actor, cases[i].actor);
        token_table_free(table);
    }
}

static void
test_name_bound(void **state)
{
    (void)state;
    for (int over = 0; over < 2; over++) {
        struct token_table *t;
        char line[256], *why = NULL;
        snprintf(line, sizeof(line), "t A user=%0*d", TOKEN_NAME_MAX + over, 1);
        assert_int_equal(token_table_parse(line, strlen(line), &t, &why), over);
        if (over == 0)
            token_table_free(t);
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
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_authorize), cmocka_unit_test(test_bad_files),
        cmocka_unit_test(test_roles), cmocka_unit_test(test_name_bound),
        cmocka_unit_test(test_study_bound)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
