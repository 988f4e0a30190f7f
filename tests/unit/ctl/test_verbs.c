/* Words to verbs, options and arguments; and the table's own soundness. */
#include "client/ctl/verbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "tests/unit/cmocka_all.h"

#define WORDS_MAX 128

struct line {
    char text[4096];
    char *words[WORDS_MAX];
    int n;
};

static void
line_cut(struct line *line, const char *text)
{
    line->n = 0;
    strcpy(line->text, text);
    for (char *w = strtok(line->text, " "); w != NULL; w = strtok(NULL, " "))
        line->words[line->n++] = w;
}

/* The exit code of taking text apart. */
static int
take(const char *text, struct line *line, struct ctl *ret)
{
    size_t used;

    line_cut(line, text);
    const struct verb *verb = verb_find(line->n, line->words, &used);
    if (verb == NULL)
        return -1;
    *ret = (struct ctl){0};
    return verb_words(verb, line->n - (int)used, line->words + used, ret);
}

static void
test_good_words(void **state)
{
    struct line line;
    struct ctl ctl;

    (void)state;
    assert_int_equal(take("db migrate --yes", &line, &ctl), EXIT_DONE);
    assert_non_null(ctl.options[OPTION_YES]);
    assert_false(ctl.json);
    assert_int_equal(take("questionnaire load FILE --study NCT007 --yes", &line, &ctl), EXIT_DONE);
    assert_string_equal(ctl.args[0], "FILE");
    assert_string_equal(ctl.options[OPTION_STUDY], "NCT007");
    assert_int_equal(take("reconcile --settle=20s --json", &line, &ctl), EXIT_DONE);
    assert_string_equal(ctl.options[OPTION_SETTLE], "20s");
    assert_true(ctl.json);
    assert_int_equal(take("submit -", &line, &ctl), EXIT_DONE);
    assert_string_equal(ctl.args[0], "-");
    assert_int_equal(take("peek -- --strange", &line, &ctl), EXIT_DONE);
    assert_string_equal(ctl.args[0], "--strange");
    assert_int_equal(take("dead requeue 1-2 1-3", &line, &ctl), EXIT_DONE);
    assert_int_equal(ctl.n_args, 2);
}

static void
test_wrong_words(void **state)
{
    static const struct {
        const char *text;
        int code;
    } rows[] = {
        {"nonsense", -1},
        {"db", -1},
        {"db nonsense", -1},
        {"peek", EXIT_USAGE},
        {"peek a b", EXIT_USAGE},
        {"status now", EXIT_USAGE},
        {"status --yes", EXIT_USAGE},
        {"status --js", EXIT_USAGE},
        {"status --json=1", EXIT_USAGE},
        {"reconcile --settle", EXIT_USAGE},
        {"dead requeue", EXIT_USAGE},
        {"pause q --nonsense", EXIT_USAGE},
    };
    struct line line;
    struct ctl ctl;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(take(rows[i].text, &line, &ctl), rows[i].code);
}

static void
test_words_at_the_bound(void **state)
{
    char text[4096] = "dead discard";
    struct line line;
    struct ctl ctl;

    (void)state;
    for (int i = 0; i < 100; i++)
        strcat(text, " 1-1");
    assert_int_equal(take(text, &line, &ctl), EXIT_DONE);
    assert_int_equal(ctl.n_args, 100);
    strcat(text, " 1-1");
    assert_int_equal(take(text, &line, &ctl), EXIT_USAGE);
}

static void
test_option_values(void **state)
{
    struct ctl ctl = {.options = {[OPTION_SETTLE] = "2min", [OPTION_LIMIT] = "1001"}};
    int64_t us = -1;
    uint64_t n = 0;

    (void)state;
    assert_true(ctl_duration(&ctl, OPTION_SETTLE, 0, &us));
    assert_int_equal(us, 120000000);
    assert_true(ctl_duration(&ctl, OPTION_TIMEOUT, 7, &us));
    assert_int_equal(us, 7);
    assert_true(ctl_count(&ctl, OPTION_LIMIT, 0, 1001, &n));
    assert_int_equal(n, 1001);
    assert_false(ctl_count(&ctl, OPTION_LIMIT, 0, 1000, &n));
    ctl.options[OPTION_SETTLE] = "soon";
    assert_false(ctl_duration(&ctl, OPTION_SETTLE, 0, &us));
}

/* Every verb can be found by its own words, and none is hidden by one before it. */
static void
test_table_is_sound(void **state)
{
    (void)state;
    for (size_t i = 0; i < verb_count(); i++) {
        const struct verb *v = verb_at(i);
        char noun[32], verb[32];
        char *words[] = {noun, verb};
        size_t used = 0;
        snprintf(noun, sizeof(noun), "%s", v->noun);
        snprintf(verb, sizeof(verb), "%s", v->verb != NULL ? v->verb : "");
        assert_ptr_equal(verb_find(v->verb != NULL ? 2 : 1, words, &used), v);
        assert_int_equal(used, v->verb != NULL ? 2 : 1);
        assert_true(v->least <= v->most && v->most <= ARGS_MAX);
        assert_int_equal(*v->arguments == '\0', v->most == 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_words),         cmocka_unit_test(test_wrong_words),
        cmocka_unit_test(test_words_at_the_bound), cmocka_unit_test(test_option_values),
        cmocka_unit_test(test_table_is_sound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
