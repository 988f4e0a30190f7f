/* Alert rules: every operator at its limit, codes and booleans, repeated answers, earlier answers,
 * scores, and what a study changes. */
#include "tests/unit/questionnaire/clinical.h"

/* clang-format off */
#define PART(name, value) "{'url':'" name "'," value "}"
#define RULE_OF(id, what, op, value) \
    "{'url':'" OURS "alert','extension':[" PART("id", "'valueId':'" id "'") "," what "," \
    PART("op", "'valueCode':'" op "'") "," PART("value", value) "," \
    PART("severity", "'valueCode':'warning'") "," PART("text", "'valueString':'for people'") "]}"
#define ON_ITEM(link_id) PART("item", "'valueString':'" link_id "'")
#define ON_SCORE(link_id) PART("score", "'valueString':'" link_id "'")
#define DEFINITION(rules) \
    "{'resourceType':'Questionnaire','status':'active','extension':[" rules "],'item':[" \
    ITEM("n", "decimal", "") "," \
    ITEM("many", "integer", ",'repeats':true") "," \
    ITEM("yes", "boolean", "") "," \
    ITEM("note", "string", "") "," \
    ITEM("pick", "choice", ",'answerOption':[{'valueCoding':{'system':'s1','code':'a'}}," \
         "{'valueCoding':{'system':'s2','code':'a'}},{'valueCoding':{'system':'s1','code':'b'}}]") \
    "," \
    ITEM("total", "decimal", ",'readOnly':true,'extension':[{'url':'" OURS "score','extension':" \
         "[{'url':'method','valueCode':'sum'},{'url':'of','valueString':'n'}]}]") "]}"

#define CODED \
    DEFINITION( \
        RULE_OF("is-a", ON_ITEM("pick"), "=", "'valueCoding':{'system':'s1','code':'a'}") "," \
        RULE_OF("any-a", ON_ITEM("pick"), "=", "'valueCode':'a'") "," \
        RULE_OF("not-b", ON_ITEM("pick"), "!=", "'valueCode':'b'") "," \
        RULE_OF("yes", ON_ITEM("yes"), "=", "'valueBoolean':true") "," \
        RULE_OF("not-yes", ON_ITEM("yes"), "!=", "'valueBoolean':true") "," \
        RULE_OF("says", ON_ITEM("note"), "=", "'valueString':'help'") "," \
        RULE_OF("some-3", ON_ITEM("many"), ">=", "'valueInteger':3"))
#define UP_AND_DOWN \
    DEFINITION( \
        RULE_OF("up", ON_ITEM("many"), ">", "'valueInteger':2") "," \
        RULE_OF("down", ON_ITEM("many"), "<", "'valueInteger':2"))
#define COMPARED \
    DEFINITION( \
        RULE_OF("rise", ON_ITEM("n"), "rise", "'valueDecimal':2") "," \
        RULE_OF("fall", ON_ITEM("n"), "fall", "'valueDecimal':0.1"))
#define OF_SCORE(op) DEFINITION(RULE_OF("much", ON_SCORE("total"), op, "'valueDecimal':5"))
/* clang-format on */

static const struct {
    const char *op, *value;
    const char *answers;
    bool holds;
} ops[] = {
    {">", "'valueDecimal':3", "{'n':3}", false},
    {">", "'valueDecimal':3", "{'n':3.0000000000000001}", true},
    {">", "'valueDecimal':3", "{'n':3.00000000000000000000000001}", false}, /* past 18 digits */
    {">", "'valueDecimal':3", "{'n':123456789012345678901234567890.5}", true},
    {">", "'valueDecimal':3", "{'n':-123456789012345678901234567890.5}", false},
    {">", "'valueDecimal':3", "{'n':0.00000000000000000000000000004}", false},
    {">", "'valueDecimal':3", "{'n':40000000000000000000000000e-25}", true},
    {">=", "'valueInteger':3", "{'n':3.0}", true},
    {">=", "'valueInteger':3", "{'n':2.999}", false},
    {"<", "'valueDecimal':3.9", "{'n':3.9}", false},
    {"<", "'valueDecimal':3.9", "{'n':3.8999}", true},
    {"<", "'valueDecimal':3.9", "{'n':-1}", true},
    {"<=", "'valueDecimal':3.9", "{'n':3.90}", true},
    {"<=", "'valueDecimal':3.9", "{'n':3.901}", false},
    {"=", "'valueDecimal':1e1", "{'n':10}", true},
    {"=", "'valueDecimal':1e1", "{'n':11}", false},
    {"!=", "'valueDecimal':1e1", "{'n':11}", true},
    {"!=", "'valueDecimal':1e1", "{'n':10.0}", false},
    {"!=", "'valueDecimal':1e1", "{}", false},
    {">", "'valueDecimal':3", "{'n':null}", false},
    {">", "'valueDecimal':3", "{'n':'4'}", false},
    {">", "'valueDecimal':3", "{'n':[]}", false},
};

