/* The instruments that ship in schemas/questionnaires: they compile without a warning, and score
 * and alert as their sources say. */
#include "tests/unit/questionnaire/clinical.h"

static const char *const names[] = {"daily-diary", "phq-9",    "vital-signs",
                                    "glucose",     "eq-5d-5l", "pro-ctcae"};
#define NAMES (sizeof(names) / sizeof(names[0]))

static void
all_compile_without_a_warning(void **state)
{
    (void)state;
    for (size_t i = 0; i < NAMES; i++) {
        struct questionnaire *q = definition_shipped(names[i]);
        if (questionnaire_warnings(q) > 0)
            fail_msg("%s: %s", names[i], questionnaire_warning(q, 0));
        questionnaire_free(q);
    }
}

static bool
has_alert(const struct questionnaire *q, const char *id)
{
    for (size_t i = 0; i < questionnaire_alerts(q); i++) {
        if (strcmp(questionnaire_alert_id(q, i), id) == 0)
            return true;
    }
    return false;
}

/* A study changes rules by their id: two instruments must not share one, and the study file that
 * ships as an example names rules that there are, with values of their kind. */
static void
rule_ids_are_of_one_instrument(void **state)
{
    struct questionnaire *q[NAMES];
    char path[512], *text = malloc(SHIPPED_MAX), *why = NULL;
    struct study_rules *study;

    (void)state;
    for (size_t i = 0; i < NAMES; i++)
        q[i] = definition_shipped(names[i]);
    for (size_t i = 0; i < NAMES; i++) {
        for (size_t k = 0; k < questionnaire_alerts(q[i]); k++) {
            for (size_t other = 0; other < i; other++)
                assert_false(has_alert(q[other], questionnaire_alert_id(q[i], k)));
        }
    }
    snprintf(path, sizeof(path), "%s/schemas/examples/study-all-members.json", SOURCE_DIR);
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    size_t n = fread(text, 1, SHIPPED_MAX, f), found = 0;
    fclose(f);
    assert_int_equal(study_rules_new(text, n, &study, &why), STUDY_RULES_OK);
    for (size_t i = 0; i < NAMES; i++) {
        assert_int_equal(study_rules_check(study, q[i], &why), STUDY_RULES_OK);
        for (size_t k = 0; k < study_rules_count(study); k++)
            found += has_alert(q[i], study_rules_id(study, k));
        questionnaire_free(q[i]);
    }
    assert_int_equal(found, study_rules_count(study));
    study_rules_free(study);
    free(text);
}

static void
phq9_answers(char *text, size_t size, int total, int item_9)
{
    int rest = total - item_9;
    size_t at = (size_t)snprintf(text, size, "{'PHQ0109':%d", item_9);

    for (int i = 1; i <= 8; i++) {
        int x = rest > 3 ? 3 : rest;
        rest -= x;
        at += (size_t)snprintf(text + at, size - at, ",'PHQ010%d':%d", i, x);
    }
    assert_int_equal(rest, 0);
    snprintf(text + at, size - at, "}");
}

static void
phq9_total_bands_and_item_9(void **state)
{
    char answers[512], score[DECIMAL_TEXT_SIZE + 64], expected[64], alerts[64];
    struct form f;

    (void)state;
    form_begin(&f, definition_shipped("phq-9"));
    for (int total = 0; total <= 27; total++) {
        const char *band = total <= 4    ? "minimal"
                           : total <= 9  ? "mild"
                           : total <= 14 ? "moderate"
                           : total <= 19 ? "moderately-severe"
                                         : "severe";
        for (int item_9 = total > 24 ? total - 24 : 0; item_9 <= 3 && item_9 <= total; item_9++) {
            phq9_answers(answers, sizeof(answers), total, item_9);
            form_take(&f, answers, true, NULL);
            snprintf(expected, sizeof(expected), "%d %s", total, band);
            assert_string_equal(form_score(&f, 0, score), expected);
            assert_string_equal(form_alerts(&f, NULL, alerts, sizeof(alerts)),
                                item_9 > 0 ? "phq9-item-9" : "");
            if (item_9 > 0) {
                assert_int_equal(f.hits[0].severity, ALERT_SEVERITY_URGENT);
                assert_true(f.hits[0].always);
                assert_string_equal(f.hits[0].link_id, "PHQ0109");
            }
        }
    }
    form_end(&f);
}

