/* The table of what is supported, obeyed row by row: what it refuses is refused by name, and with
 * unchecked taken and flagged, with what stands below; what it ignores changes nothing. */
#include "tests/unit/questionnaire/definition.h"

#include "questionnaire/item.h"
#include "questionnaire/support.h"

static const struct questionnaire_options unchecked = {.unchecked = true};

/* A definition of three items (a; b below a; c) in which the row's thing stands at its place. */
static void
definition_with(const struct support_row *row, char *text, size_t size)
{
    char root[400] = "", item[400] = "", option[400] = "", condition[400] = "";
    char *at = row->place == SUPPORT_QUESTIONNAIRE ? root
               : row->place == SUPPORT_OPTION      ? option
               : row->place == SUPPORT_CONDITION   ? condition
                                                   : item;

    if (row->place == SUPPORT_EXTENSION)
        snprintf(at, 400, ",'extension':[{'url':'%s','valueString':'x'}]", row->key);
    else
        snprintf(at, 400, ",'%s':[{'url':'x'}]", row->key);
    snprintf(text, size,
             "{'resourceType':'Questionnaire','status':'active'%s,'item':["
             "{'linkId':'a','text':'t','type':'choice','answerOption':[{'valueString':'x'%s}]%s,"
             "'enableWhen':[{'question':'c','operator':'exists','answerBoolean':true%s}],"
             "'item':[{'linkId':'b','text':'t','type':'string'}]},"
             "{'linkId':'c','text':'t','type':'string'}]}",
             root, option, item, condition);
}

static void
flagged_check(const char *text, const char *name, bool all)
{
    struct questionnaire *q = definition_good(text, &unchecked);

    if (!q->items[0].unverified || !q->items[1].unverified || q->items[2].unverified != all)
        fail_msg("%s: a, b are flagged, c only if all is: %d %d %d", name, q->items[0].unverified,
                 q->items[1].unverified, q->items[2].unverified);
    assert_int_equal(q->n_unverified, all ? 3 : 2);
    assert_true(questionnaire_warnings(q) > 0);
    if (strstr(questionnaire_warning(q, 0), name) == NULL)
        fail_msg("'%s' does not name %s", questionnaire_warning(q, 0), name);
    questionnaire_free(q);
}

static void
refused_check(const char *text, const char *name, bool all)
{
    struct questionnaire *q;
    char *why = NULL;

    assert_int_equal(definition_compile(text, NULL, &q, &why), QUESTIONNAIRE_REFUSED);
    if (strstr(why, name) == NULL || (strstr(why, "item 'a'") != NULL) == all)
        fail_msg("'%s' does not name %s", why, name);
    free(why);
    flagged_check(text, name, all);
}

static void
what_the_table_refuses_is_refused_or_flagged(void **state)
{
    char text[4096];
    unsigned n = 0;

    (void)state;
    for (unsigned i = 0; i < SUPPORT_COUNT; i++) {
        const struct support_row *row = &support_rows[i];
        if (row->verdict != SUPPORT_REFUSED || row->place == SUPPORT_CONSTRUCT)
            continue;
        const char *slash = strrchr(row->key, '/');
        definition_with(row, text, sizeof(text));
        refused_check(text, slash != NULL ? slash + 1 : row->key,
                      row->place == SUPPORT_QUESTIONNAIRE);
        n++;
    }
    assert_true(n >= 13);
}

static void
what_the_table_ignores_changes_nothing(void **state)
{
    char text[4096];

    (void)state;
    for (unsigned i = 0; i < SUPPORT_COUNT; i++) {
        const struct support_row *row = &support_rows[i];
        if (row->verdict != SUPPORT_IGNORED || i == HAS_CONSTRAINT ||
            row->place == SUPPORT_CONSTRUCT)
            continue;
        definition_with(row, text, sizeof(text));
        struct questionnaire *q = definition_good(text, NULL);
        if (questionnaire_warnings(q) != 0 || q->n_unverified != 0)
            fail_msg("%s: %s", row->key, questionnaire_warning(q, 0));
        questionnaire_free(q);
    }
}