static void
every_operator_at_its_limit(void **state)
{
    char text[4096], alerts[64];
    struct form f;

    (void)state;
    for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
        snprintf(text, sizeof(text), DEFINITION(RULE_OF("r", ON_ITEM("n"), "%s", "%s")), ops[i].op,
                 ops[i].value);
        form_begin(&f, definition_good(text, NULL));
        form_take(&f, ops[i].answers, true, NULL);
        form_alerts(&f, NULL, alerts, sizeof(alerts));
        if (strcmp(alerts, ops[i].holds ? "r" : "") != 0)
            fail_msg("%s %s of %s: '%s'", ops[i].op, ops[i].value, ops[i].answers, alerts);
        form_end(&f);
    }
}

/* Past what a signed integer holds. */
static void
the_largest_integer_is_a_number(void **state)
{
    char alerts[64];
    struct form f;

    (void)state;
    form_begin(&f, definition_good(
                       DEFINITION(RULE_OF("r", ON_ITEM("n"), ">", "'valueDecimal':1.8e19")), NULL));
    buf_clear(&f.answers);
    mp_put_map(&f.answers, 1);
    mp_put_cstr(&f.answers, "n");
    mp_put_uint(&f.answers, UINT64_MAX);
    readings_take(f.now, f.q, f.answers.data, f.answers.size);
    score_compute(f.q, f.now, true, NULL, &f.scores);
    assert_string_equal(form_alerts(&f, NULL, alerts, sizeof(alerts)), "r");
    form_end(&f);
}

static const struct {
    const char *answers, *alerts;
} coded[] = {
    {"{}", ""},
    {"{'pick':{'system':'s1','code':'a'}}", "is-a any-a not-b"},
    {"{'pick':{'system':'s2','code':'a'}}", "any-a not-b"},
    {"{'pick':'b'}", ""},
    {"{'pick':null,'yes':null}", ""},
    {"{'yes':true}", "yes"},
    {"{'yes':false}", "not-yes"},
    {"{'yes':1}", ""},
    {"{'note':'help'}", "says"},
    {"{'note':'helps'}", ""},
    {"{'note':7}", ""},
    {"{'many':[1,2]}", ""},
    {"{'many':[1,5,2,4]}", "some-3"},
    {"{'many':3}", "some-3"},
};

static void
codes_booleans_texts_and_repeated_answers(void **state)
{
    char alerts[128];
    struct form f;

    (void)state;
    form_begin(&f, definition_good(CODED, NULL));
    assert_int_equal(questionnaire_alerts(f.q), 7);
    assert_string_equal(questionnaire_alert_id(f.q, 1), "any-a");
    assert_false(questionnaire_has_comparative(f.q));
    for (size_t i = 0; i < sizeof(coded) / sizeof(coded[0]); i++) {
        form_take(&f, coded[i].answers, true, NULL);
        if (strcmp(form_alerts(&f, NULL, alerts, sizeof(alerts)), coded[i].alerts) != 0)
            fail_msg("%s: '%s'", coded[i].answers, alerts);
    }
    form_end(&f);
}

/* The worst of several answers is the measure by which a later alert is worse. */
static void
the_measure_is_the_worst(void **state)
{
    char alerts[128];
    struct form f;

    (void)state;
    form_begin(&f, definition_good(UP_AND_DOWN, NULL));
    form_take(&f, "{'many':[3,9,-4,1,5]}", true, NULL);
    assert_string_equal(form_alerts(&f, NULL, alerts, sizeof(alerts)), "up down");
    assert_true(f.hits[0].has_measure && !f.hits[0].lower_is_worse);
    assert_int_equal(f.hits[0].measure.coefficient, 9);
    assert_true(f.hits[1].has_measure && f.hits[1].lower_is_worse);
    assert_int_equal(f.hits[1].measure.coefficient, -4);
    assert_string_equal(f.hits[0].text, "for people");
    assert_string_equal(f.hits[0].link_id, "many");
    assert_false(f.hits[0].of_score);
    form_end(&f);
}

static const struct {
    const char *older[3]; /* newest first */
    const char *now, *alerts;
} compared[] = {
    {{NULL}, "{'n':100}", ""},
    {{"{}"}, "{'n':100}", ""},
    {{"{'n':1}"}, "{'n':2.9}", ""},
    {{"{'n':1}"}, "{'n':3}", "rise"},
    {{"{'n':1}"}, "{'n':0.91}", ""},
    {{"{'n':1}"}, "{'n':0.9}", "fall"},
    {{"{'n':1}"}, "{'n':null}", ""},
    {{"{'n':null}", "{'n':1}", "{'n':50}"}, "{'n':3}", "rise"},
    {{"{'yes':true}", "{'n':3}", "{'n':1}"}, "{'n':3}", ""},
    {{"{'n':3}", "{'n':1}"}, "{'n':3}", ""},
};

