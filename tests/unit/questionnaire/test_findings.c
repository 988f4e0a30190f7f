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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_finding_keeps_pointer_rule_and_detail),
        cmocka_unit_test(the_number_is_bounded),
        cmocka_unit_test(the_text_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