static void
phq9_one_answer_missing(void **state)
{
    char answers[512], score[DECIMAL_TEXT_SIZE + 64], alerts[64];
    struct form f;

    (void)state;
    form_begin(&f, definition_shipped("phq-9"));
    for (int missing = 1; missing <= 9; missing++) {
        size_t at = (size_t)snprintf(answers, sizeof(answers), "{'PHQ0111':null");
        for (int i = 1; i <= 9; i++)
            at += (size_t)snprintf(answers + at, sizeof(answers) - at, ",'PHQ010%d':%s", i,
                                   i == missing ? "null" : "1");
        snprintf(answers + at, sizeof(answers) - at, "}");
        form_take(&f, answers, true, NULL);
        assert_string_equal(form_score(&f, 0, score), "null");
        assert_string_equal(form_alerts(&f, NULL, alerts, sizeof(alerts)),
                            missing == 9 ? "" : "phq9-item-9");
    }
    form_end(&f);
}

/* Forms that are rejected, and must not lose their alert. */
static void
item_9_is_heard_in_a_broken_form(void **state)
{
    static const struct {
        const char *answers;
        bool heard;
    } cases[] = {
        {"{'PHQ0109':1}", true},
        {"{'PHQ0109':1,'PHQ0101':'oops','stranger':{'x':[1,{'y':2}]}}", true},
        {"{'PHQ0101':{'value':7,'items':{'PHQ0109':2}}}", true},
        {"{'group':{'PHQ0109':2}}", true},
        {"{'group':[{'PHQ0108':2},{'PHQ0109':2}]}", true},
        {"{'PHQ0109':[0,2]}", true},
        {"{'PHQ0109':7}", true}, /* no option, but an integer */
        {"{'PHQ0109':-1}", false},
        {"{'PHQ0109':[0]}", false},
        {"{'PHQ0109':'2'}", false}, /* not of its type */
        {"{'PHQ0109':1.0}", false},
        {"{'PHQ0109':true}", false},
        {"{'PHQ0109':4294967297}", false},
        {"{'PHQ0109':{'value':2}}", false},
        {"{'PHQ0109':{'value':2,'items':{}}}", true},
    };
    char alerts[64];
    struct form f;

    (void)state;
    form_begin(&f, definition_shipped("phq-9"));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        form_take(&f, cases[i].answers, true, NULL);
        form_alerts(&f, NULL, alerts, sizeof(alerts));
        if (strcmp(alerts, cases[i].heard ? "phq9-item-9" : "") != 0)
            fail_msg("%s: '%s'", cases[i].answers, alerts);
    }
    form_end(&f);
}

static void
blood_pressure_is_graded_in_any_unit(void **state)
{
    static const struct {
        const char *answers, *score, *alerts;
    } cases[] = {
        {"{'SYSBP':119,'DIABP':79}", "0 normal", ""},
        {"{'SYSBP':139,'DIABP':85.5}", "1 grade-1", ""},
        {"{'SYSBP':{'value':100,'code':'mm[Hg]'},'DIABP':90}", "2 grade-2", ""},
        {"{'SYSBP':160,'DIABP':60}", "3 grade-3", "blood-pressure-grade-3"},
        {"{'SYSBP':{'value':21.4,'code':'kPa'},'DIABP':60}", "3 grade-3", "blood-pressure-grade-3"},
        {"{'SYSBP':{'value':21.3,'code':'kPa'},'DIABP':60}", "2 grade-2", ""},
        {"{'SYSBP':{'value':200,'code':'kg'},'DIABP':60}", "null", ""},
        {"{'SYSBP':200}", "null", ""},
        {"{'SYSBP':200,'DIABP':null}", "null", ""},
    };
    char score[DECIMAL_TEXT_SIZE + 64], alerts[64];
    struct form f;

    (void)state;
    form_begin(&f, definition_shipped("vital-signs"));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        form_take(&f, cases[i].answers, true, NULL);
        if (strcmp(form_score(&f, 0, score), cases[i].score) != 0 ||
            strcmp(form_alerts(&f, NULL, alerts, sizeof(alerts)), cases[i].alerts) != 0)
            fail_msg("%s: '%s' '%s'", cases[i].answers, score, alerts);
    }
    form_end(&f);
}