static void
compared_with_the_latest_earlier_answer(void **state)
{
    char alerts[64];

    (void)state;
    for (size_t i = 0; i < sizeof(compared) / sizeof(compared[0]); i++) {
        struct form f;
        form_begin(&f, definition_good(COMPARED, NULL));
        assert_true(questionnaire_has_comparative(f.q));
        for (size_t k = 0; k < 3 && compared[i].older[k] != NULL; k++)
            form_older(&f, compared[i].older[k]);
        form_take(&f, compared[i].now, true, NULL);
        if (strcmp(form_alerts(&f, NULL, alerts, sizeof(alerts)), compared[i].alerts) != 0)
            fail_msg("case %zu: '%s'", i, alerts);
        form_end(&f);
    }
}

static void
older_forms_are_wanted_until_all_is_known(void **state)
{
    struct form f;

    (void)state;
    form_begin(&f, definition_good(COMPARED, NULL));
    form_take(&f, "{'yes':true}", true, NULL);
    assert_false(alerts_want_older(f.q, f.now, f.previous));
    form_take(&f, "{'n':3}", true, NULL);
    assert_true(alerts_want_older(f.q, f.now, f.previous));
    form_older(&f, "{'n':null,'many':[1]}");
    form_take(&f, "{'n':3}", true, NULL);
    assert_true(alerts_want_older(f.q, f.now, f.previous));
    form_older(&f, "{'n':2}");
    form_take(&f, "{'n':3}", true, NULL);
    assert_false(alerts_want_older(f.q, f.now, f.previous));
    form_end(&f);
    form_begin(&f, definition_good(CODED, NULL));
    form_take(&f, "{'many':1}", true, NULL);
    assert_false(alerts_want_older(f.q, f.now, f.previous));
    form_end(&f);
}

static void
of_a_score(void **state)
{
    char alerts[64];
    struct form f;

    (void)state;
    form_begin(&f, definition_good(OF_SCORE(">="), NULL));
    form_take(&f, "{'n':5}", true, NULL);
    assert_string_equal(form_alerts(&f, NULL, alerts, sizeof(alerts)), "much");
    assert_true(f.hits[0].of_score);
    assert_string_equal(f.hits[0].link_id, "total");
    assert_int_equal(alerts_evaluate(f.q, NULL, f.now, NULL, NULL, f.hits), 0);
    form_take(&f, "{'n':5}", false, NULL); /* in progress: no score */
    assert_string_equal(form_alerts(&f, NULL, alerts, sizeof(alerts)), "");
    form_take(&f, "{'total':99}", true, NULL); /* the sender's is not taken */
    assert_string_equal(form_alerts(&f, NULL, alerts, sizeof(alerts)), "");
    form_end(&f);
}

/* An earlier score is not kept, so that a rule about one would never hold: refused. */
static void
scores_are_not_compared_with_earlier_ones(void **state)
{
    struct questionnaire *q = NULL;
    char *why = NULL;

    (void)state;
    assert_int_equal(definition_compile(OF_SCORE("rise"), NULL, &q, &why), QUESTIONNAIRE_REFUSED);
    assert_non_null(strstr(why, "compares answers, not scores"));
    free(why);
}

static void
the_study_changes_rules_by_their_id(void **state)
{
    struct study_rules *study = study_good(
        "{'alerts':{'some-3':{'value':5,'severity':'urgent','recipients':['nurse','doctor']},"
        "'any-a':{'value':'b'},'yes':{'value':false},'is-a':{'off':true},'not-b':{'off':false},"
        "'says':{'value':3},'of-another-form':{'off':true}}}");
    char alerts[128];
    struct form f;

    (void)state;
    form_begin(&f, definition_good(CODED, NULL));
    form_take(&f, "{'many':4,'pick':'b','yes':false,'note':'help'}", true, NULL);
    /* A value of the wrong kind does not silence the rule. */
    assert_string_equal(form_alerts(&f, study, alerts, sizeof(alerts)), "any-a yes not-yes says");
    form_take(&f, "{'many':5,'pick':{'system':'s1','code':'a'}}", true, NULL);
    assert_string_equal(form_alerts(&f, study, alerts, sizeof(alerts)), "not-b some-3");
    assert_int_equal(f.hits[0].severity, ALERT_SEVERITY_WARNING);
    assert_null(study_rule_recipients(f.hits[0].study));
    assert_int_equal(f.hits[1].severity, ALERT_SEVERITY_URGENT);
    assert_string_equal(study_rule_recipients(f.hits[1].study)[0], "nurse");
    assert_string_equal(study_rule_recipients(f.hits[1].study)[1], "doctor");
    assert_null(study_rule_recipients(f.hits[1].study)[2]);
    study_rules_free(study);
    form_end(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operator_at_its_limit),
        cmocka_unit_test(the_largest_integer_is_a_number),
        cmocka_unit_test(codes_booleans_texts_and_repeated_answers),
        cmocka_unit_test(the_measure_is_the_worst),
        cmocka_unit_test(compared_with_the_latest_earlier_answer),
        cmocka_unit_test(older_forms_are_wanted_until_all_is_known),
        cmocka_unit_test(of_a_score),
        cmocka_unit_test(scores_are_not_compared_with_earlier_ones),
        cmocka_unit_test(the_study_changes_rules_by_their_id),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
