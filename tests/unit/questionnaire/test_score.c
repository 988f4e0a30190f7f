/* Score rules of every method: null rules, exact sums, rows, bands, what a sender sends, and the
 * bytes that are stored. */
#include "tests/unit/questionnaire/clinical.h"

static const char form_text[] =
    "{'resourceType':'Questionnaire','status':'active','item':["
    "{'linkId':'a','text':'A','type':'decimal'},"
    "{'linkId':'b','text':'B','type':'decimal'},"
    "{'linkId':'c','text':'C','type':'choice','answerOption':["
    "  {'valueCoding':{'system':'s','code':'no'},'extension':[{'url':"
    "'http://hl7.org/fhir/StructureDefinition/ordinalValue','valueDecimal':0.5}]},"
    "  {'valueCoding':{'system':'s','code':'yes','extension':[{'url':"
    "'http://hl7.org/fhir/StructureDefinition/itemWeight','valueDecimal':2}]}}]},"
    "{'linkId':'d','text':'D','type':'boolean'},"
    "{'linkId':'e','text':'E','type':'integer','item':["
    "  {'linkId':'under','text':'U','type':'integer'}]},"
    "{'linkId':'sum','text':'S','type':'decimal','readOnly':true,'extension':["
    "{'url':'" OURS "score','extension':[{'url':'method','valueCode':'sum'},"
    "{'url':'of','valueString':'a'},{'url':'of','valueString':'b'},"
    "{'url':'of','valueString':'c'},{'url':'minAnswered','valueInteger':2},"
    "{'url':'band','extension':[{'url':'high','valueDecimal':0.3},{'url':'code',"
    "'valueCode':'low'}]},"
    "{'url':'band','extension':[{'url':'low','valueDecimal':3},{'url':'code',"
    "'valueCode':'high'}]}]}]},"
    "{'linkId':'row','text':'R','type':'integer','readOnly':true,'extension':["
    "{'url':'" OURS "score','extension':[{'url':'method','valueCode':'lookup'},"
    "{'url':'of','valueString':'d'},{'url':'of','valueString':'e'},"
    "{'url':'row','extension':[{'url':'when','valueInteger':1},{'url':'when',"
    "'valueInteger':3},{'url':'value','valueInteger':30}]},"
    "{'url':'row','extension':[{'url':'when','valueInteger':0},{'url':'when',"
    "'valueInteger':3},{'url':'value','valueInteger':-7}]},"
    "{'url':'row','extension':[{'url':'when','valueInteger':1},{'url':'when',"
    "'valueInteger':2},{'url':'value','valueDecimal':20.5}]}]}]},"
    "{'linkId':'profile','text':'P','type':'string','readOnly':true,'extension':["
    "{'url':'" OURS "score','extension':[{'url':'method','valueCode':'profile'},"
    "{'url':'of','valueString':'e'},{'url':'of','valueString':'under'}]}]}]}";

static struct form f;

static int
begin(void **state)
{
    (void)state;
    form_begin(&f, definition_good(form_text, NULL));
    return 0;
}

static int
end(void **state)
{
    (void)state;
    form_end(&f);
    return 0;
}