/* schemas/examples: what a device sends is sound and is graded. */
static void
the_example_of_a_device_is_sound(void **state)
{
    char text[4096], score[DECIMAL_TEXT_SIZE + 64], path[512];
    struct findings findings;
    struct form f;

    (void)state;
    snprintf(path, sizeof(path), "%s/schemas/examples/submission-vital-signs.json", SOURCE_DIR);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    size_t n = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[n] = '\0';
    char *answers = strstr(text, "\"answers\": ") + strlen("\"answers\": ");
    *strrchr(answers, '}') = '\0';

    form_begin(&f, definition_shipped("vital-signs"));
    form_take(&f, answers, true, NULL);
    assert_string_equal(form_score(&f, 0, score), "2 grade-2");
    findings_init(&findings);
    questionnaire_check(f.q, f.answers.data, f.answers.size, true, &findings);
    assert_int_equal(findings.n, 0);
    findings_deinit(&findings);
    form_end(&f);
}

static void
glucose_takes_its_limit_from_the_site(void **state)
{
    static const char study[] =
        "{'parameters':{'glucose':{'uln':5.6,'sites':{'S02':{'uln':6.1}}}}}";
    static const struct {
        const char *answers, *site, *high, *low, *alerts;
    } cases[] = {
        {"{'glucose':5.8,'fasting':true}", "S01", "1", "0", ""},
        {"{'glucose':5.8,'fasting':true}", "S02", "0", "0", ""},
        {"{'glucose':5.8,'fasting':true}", NULL, "1", "0", ""},
        {"{'glucose':5.8,'fasting':false}", "S01", "0", "0", ""},
        {"{'glucose':5.8}", "S01", "null", "0", ""},
        {"{'glucose':14,'fasting':null}", "S01", "3", "0", "glucose-high-grade-3"},
        {"{'glucose':2.9}", "S01", "0", "2", "glucose-low-level-2"},
        {"{'glucose':{'value':54,'code':'mg/dL'},'fasting':true}", "S01", "0", "2",
         "glucose-low-level-2"},
        {"{'glucose':{'value':55,'code':'mg/dL'}}", "S01", "0", "1", ""},
        {"{'glucose':{'value':110,'code':'mg/dL'},'fasting':true}", "S01", "1", "0", ""},
        {"{'glucose':{'value':110,'code':'g/L'},'fasting':true}", "S01", "null", "null", ""},
    };
    struct study_rules *rules;
    char score[DECIMAL_TEXT_SIZE + 64], alerts[64];
    struct form f;

    (void)state;
    rules = study_good(study);
    form_begin(&f, definition_shipped("glucose"));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct score_parameters p;
        study_rules_parameters(rules, cases[i].site, &p);
        form_take(&f, cases[i].answers, true, &p);
        if (strcmp(form_score(&f, 0, score), cases[i].high) != 0 ||
            strcmp(form_score(&f, 1, score), cases[i].low) != 0 ||
            strcmp(form_alerts(&f, rules, alerts, sizeof(alerts)), cases[i].alerts) != 0)
            fail_msg("%s: '%s' '%s'", cases[i].answers, form_score(&f, 0, score), alerts);
    }
    form_take(&f, "{'glucose':5.8,'fasting':true}", true, NULL);
    assert_string_equal(form_score(&f, 0, score), "null");
    study_rules_free(rules);
    form_end(&f);
}

static void
eq5d_profile(void **state)
{
    char score[DECIMAL_TEXT_SIZE + 64];
    struct form f;

    (void)state;
    form_begin(&f, definition_shipped("eq-5d-5l"));
    form_take(&f,
              "{'EQ5D0201':2,'EQ5D0202':1,'EQ5D0203':5,'EQ5D0204':3,'EQ5D0205':4,"
              "'EQ5D0206':75}",
              true, NULL);
    assert_string_equal(form_score(&f, 0, score), "21534");
    form_take(&f, "{'EQ5D0201':2,'EQ5D0202':1,'EQ5D0204':3,'EQ5D0205':4,'EQ5D0206':75}", true,
              NULL);
    assert_string_equal(form_score(&f, 0, score), "null");
    form_end(&f);
}

static const char *
score_of(const struct form *f, const char *link_id, char text[DECIMAL_TEXT_SIZE + 64])
{
    for (size_t i = 0; i < questionnaire_scores(f->q); i++) {
        if (strcmp(questionnaire_score_link_id(f->q, i), link_id) == 0)
            return form_score(f, i, text);
    }
    fail_msg("no score %s", link_id);
    return NULL;
}

