/* The list of broken rules stops at its bounds and says so. */
#include "questionnaire/findings.h"

#include <string.h>

#include "tests/unit/cmocka_all.h"

static void
a_finding_keeps_pointer_rule_and_detail(void **state)
{
    struct findings f;

    (void)state;
    findings_init(&f);
    findings_add(&f, RULE_TYPE, "/answers/pain", 13, "a number");
    assert_int_equal(f.n, 1);
    assert_string_equal(finding_pointer(&f, &f.items[0]), "/answers/pain");
    assert_string_equal(finding_detail(&f, &f.items[0]), "has the wrong type: a number");
    assert_true(findings_reject(&f));
    findings_clear(&f);
    findings_add(&f, RULE_UNKNOWN_SUBJECT, "/subjectId", 10, NULL);
    assert_false(findings_reject(&f));
    findings_deinit(&f);
}

static void
the_number_is_bounded(void **state)
{
    struct findings f;

    (void)state;
    findings_init(&f);
    for (int i = 0; i < 2 * FINDINGS_MAX; i++)
        findings_add(&f, RULE_TYPE, "/a", 2, NULL);
    assert_int_equal(f.n, FINDINGS_MAX);
    assert_int_equal(f.items[FINDINGS_MAX - 2].rule, RULE_TYPE);
    assert_int_equal(f.items[FINDINGS_MAX - 1].rule, RULE_TOO_MANY);
    findings_deinit(&f);
}

static void
the_text_is_bounded(void **state)
{
    static char pointer[4000];
    struct findings f;

    (void)state;
    memset(pointer, '/', sizeof(pointer));
    findings_init(&f);
    for (int i = 0; i < 100; i++)
        findings_add(&f, RULE_TYPE, pointer, sizeof(pointer), NULL);
    assert_true(f.n < 30);
    assert_true(f.text.size <= FINDINGS_TEXT_MAX);
    assert_int_equal(f.items[f.n - 1].rule, RULE_TOO_MANY);
    findings_deinit(&f);
}

static void
a_finding_names_item_and_limit(void **state)
{
    const struct finding_input in = {.rule = RULE_MAX_LENGTH,
                                     .pointer = "/answers/a",
                                     .pointer_len = 10,
                                     .link_id = "a",
                                     .link_id_len = 1,
                                     .parameter = "3"};
    struct findings f;

    (void)state;
    findings_init(&f);
    findings_add_input(&f, &in);
    assert_string_equal(finding_link_id(&f, &f.items[0]), "a");
    assert_string_equal(finding_parameter(&f, &f.items[0]), "3");
    assert_string_equal(rule_parameter(RULE_MAX_LENGTH), "maxLength");
    assert_string_equal(finding_detail(&f, &f.items[0]), "has more characters than allowed: 3");
    findings_add(&f, RULE_EMPTY, "", 0, NULL);
    assert_null(finding_link_id(&f, &f.items[1]));
    assert_null(finding_parameter(&f, &f.items[1]));
    findings_deinit(&f);
}

/* A long parameter ends at a whole character. */
static void
a_parameter_is_cut(void **state)
{
    char text[FINDINGS_PARAMETER_MAX * 2] = "x";
    struct findings f;

    (void)state;
    for (size_t i = 1; i + 3 < sizeof(text); i += 2)
        memcpy(text + i, "\xc3\xa4", 2);
    findings_init(&f);
    findings_add(&f, RULE_UNIT, "", 0, text);
    assert_int_equal(f.items[0].parameter_len, FINDINGS_PARAMETER_MAX - 1);
    assert_int_equal((unsigned char)finding_parameter(&f, &f.items[0])[FINDINGS_PARAMETER_MAX - 2],
                     0xa4);
    findings_deinit(&f);
}

static void
warnings_stand_apart(void **state)
{
    struct findings f;

    (void)state;
    findings_init(&f);
    for (int i = 0; i < 2 * FINDINGS_WARNINGS_MAX; i++)
        findings_add(&f, RULE_REGEX_UNDECIDED, "/a", 2, NULL);
    assert_int_equal(f.n, 0);
    assert_int_equal(f.n_warnings, FINDINGS_WARNINGS_MAX);
    assert_int_equal(f.warnings[FINDINGS_WARNINGS_MAX - 1].rule, RULE_TOO_MANY);
    findings_add(&f, RULE_TYPE, "/a", 2, NULL);
    assert_int_equal(f.n, 1);
    findings_warn(&f, &(struct finding_input){.rule = RULE_REQUIRED, .pointer = ""});
    assert_int_equal(f.n, 1);
    findings_deinit(&f);
}

static void
levels_are_sorted_and_keep_their_order(void **state)
{
    static const enum rule added[] = {RULE_TIMESTAMP, RULE_OPTION,  RULE_TYPE,
                                      RULE_REQUIRED,  RULE_DATE,    RULE_UNKNOWN_ITEM,
                                      RULE_DISABLED,  RULE_MAX_SIZE};
    static const enum rule sorted[] = {RULE_TIMESTAMP, RULE_UNKNOWN_ITEM, RULE_TYPE,
                                       RULE_DATE,      RULE_DISABLED,     RULE_REQUIRED,
                                       RULE_OPTION,    RULE_MAX_SIZE};
    struct findings f;

    (void)state;
    findings_init(&f);
    for (size_t i = 0; i < sizeof(added) / sizeof(added[0]); i++)
        findings_add(&f, added[i], "", 0, NULL);
    findings_sort(&f, 1);
    for (size_t i = 0; i < sizeof(added) / sizeof(added[0]); i++)
        assert_int_equal(f.items[i].rule, sorted[i]);
    findings_deinit(&f);
}

/* What is said to clients holds together. */
static void
the_table_is_sound(void **state)
{
    (void)state;
    for (enum rule a = 0; a < RULE_COUNT; a++) {
        assert_true(*rule_code(a) != '\0' && *rule_text(a) != '\0' && *rule_issue(a) != '\0');
        assert_true(strlen(rule_parameter(a)) < 32);
        for (enum rule b = 0; b < a; b++) {
            if (strcmp(rule_code(a), rule_code(b)) == 0)
                assert_true(rule_level(a) != rule_level(b));
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_finding_keeps_pointer_rule_and_detail),
        cmocka_unit_test(the_number_is_bounded),
        cmocka_unit_test(the_text_is_bounded),
        cmocka_unit_test(a_finding_names_item_and_limit),
        cmocka_unit_test(a_parameter_is_cut),
        cmocka_unit_test(warnings_stand_apart),
        cmocka_unit_test(levels_are_sorted_and_keep_their_order),
        cmocka_unit_test(the_table_is_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
