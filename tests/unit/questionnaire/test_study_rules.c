/* What a study file may say of rules and parameters, and what is refused. */
#include "tests/unit/questionnaire/clinical.h"

static const struct {
    const char *text, *why; /* a part of the reason */
} refused[] = {
    {"", "line"},
    {"[]", "an object"},
    {"{'alerts':[]}", "alerts: an object"},
    {"{'alerts':{'r':1}}", "alerts/r: an object"},
    {"{'alerts':{'r':{'vlaue':1}}}", "alerts/r/vlaue"},
    {"{'alerts':{'r':{'off':1}}}", "alerts/r/off"},
    {"{'alerts':{'r':{'value':null}}}", "alerts/r/value"},
    {"{'alerts':{'r':{'value':1e999}}}", "alerts/r/value"},
    {"{'alerts':{'r':{'severity':'loud'}}}", "alerts/r/severity"},
    {"{'alerts':{'r':{'recipients':'nurse'}}}", "alerts/r/recipients"},
    {"{'alerts':{'r':{'recipients':['nurse',7]}}}", "alerts/r/recipients"},
    {"{'alerts':{'r':{},'r':{}}}", "duplicate"},
    {"{'parameters':7}", "parameters"},
    {"{'parameters':{'glucose':5.6}}", "parameters/glucose"},
    {"{'parameters':{'glucose':{'uln':'5.6'}}}", "parameters/glucose"},
    {"{'parameters':{'glucose':{'uln':0}}}", "parameters/glucose"},
    {"{'parameters':{'glucose':{'sites':[]}}}", "parameters/glucose"},
    {"{'parameters':{'glucose':{'sites':{'S01':5.6}}}}", "parameters/glucose"},
};

static void
what_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct study_rules *rules = NULL;
        char *json = quoted(refused[i].text), *why = NULL;
        if (study_rules_new(json, strlen(json), &rules, &why) != STUDY_RULES_REFUSED ||
            strstr(why, refused[i].why) == NULL)
            fail_msg("%s: %s", refused[i].text, why != NULL ? why : "(taken)");
        free(json);
        free(why);
    }
}

/* As many as there may be, and one more. */
static void
rules_and_recipients_have_bounds(void **state)
{
    (void)state;
    for (unsigned extra = 0; extra <= 1; extra++) {
        struct study_rules *rules;
        struct buf text;
        char *why = NULL;
        buf_init(&text, 1 << 20);
        buf_printf(&text, "{\"alerts\":{\"r\":{\"recipients\":[");
        for (unsigned i = 0; i < STUDY_RECIPIENTS_MAX + extra; i++)
            buf_printf(&text, "%s\"n%u\"", i > 0 ? "," : "", i);
        buf_printf(&text, "]}}}");
        int outcome = study_rules_new((const char *)text.data, text.size, &rules, &why);
        assert_int_equal(outcome, extra > 0 ? STUDY_RULES_REFUSED : STUDY_RULES_OK);
        if (outcome == STUDY_RULES_OK) {
            const char *const *names = study_rule_recipients(study_rules_find(rules, "r"));
            assert_string_equal(names[STUDY_RECIPIENTS_MAX - 1], "n31");
            assert_null(names[STUDY_RECIPIENTS_MAX]);
            study_rules_free(rules);
        }
        free(why);
        buf_clear(&text);
        buf_printf(&text, "{\"alerts\":{");
        for (unsigned i = 0; i < STUDY_RULES_MAX + extra; i++)
            buf_printf(&text, "%s\"r%u\":{}", i > 0 ? "," : "", i);
        buf_printf(&text, "}}");
        why = NULL;
        outcome = study_rules_new((const char *)text.data, text.size, &rules, &why);
        assert_int_equal(outcome, extra > 0 ? STUDY_RULES_REFUSED : STUDY_RULES_OK);
        if (outcome == STUDY_RULES_OK) {
            assert_int_equal(study_rules_count(rules), STUDY_RULES_MAX);
            for (unsigned i = 0; i < STUDY_RULES_MAX; i += 97) {
                char id[16];
                snprintf(id, sizeof(id), "r%u", i);
                assert_non_null(study_rules_find(rules, id));
            }
            assert_null(study_rules_find(rules, "r"));
            for (size_t i = 1; i < study_rules_count(rules); i++)
                assert_true(strcmp(study_rules_id(rules, i - 1), study_rules_id(rules, i)) < 0);
            study_rules_free(rules);
        }
        free(why);
        buf_deinit(&text);
    }
}

static void
other_members_are_not_looked_at(void **state)
{
    struct study_rules *rules = study_good("{'study':'NCT007','alerts':{},'recipients':{'x':1}}");

    (void)state;
    assert_int_equal(study_rules_count(rules), 0);
    assert_null(study_rules_find(rules, "r"));
    assert_null(study_rules_find(NULL, "r"));
    study_rules_free(rules);
}

static void
parameters_of_sites(void **state)
{
    struct study_rules *rules =
        study_good("{'parameters':{'glucose':{'sites':{'S2':{'uln':6.1},'S1':{'uln':5.5}}}}}");
    struct score_parameters p;

    (void)state;
    study_rules_parameters(rules, "S1", &p);
    assert_true(p.has_glucose_uln);
    assert_int_equal(p.glucose_uln.coefficient, 55);
    study_rules_parameters(rules, "S2", &p);
    assert_int_equal(p.glucose_uln.coefficient, 61);
    study_rules_parameters(rules, "S3", &p);
    assert_false(p.has_glucose_uln);
    study_rules_parameters(rules, NULL, &p);
    assert_false(p.has_glucose_uln);
    study_rules_parameters(NULL, "S1", &p);
    assert_false(p.has_glucose_uln);
    study_rules_free(rules);
}

static void
a_value_must_be_of_the_rules_kind(void **state)
{
    static const struct {
        const char *text;
        bool good;
    } cases[] = {
        {"{'alerts':{'phq9-item-9':{'value':1}}}", true},
        {"{'alerts':{'phq9-item-9':{'severity':'info'}}}", true},
        {"{'alerts':{'phq9-item-9':{'value':'1'}}}", false},
        {"{'alerts':{'phq9-item-9':{'value':true}}}", false},
        {"{'alerts':{'another':{'value':true}}}", true},
    };
    struct questionnaire *q = definition_shipped("phq-9");

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct study_rules *rules = study_good(cases[i].text);
        char *why = NULL;
        assert_int_equal(study_rules_check(rules, q, &why),
                         cases[i].good ? STUDY_RULES_OK : STUDY_RULES_REFUSED);
        if (!cases[i].good)
            assert_non_null(strstr(why, "phq9-item-9"));
        free(why);
        study_rules_free(rules);
    }
    questionnaire_free(q);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(rules_and_recipients_have_bounds),
        cmocka_unit_test(other_members_are_not_looked_at),
        cmocka_unit_test(parameters_of_sites),
        cmocka_unit_test(a_value_must_be_of_the_rules_kind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