static void
pro_ctcae_composites_by_code(void **state)
{
    static const struct {
        const char *answers, *link_id, *score;
    } cases[] = {
        {"{'pain-frequency':'rarely','pain-severity':'moderate','pain-interference':"
         "'a-little-bit'}",
         "pain-composite", "2"},
        {"{'pain-frequency':'never'}", "pain-composite", "0"},
        {"{'pain-frequency':'rarely','pain-severity':'moderate'}", "pain-composite", "null"},
        {"{'pain-severity':'moderate','pain-interference':'a-little-bit'}", "pain-composite",
         "null"},
        {"{'nausea-frequency':'frequently','nausea-severity':'severe'}", "nausea-composite", "3"},
        {"{'urinary-urgency-frequency':'frequently','urinary-urgency-interference':"
         "'quite-a-bit'}",
         "urinary-urgency-composite", "3"},
        {"{'fatigue-severity':'very-severe','fatigue-interference':'not-at-all'}",
         "fatigue-composite", "2"},
        {"{'fatigue-severity':'none'}", "fatigue-composite", "0"},
        {"{'diarrhea-frequency':'frequently'}", "diarrhea-composite", "2"},
        {"{'constipation-severity':'severe'}", "constipation-composite", "3"},
        {"{'hair-loss-amount':'very-much'}", "hair-loss-composite", "2"},
        {"{'hair-loss-amount':'never'}", "hair-loss-composite", "null"},
        {"{}", "hair-loss-composite", "null"},
    };
    char text[DECIMAL_TEXT_SIZE + 64];
    struct form f;

    (void)state;
    form_begin(&f, definition_shipped("pro-ctcae"));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        form_take(&f, cases[i].answers, true, NULL);
        if (strcmp(score_of(&f, cases[i].link_id, text), cases[i].score) != 0)
            fail_msg("%s: %s", cases[i].answers, text);
    }
    form_end(&f);
}

/* 3 or above, or 2 or more above the previous answer; both numbers are the study's to change. */
static void
pro_ctcae_symptom_alerts(void **state)
{
    static const char study_text[] =
        "{'alerts':{'cough-severity-high':{'value':4},'cough-severity-worse':{'value':1},"
        "'pain-severity-high':{'off':true}}}";
    static const struct {
        const char *before, *now, *alerts, *in_study;
    } cases[] = {
        {NULL, "severe", "cough-severity-high", ""},
        {NULL, "moderate", "", ""},
        {"none", "moderate", "cough-severity-worse", "cough-severity-worse"},
        {"mild", "moderate", "", "cough-severity-worse"},
        {"mild", "severe", "cough-severity-high cough-severity-worse", "cough-severity-worse"},
        {"severe", "severe", "cough-severity-high", ""},
        {"severe", "mild", "", ""},
        {"none", "very-severe", "cough-severity-high cough-severity-worse",
         "cough-severity-high cough-severity-worse"},
    };
    struct study_rules *study;
    char answers[128], alerts[256];
    struct form f;

    (void)state;
    study = study_good(study_text);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        form_begin(&f, definition_shipped("pro-ctcae"));
        assert_true(questionnaire_has_comparative(f.q));
        if (cases[i].before != NULL) {
            snprintf(answers, sizeof(answers), "{'cough-severity':'%s'}", cases[i].before);
            form_older(&f, answers);
        }
        snprintf(answers, sizeof(answers), "{'cough-severity':'%s'}", cases[i].now);
        form_take(&f, answers, true, NULL);
        assert_string_equal(form_alerts(&f, NULL, alerts, sizeof(alerts)), cases[i].alerts);
        assert_string_equal(form_alerts(&f, study, alerts, sizeof(alerts)), cases[i].in_study);
        form_end(&f);
    }
    study_rules_free(study);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_compile_without_a_warning),
        cmocka_unit_test(rule_ids_are_of_one_instrument),
        cmocka_unit_test(phq9_total_bands_and_item_9),
        cmocka_unit_test(phq9_one_answer_missing),
        cmocka_unit_test(item_9_is_heard_in_a_broken_form),
        cmocka_unit_test(blood_pressure_is_graded_in_any_unit),
        cmocka_unit_test(the_example_of_a_device_is_sound),
        cmocka_unit_test(glucose_takes_its_limit_from_the_site),
        cmocka_unit_test(eq5d_profile),
        cmocka_unit_test(pro_ctcae_composites_by_code),
        cmocka_unit_test(pro_ctcae_symptom_alerts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