static const struct {
    const char *answers, *sum, *row, *profile;
    bool differs;
} cases[] = {
    {"{}", "null", "null", "null", false},
    {"{'a':1,'b':null,'c':null}", "null", "null", "null", false},
    /* Exact: a double's 0.1 + 0.2 would lie above the band. */
    {"{'a':0.1,'b':0.2}", "0.3 low", "null", "null", false},
    {"{'a':1e-3,'b':1}", "1.001", "null", "null", false},
    {"{'a':-5,'b':1}", "-4 low", "null", "null", false},
    {"{'a':1,'c':'no'}", "1.5", "null", "null", false},
    {"{'a':1,'c':'yes'}", "3 high", "null", "null", false},
    {"{'a':1,'c':{'system':'s','code':'yes'}}", "3 high", "null", "null", false},
    {"{'a':1,'c':{'system':'other','code':'yes'}}", "null", "null", "null", false},
    {"{'a':1,'c':'maybe'}", "null", "null", "null", false},
    {"{'a':1,'b':1,'c':'yes'}", "4 high", "null", "null", false},
    /* Past 18 digits there is no exact sum. */
    {"{'a':999999999999999999,'b':1}", "1000000000000000000 high", "null", "null", false},
    {"{'a':999999999999999999,'b':0.1}", "null", "null", "null", false},
    /* An item answered twice has no one number. */
    {"{'a':[1,2],'b':1}", "null", "null", "null", false},
    {"{'d':true,'e':3}", "null", "30", "null", false},
    {"{'d':false,'e':3}", "null", "-7", "null", false},
    {"{'d':true,'e':2}", "null", "20.5", "null", false},
    {"{'d':false,'e':2}", "null", "null", "null", false},
    {"{'d':true}", "null", "null", "null", false},
    {"{'e':{'value':3,'items':{'under':12}}}", "null", "null", "312", false},
    {"{'e':{'value':3,'items':{'under':-1}}}", "null", "null", "null", false},
    {"{'e':{'value':3,'items':{'under':null}}}", "null", "null", "null", false},
    /* A score that came along is compared by value, and never taken. */
    {"{'a':1,'b':2,'sum':3.0}", "3 high", "null", "null", false},
    {"{'a':1,'b':2,'sum':4}", "3 high", "null", "null", true},
    {"{'sum':4}", "null", "null", "null", true},
    {"{'sum':null}", "null", "null", "null", false},
    {"{'e':{'value':3,'items':{'under':1}},'profile':'31'}", "null", "null", "31", false},
    {"{'e':{'value':3,'items':{'under':1}},'profile':'13'}", "null", "null", "31", true},
};

static void
methods_null_rules_and_bands(void **state)
{
    char text[DECIMAL_TEXT_SIZE + 64];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *expected[] = {cases[i].sum, cases[i].row, cases[i].profile};
        form_take(&f, cases[i].answers, true, NULL);
        assert_int_equal(f.scores.n, 3);
        for (size_t s = 0; s < 3; s++) {
            if (strcmp(form_score(&f, s, text), expected[s]) != 0)
                fail_msg("%s: score %zu is '%s', not '%s'", cases[i].answers, s, text, expected[s]);
        }
        if (scores_differ(&f.scores) != cases[i].differs)
            fail_msg("%s: differs", cases[i].answers);
    }
}

static void
an_incomplete_form_has_no_scores(void **state)
{
    char text[DECIMAL_TEXT_SIZE + 64];

    (void)state;
    form_take(&f, "{'a':1,'b':2,'d':true,'e':3,'sum':99}", false, NULL);
    for (size_t s = 0; s < 3; s++)
        assert_string_equal(form_score(&f, s, text), "null");
    assert_false(scores_differ(&f.scores));
}

static void
what_is_stored(void **state)
{
    static const char expected[] = "\x83"
                                   "\xa3sum\x82\xa5value\xc7\x03\x01"
                                   "0.3"
                                   "\xa4"
                                   "band\xa3low"
                                   "\xa3row\x81\xa5value\xf9"
                                   "\xa7profile\x81\xa5value\xa2"
                                   "31";

    (void)state;
    form_take(&f, "{'a':0.1,'b':0.2,'d':false,'e':{'value':3,'items':{'under':1}}}", true, NULL);
    buf_clear(&f.out);
    assert_int_equal(scores_write(f.q, &f.scores, &f.out), BUF_OK);
    assert_int_equal(f.out.size, sizeof(expected) - 1);
    assert_memory_equal(f.out.data, expected, sizeof(expected) - 1);
    assert_int_equal(questionnaire_scores(f.q), 3);
    assert_string_equal(questionnaire_score_link_id(f.q, 2), "profile");

    struct buf small;
    for (size_t room = 0; room < sizeof(expected) - 1; room++) {
        buf_init(&small, room);
        assert_int_equal(scores_write(f.q, &f.scores, &small), BUF_FULL);
        buf_deinit(&small);
    }
}

