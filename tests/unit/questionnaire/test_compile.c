/* Which definitions are taken, and why others are not: frame, items, options. */
#include "tests/unit/questionnaire/definition.h"

/* clang-format off */
static const struct refusal frames[] = {
    {"", "line"},
    {"[]", "resourceType"},
    {"{'resourceType':'Patient'}", "resourceType"},
    {"{'resourceType':'Questionnaire'}", "at least one item"},
    {"{'resourceType':'Questionnaire','resourceType':'Questionnaire'}", "duplicate"},
    {"{'resourceType':'Questionnaire','status':'\\u0001'}", "U+0001"},
    {"{'resourceType':'Questionnaire','item':{'linkId':'a'}}", "'item' must be an array"},
    {"{'resourceType':'Questionnaire','url':7,'item':[" CHOICE("a") "]}", "'url' must be a text"},
    {"{'resourceType':'Questionnaire','url':1.5,'item':[" CHOICE("a") "]}",
     "'url' must be a text"},
    {"{'resourceType':'Questionnaire','version':1.0,'item':[" CHOICE("a") "]}", "'version'"},
    {"{'resourceType':'Questionnaire','name':'','item':[" CHOICE("a") "]}", "'name'"},
    {"{'resourceType':'Questionnaire','status':[],'item':[" CHOICE("a") "]}", "'status'"},
    {"{'resourceType':'Questionnaire','effectivePeriod':7,'item':[" CHOICE("a") "]}", "Period"},
    {"{'resourceType':'Questionnaire','effectivePeriod':{'start':'soon'},'item':[" CHOICE("a")
     "]}", "effectivePeriod.start"},
    {"{'resourceType':'Questionnaire','effectivePeriod':{'end':'2026-02-30'},'item':[" CHOICE("a")
     "]}", "effectivePeriod.end"},
    {"{'resourceType':'Questionnaire','extension':7,'item':[" CHOICE("a") "]}", "'extension'"},
    {"{'resourceType':'Questionnaire','extension':[{}],'item':[" CHOICE("a") "]}", "url"},
    {"{'resourceType':'Questionnaire','extension':[{'url':'" HL7
     "minValue','valueInteger':1}],'item':[" CHOICE("a") "]}", "no meaning at this place"},
    {Q("7"), "object"},
    {Q("{'type':'string'}"), "linkId"},
    {Q("{'linkId':'','type':'string'}"), "linkId"},
    {Q("{'linkId':7,'type':'string'}"), "linkId"},
    {Q("{'linkId':'a\\nb','type':'string'}"), "linkId"},
    {Q(ITEM("a", "group", ",'item':{}")), "'item' must be an array"},
};
/* clang-format on */

/* clang-format off */
static const struct refusal items[] = {
    {Q("{'linkId':'a'}"), "item 'a': type ''"},
    {Q(ITEM("a", "question", "")), "item 'a': type 'question'"},
    {Q(ITEM("a", "string", "") "," ITEM("a", "string", "")), "item 'a': the linkId stands twice"},
    {Q(ITEM("a", "string", ",'required':'yes'")), "item 'a': 'required'"},
    {Q(ITEM("a", "string", ",'repeats':1")), "item 'a': 'repeats'"},
    {Q(ITEM("a", "string", ",'readOnly':0")), "item 'a': 'readOnly'"},
    {Q("{'linkId':'a','type':'string','text':7}"), "item 'a': 'text'"},
    {Q(ITEM("a", "string", ",'code':{'code':'x'}")), "item 'a': 'code'"},
    {Q(ITEM("a", "string", ",'code':[{'code':7}]")), "item 'a': 'code'"},
    {Q(ITEM("a", "string", ",'extension':{}")), "item 'a': 'extension'"},
    {Q(ITEM("a", "string", EXTS("{'valueCode':'x'}"))), "item 'a': an extension needs a url"},
    {Q(ITEM("a", "string", EXTS(EXT(HL7 "questionnaire-hidden", "'valueCode':'x'")))),
     "item 'a': questionnaire-hidden"},
    {Q(ITEM("a", "string", EXTS("{'url':'" HL7 "minLength'}"))),
     "item 'a': the extension minLength has no value"},
    {Q(ITEM("a", "string", EXTS(EXT(OURS "alert", "'valueCode':'x'")))),
     "item 'a': the extension alert has no meaning at this place"},
    {Q(ITEM("a", "integer", EXTS(EXT(HL7 "ordinalValue", "'valueDecimal':1.0")))),
     "item 'a': the extension ordinalValue has no meaning at this place"},
    {Q(ITEM("a", "display", ",'item':[" ITEM("b", "string", "") "]")),
     "item 'a': a display has no items"},
    {Q(ITEM("a", "string", ",'definition':7")), "item 'a': 'definition'"},
    {Q(ITEM("a", "string", EXTS(EXT(OURS "identifier", "'extension':[]")))), "identifier: kind"},
    {Q(ITEM("a", "string", EXTS(EXT(OURS "identifier",
     "'extension':[{'url':'kind','valueCode':'shoe'}]")))), "item 'a': identifier: kind 'shoe'"},
    {Q(ITEM("a", "string", EXTS(EXT(OURS "identifier",
     "'extension':[{'url':'kind','valueCode':'name'},{'url':'action','valueCode':'shred'}]")))),
     "item 'a': identifier: action 'shred'"},
    {Q(ITEM("a", "string", EXTS(EXT(OURS "identifier",
     "'extension':[{'url':'kind','valueCode':'name'},{'url':'actoin','valueCode':'drop'}]")))),
     "item 'a': identifier: 'actoin'"},
    {Q(ITEM("a", "string", EXTS(EXT(OURS "identifier",
     "'extension':[{'url':'kind','valueCode':'name'},{'url':'action','valueCode':'year'}]")))),
     "item 'a': identifier: only a birthDate"},
    {Q(ITEM("a", "group", EXTS(EXT(OURS "identifier",
     "'extension':[{'url':'kind','valueCode':'name'}]")))),
     "item 'a': identifier: only a question"},
};
/* clang-format on */