/* What the members' table can't say: a line for each CONSTRUCT of it. */
static const struct {
    enum support construct;
    const char *member, *name;
} constructs[] = {
    {HAS_CONSTRAINT_ERROR,
     "'extension':[{'url':'" HL7
     "questionnaire-constraint','extension':[{'url':'severity','valueCode':'error'}]}]",
     "questionnaire-constraint"},
    {HAS_CONSTRAINT_ERROR, "'extension':[{'url':'" HL7 "questionnaire-constraint','extension':[]}]",
     "questionnaire-constraint"},
    {HAS_EXPRESSION_VALUE,
     "'extension':[{'url':'" HL7 "minLength','_valueInteger':{'extension':[{'url':'" HL7
     "cqf-expression','valueExpression':{}}]}}]",
     "minLength"},
    {HAS_EXPRESSION_VALUE,
     "'extension':[{'url':'" HL7
     "minLength','valueInteger':1,'_valueInteger':{'extension':[{'url':'" HL7
     "cqf-calculatedValue','valueExpression':{}}]}}]",
     "minLength"},
    {HAS_EXPRESSION_VALUE,
     "'_required':{'extension':[{'url':'" HL7 "cqf-expression','valueExpression':{}}]}",
     "required"},
    {HAS_VALUE_SET_OPEN, "'type':'choice','answerValueSet':'#open'", "answerValueSet"},
    {HAS_LENGTH_OF_NUMBER, "'type':'integer','maxLength':3", "maxLength"},
    {HAS_REGEX_OF_OTHER, "'type':'date','extension':[{'url':'" HL7 "regex','valueString':'x'}]",
     "regex"},
    {HAS_UNKNOWN_MEMBER, "'answerConstraint':'optionsOnly'", "answerConstraint"},
};

static void
constructs_are_refused_or_flagged(void **state)
{
    char text[4096];
    bool seen[SUPPORT_COUNT] = {false};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(constructs); i++) {
        bool typed = strstr(constructs[i].member, "'type'") != NULL;
        snprintf(text, sizeof(text),
                 "{'resourceType':'Questionnaire','status':'active','contained':["
                 "{'resourceType':'ValueSet','id':'open','compose':{'include':[{'system':'s'}]}}],"
                 "'item':[{'linkId':'a','text':'t',%s%s,'item':["
                 "{'linkId':'b','text':'t','type':'string'}]},"
                 "{'linkId':'c','text':'t','type':'string'}]}",
                 typed ? "" : "'type':'string',", constructs[i].member);
        refused_check(text, constructs[i].name, false);
        seen[constructs[i].construct] = true;
    }
    for (unsigned i = 0; i < SUPPORT_COUNT; i++) {
        if (support_rows[i].place == SUPPORT_CONSTRUCT && !seen[i])
            fail_msg("no definition here says: %s", support_rows[i].key);
    }
}

static void
a_constraint_that_only_warns_is_ignored(void **state)
{
    struct questionnaire *q = definition_good(
        Q(ITEM("a", "string",
               EXTS(EXT(HL7 "questionnaire-constraint",
                        "'extension':[{'url':'severity','valueCode':'warning'}]")))),
        NULL);

    (void)state;
    assert_int_equal(q->n_unverified, 0);
    questionnaire_free(q);
}

/* A choice whose answers only an expression knows needs no options when it is flagged. */
static void
an_unverified_choice_needs_no_options(void **state)
{
    struct questionnaire *q = definition_good(
        Q(ITEM("a", "choice", EXTS(EXT(SDC "answerExpression", "'valueExpression':{}")))),
        &unchecked);

    (void)state;
    assert_true(q->items[0].unverified);
    questionnaire_free(q);
}

static void
every_row_stands_once(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SUPPORT_COUNT; i++)
        assert_int_equal(support_find(support_rows[i].place, support_rows[i].key), i);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_table_refuses_is_refused_or_flagged),
        cmocka_unit_test(what_the_table_ignores_changes_nothing),
        cmocka_unit_test(constructs_are_refused_or_flagged),
        cmocka_unit_test(a_constraint_that_only_warns_is_ignored),
        cmocka_unit_test(an_unverified_choice_needs_no_options),
        cmocka_unit_test(every_row_stands_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