/* Numbers that the definition gives a weight of their own, in a small and in a large set. */
static void
an_integer_may_have_a_weight(void **state)
{
    char text[DECIMAL_TEXT_SIZE + 64], answers[64], expected[16];

    (void)state;
    for (int n = 3; n <= 40; n += 37) {
        struct buf definition;
        struct form weighed;
        buf_init(&definition, 1 << 20);
        buf_printf(&definition, "{'resourceType':'Questionnaire','status':'active','item':["
                                "{'linkId':'w','text':'w','type':'integer','answerOption':[");
        for (int i = 0; i < n; i++)
            buf_printf(
                &definition,
                "%s{'valueInteger':%d,'extension':[{'url':"
                "'http://hl7.org/fhir/StructureDefinition/ordinalValue','valueDecimal':%d}]}",
                i > 0 ? "," : "", i, 10 * i);
        buf_printf(&definition, "]}," ITEM("s", "decimal",
                                           ",'readOnly':true,'extension':[{'url':'" OURS
                                           "score','extension':[{'url':'method','valueCode':'sum'}"
                                           ",{'url':'of','valueString':'w'}]}]") "]}");
        buf_append(&definition, "", 1);
        form_begin(&weighed, definition_good((const char *)definition.data, NULL));
        for (int i = 0; i < n; i++) {
            snprintf(answers, sizeof(answers), "{'w':%d}", i);
            snprintf(expected, sizeof(expected), "%d", 10 * i);
            form_take(&weighed, answers, true, NULL);
            assert_string_equal(form_score(&weighed, 0, text), expected);
        }
        form_end(&weighed);
        buf_deinit(&definition);
    }
}

/* One past the room of a profile: no score rather than half of one. */
static void
a_profile_has_a_bound(void **state)
{
    struct buf definition, answers;

    (void)state;
    for (unsigned n = SCORE_PROFILE_MAX; n <= SCORE_PROFILE_MAX + 1; n++) {
        buf_init(&definition, 1 << 20);
        buf_init(&answers, 1 << 20);
        buf_printf(&definition, "{'resourceType':'Questionnaire','status':'active',"
                                "'item':[");
        buf_printf(&answers, "{");
        for (unsigned i = 0; i < n; i++) {
            buf_printf(&definition, "{'linkId':'i%u','text':'x','type':'integer'},", i);
            buf_printf(&answers, "%s'i%u':1", i > 0 ? "," : "", i);
        }
        buf_printf(&definition, "{'linkId':'p','text':'x','type':'string','readOnly':true,"
                                "'extension':[{'url':'" OURS "score','extension':[{'url':'method',"
                                "'valueCode':'profile'}");
        for (unsigned i = 0; i < n; i++)
            buf_printf(&definition, ",{'url':'of','valueString':'i%u'}", i);
        buf_append(&definition, "]}]}]}", 7);
        buf_append(&answers, "}", 2);
        struct form wide;
        form_begin(&wide, definition_good((const char *)definition.data, NULL));
        form_take(&wide, (const char *)answers.data, true, NULL);
        assert_int_equal(wide.scores.of[0].kind, n == SCORE_PROFILE_MAX ? SCORE_TEXT : SCORE_NULL);
        form_end(&wide);
        buf_deinit(&definition);
        buf_deinit(&answers);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(methods_null_rules_and_bands, begin, end),
        cmocka_unit_test_setup_teardown(an_incomplete_form_has_no_scores, begin, end),
        cmocka_unit_test_setup_teardown(what_is_stored, begin, end),
        cmocka_unit_test(an_integer_may_have_a_weight),
        cmocka_unit_test(a_profile_has_a_bound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