#define OPTIONS(type, list) Q(ITEM("a", type, ",'answerOption':[" list "]"))

/* clang-format off */
static const struct refusal options[] = {
    {Q(ITEM("a", "choice", "")), "item 'a': a choice needs answerOption"},
    {Q(ITEM("a", "choice", ",'answerOption':[]")), "item 'a': 'answerOption'"},
    {Q(ITEM("a", "choice", ",'answerOption':{}")), "item 'a': 'answerOption'"},
    {OPTIONS("choice", "7"), "item 'a': an option must be an object"},
    {OPTIONS("choice", "{}"), "item 'a': an option without a value"},
    {OPTIONS("choice", "{'valueCoding':7}"), "item 'a': valueCoding"},
    {OPTIONS("choice", "{'valueCoding':{'system':'s'}}"), "item 'a': an option needs a code"},
    {OPTIONS("choice", "{'valueCoding':{'code':7}}"), "item 'a': 'code'"},
    {OPTIONS("choice", "{'valueInteger':1.5}"), "item 'a': an option is no integer"},
    {OPTIONS("choice", "{'valueInteger':3000000000}"), "item 'a': an option is no integer"},
    {OPTIONS("choice", "{'valueString':''}"), "item 'a': an option's value must be a text"},
    {OPTIONS("choice", "{'valueString':1.5}"), "item 'a': an option's value must be a text"},
    {OPTIONS("choice", "{'valueDate':'today'}"), "item 'a': an option is no date"},
    {OPTIONS("choice", "{'valueTime':'25:00:00'}"), "item 'a': an option is no date or time"},
    {OPTIONS("choice", "{'valueReference':{}}"), "item 'a': an option's value must be a text"},
    {OPTIONS("integer", "{'valueString':'1'}"), "item 'a': an option's valueString"},
    {OPTIONS("string", "{'valueCoding':{'code':'x'}}"), "item 'a': an option's valueCoding"},
    {OPTIONS("boolean", "{'valueString':'x'}"), "item 'a': an option's valueString"},
    {OPTIONS("quantity", "{'valueInteger':1}"), "item 'a': an option's valueInteger"},
    {OPTIONS("choice", "{'valueCoding':{'code':'x'}" EXTS(EXT(HL7 "ordinalValue",
     "'valueString':'1'")) "}"), "item 'a': an option's weight"},
    {OPTIONS("choice", "{'valueCoding':{'code':'x'" EXTS(EXT(HL7 "itemWeight",
     "'valueDecimal':1234567890123456789.5")) "}}"), "item 'a': an option's weight"},
    {OPTIONS("choice", "{'valueCoding':{'code':'x'}" EXTS(EXT(HL7 "questionnaire-optionExclusive",
     "'valueCode':'x'")) "}"), "item 'a': optionExclusive"},
    {OPTIONS("choice", "{'valueCoding':{'code':'x'}" EXTS(EXT(HL7 "minValue", "'valueInteger':1"))
     "}"), "item 'a': the extension minValue has no meaning at this place"},
    {Q(ITEM("a", "choice", ",'answerOption':[{'valueString':'x'}],'answerValueSet':'#x'")),
     "item 'a': has both"},
    {Q(ITEM("a", "date", ",'answerValueSet':'#x'")), "item 'a': answerValueSet does not fit"},
    {Q(ITEM("a", "choice", ",'answerValueSet':7")), "item 'a': 'answerValueSet'"},
};
/* clang-format on */

static void
frames_are_refused(void **state)
{
    (void)state;
    refusals_check(frames, ARRAY_LEN(frames), NULL);
}

static void
items_are_refused_by_name(void **state)
{
    (void)state;
    refusals_check(items, ARRAY_LEN(items), NULL);
}

static void
options_are_refused_by_name(void **state)
{
    (void)state;
    refusals_check(options, ARRAY_LEN(options), NULL);
}

/* --unchecked is for what can't be evaluated, not for what is wrong. */
static void
unchecked_excuses_no_fault(void **state)
{
    const struct questionnaire_options unchecked = {.unchecked = true};

    (void)state;
    refusals_check(frames, ARRAY_LEN(frames), &unchecked);
    refusals_check(items, ARRAY_LEN(items), &unchecked);
    refusals_check(options, ARRAY_LEN(options), &unchecked);
}

static void
all_reasons_are_told_up_to_a_bound(void **state)
{
    struct questionnaire *q = NULL;
    char *why = NULL, text[8192] = "{'resourceType':'Questionnaire','item':[";

    (void)state;
    for (int i = 0; i < QUESTIONNAIRE_WHYS_MAX + 5; i++)
        sprintf(text + strlen(text), "%s{'linkId':'i%d','type':'nonsense'}", i > 0 ? "," : "", i);
    strcat(text, "]}");
    assert_int_equal(definition_compile(text, NULL, &q, &why), QUESTIONNAIRE_REFUSED);
    assert_non_null(strstr(why, "item 'i0'"));
    assert_non_null(strstr(why, "item 'i19'"));
    assert_null(strstr(why, "item 'i20'"));
    assert_non_null(strstr(why, "\nand more"));
    free(why);
}

/* n items nested in one another, or side by side. */
static char *
definition_make(size_t n, bool nested)
{
    char *json = mem_new(n * 64 + 128, 1), *p = json;

    p += sprintf(p, "{'resourceType':'Questionnaire','item':[");
    for (size_t i = 0; i < n; i++)
        p += sprintf(p, "%s{'linkId':'i%zu','type':'%s'%s", i > 0 && !nested ? "," : "", i,
                     nested ? "group" : "string",
                     nested && i + 1 < n ? ",'item':["
                     : nested            ? ""
                                         : "}");
    for (size_t i = 0; nested && i < n; i++)
        p += sprintf(p, i > 0 ? "]}" : "}");
    sprintf(p, "]}");
    return json;
}

static int
definition_try(size_t n, bool nested)
{
    struct questionnaire *q = NULL;
    char *why = NULL, *text = definition_make(n, nested);
    int outcome = definition_compile(text, NULL, &q, &why);

    if (outcome == QUESTIONNAIRE_OK) {
        assert_int_equal(questionnaire_items(q), n);
        questionnaire_free(q);
    }
    free(why);
    free(text);
    return outcome;
}

static void
depth_and_number_are_bounded(void **state)
{
    (void)state;
    assert_int_equal(definition_try(QUESTIONNAIRE_DEPTH_MAX, true), QUESTIONNAIRE_OK);
    assert_int_equal(definition_try(QUESTIONNAIRE_DEPTH_MAX + 1, true), QUESTIONNAIRE_REFUSED);
    assert_int_equal(definition_try(QUESTIONNAIRE_ITEMS_MAX, false), QUESTIONNAIRE_OK);
    assert_int_equal(definition_try(QUESTIONNAIRE_ITEMS_MAX + 1, false), QUESTIONNAIRE_REFUSED);
}

static void
link_ids_are_bounded(void **state)
{
    char text[512];

    (void)state;
    for (int extra = 0; extra < 2; extra++) {
        struct questionnaire *q = NULL;
        char *why = NULL;
        snprintf(text, sizeof(text), Q("{'linkId':'%0*d','type':'string'}"),
                 QUESTIONNAIRE_LINK_ID_MAX + extra, 0);
        int outcome = definition_compile(text, NULL, &q, &why);
        assert_int_equal(outcome, extra ? QUESTIONNAIRE_REFUSED : QUESTIONNAIRE_OK);
        if (!extra)
            questionnaire_free(q);
        free(why);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_are_refused),
        cmocka_unit_test(items_are_refused_by_name),
        cmocka_unit_test(options_are_refused_by_name),
        cmocka_unit_test(unchecked_excuses_no_fault),
        cmocka_unit_test(all_reasons_are_told_up_to_a_bound),
        cmocka_unit_test(depth_and_number_are_bounded),
        cmocka_unit_test(link_ids_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
