/* Limits at load: which are taken, and that a wrong or misplaced one is refused by its item. */
#include "tests/unit/questionnaire/definition.h"

#include "questionnaire/item.h"
#include "questionnaire/regex.h"

#define WITH(type, list) Q(ITEM("a", type, EXTS(list)))
#define VALUE(name, value) EXT(HL7 name, value)

/* clang-format off */
static const struct refusal refusals[] = {
    {WITH("string", VALUE("minValue", "'valueInteger':1")), "item 'a': minValue does not fit"},
    {WITH("integer", VALUE("minValue", "'valueString':'1'")),
     "item 'a': minValue must be a number"},
    {WITH("decimal", VALUE("maxValue", "'valueDecimal':0.1234567890123456789")),
     "item 'a': maxValue must be a number of 18 digits"},
    {WITH("integer", VALUE("maxValue", "'valueInteger':1") "," VALUE("maxValue",
     "'valueInteger':2")), "item 'a': maxValue stands twice"},
    {WITH("date", VALUE("minValue", "'valueDate':'2026-02-30'")), "item 'a': minValue must be a"},
    {WITH("date", VALUE("minValue", "'valueDate':'2026-01-01T10:00:00Z'")),
     "item 'a': minValue must be a date"},
    {WITH("date", VALUE("minValue", "'valueInteger':7")), "item 'a': minValue must be a date"},
    {WITH("dateTime", VALUE("maxValue", "'valueDateTime':'2026-02-03T10:00:00'")),
     "item 'a': maxValue must be a dateTime"},
    {WITH("time", VALUE("minValue", "'valueTime':'10'")), "item 'a': minValue must be a time"},
    {WITH("decimal", EXT(SDC "minQuantity", "'valueQuantity':{'value':1}")),
     "item 'a': sdc-questionnaire-minQuantity does not fit"},
    {WITH("quantity", EXT(SDC "minQuantity", "'valueQuantity':{'code':'kg'}")),
     "item 'a': sdc-questionnaire-minQuantity must be a quantity"},
    {WITH("quantity", EXT(SDC "maxQuantity", "'valueDecimal':1.0")),
     "item 'a': sdc-questionnaire-maxQuantity must be a quantity"},
    {WITH("quantity", EXT(SDC "maxQuantity", "'valueQuantity':{'value':1,'comparator':'<'}")),
     "'comparator'"},
    {WITH("quantity", EXT(SDC "maxQuantity", "'valueQuantity':{'value':1,'code':7}")),
     "item 'a': 'code'"},
    {Q(ITEM("a", "string", ",'maxLength':0")), "item 'a': 'maxLength'"},
    {Q(ITEM("a", "string", ",'maxLength':1.5")), "item 'a': 'maxLength'"},
    {Q(ITEM("a", "string", ",'maxLength':3000000000")), "item 'a': 'maxLength'"},
    {Q(ITEM("a", "date", ",'maxLength':3")), "item 'a': maxLength does not fit"},
    {WITH("string", VALUE("minLength", "'valueInteger':-1")), "item 'a': minLength must be"},
    {WITH("date", VALUE("minLength", "'valueInteger':1")), "item 'a': minLength does not fit"},
    {WITH("decimal", VALUE("maxDecimalPlaces", "'valueInteger':-1")),
     "item 'a': maxDecimalPlaces"},
    {WITH("string", VALUE("maxDecimalPlaces", "'valueInteger':1")),
     "item 'a': maxDecimalPlaces does not fit"},
    {WITH("string", VALUE("questionnaire-minOccurs", "'valueInteger':-1")),
     "item 'a': questionnaire-minOccurs must"},
    {WITH("string", VALUE("questionnaire-maxOccurs", "'valueInteger':0")),
     "item 'a': questionnaire-maxOccurs must"},
    {WITH("display", VALUE("questionnaire-maxOccurs", "'valueInteger':1")),
     "item 'a': questionnaire-maxOccurs does not fit"},
    {WITH("string", VALUE("regex", "'valueInteger':1")), "item 'a': regex must be a text"},
    {WITH("string", VALUE("regex", "'valueString':'(a'")), "item 'a': regex: missing"},
    {WITH("string", VALUE("regex", "'valueString':'(a)\\\\1'")),
     "item 'a': regex: backreferences"},
    {WITH("string", VALUE("regex", "'valueString':'(?<n>a)\\\\k<n>'")),
     "item 'a': regex: backreferences"},
    {WITH("string", VALUE("regex", "'valueString':'(a)?(?(1)b|c)'")),
     "item 'a': regex: backreferences"},
    {WITH("string", VALUE("mimeType", "'valueCode':'image/png'")), "item 'a': mimeType does not"},
    {WITH("attachment", VALUE("mimeType", "'valueInteger':1")), "item 'a': mimeType must be"},
    {WITH("string", VALUE("maxSize", "'valueDecimal':1.5")), "item 'a': maxSize does not fit"},
    {WITH("attachment", VALUE("maxSize", "'valueDecimal':0.0")), "item 'a': maxSize must be"},
    {WITH("attachment", VALUE("maxSize", "'valueDecimal':1e300")), "item 'a': maxSize must be"},
    {WITH("attachment", VALUE("maxSize", "'valueString':'1'")), "item 'a': maxSize must be"},
    {WITH("string", VALUE("questionnaire-referenceResource", "'valueCode':'Patient'")),
     "item 'a': questionnaire-referenceResource does not fit"},
    {WITH("reference", VALUE("questionnaire-referenceResource", "'valueCode':'Pateint'")),
     "item 'a': referenceResource: 'Pateint'"},
    {WITH("string", VALUE("questionnaire-unit", "'valueCoding':{'code':'kg'}")),
     "item 'a': questionnaire-unit does not fit"},
    {WITH("quantity", VALUE("questionnaire-unit", "'valueCode':'kg'")),
     "item 'a': questionnaire-unit must be a Coding"},
    {WITH("quantity", VALUE("questionnaire-unit", "'valueCoding':{'system':'s'}")),
     "item 'a': questionnaire-unit needs a code"},
    {WITH("quantity", VALUE("questionnaire-unit", "'valueCoding':{'code':'kg'}") "," VALUE(
     "questionnaire-unit", "'valueCoding':{'code':'g'}")),
     "item 'a': questionnaire-unit stands twice"},
    {WITH("decimal", VALUE("questionnaire-unitOption", "'valueCoding':{'code':'kg'}")),
     "item 'a': units to choose from do not fit"},
    {WITH("quantity", VALUE("questionnaire-unitOption", "'valueCode':'kg'")),
     "item 'a': unitOption must be a Coding"},
    {WITH("quantity", VALUE("questionnaire-unitValueSet", "'valueInteger':1")),
     "item 'a': unitValueSet must be a canonical"},
    {WITH("quantity", VALUE("questionnaire-unitValueSet", "'valueCanonical':'#u'")),
     "item 'a': unitValueSet #u: it is not contained"},
};
/* clang-format on */

static void
wrong_limits_are_refused_by_name(void **state)
{
    (void)state;
    refusals_check(refusals, ARRAY_LEN(refusals), NULL);
}

static struct item *
item_of(struct questionnaire *q)
{
    return &q->items[0];
}

static void
limits_keep_their_literal(void **state)
{
    char text[DECIMAL_TEXT_SIZE];
    struct questionnaire *q =
        definition_good(WITH("decimal", VALUE("minValue", "'valueDecimal':0.100") "," VALUE(
                                            "maxValue", "'valueDecimal':99999999999999999.9")),
                        NULL);

    (void)state;
    assert_int_equal(item_of(q)->min.kind, LIMIT_NUMBER);
    decimal_format(item_of(q)->min.number, text);
    assert_string_equal(text, "0.100");
    decimal_format(item_of(q)->max.number, text);
    assert_string_equal(text, "99999999999999999.9");
    questionnaire_free(q);
}

/* clang-format off */
static const char limits_form[] =
    Q(ITEM("a", "string", ",'maxLength':9" EXTS(VALUE("minLength", "'valueInteger':2") "," VALUE(
     "regex", "'valueString':'[a-z]+'"))) "," ITEM("b", "integer", ",'repeats':true" EXTS(VALUE(
     "questionnaire-minOccurs", "'valueInteger':2") "," VALUE("questionnaire-maxOccurs",
     "'valueInteger':3") "," VALUE("maxDecimalPlaces", "'valueInteger':0"))) "," ITEM("c",
     "attachment", EXTS(VALUE("mimeType", "'valueCode':'image/png'") "," VALUE("mimeType",
     "'valueCode':'image/jpeg'") "," VALUE("maxSize", "'valueDecimal':1.5"))) "," ITEM("d",
     "reference", EXTS(VALUE("questionnaire-referenceResource", "'valueCode':'Device'"))) "," ITEM(
     "e", "quantity", EXTS(VALUE("questionnaire-unit", "'valueCoding':{'system':'u','code':'kg'}")
     "," VALUE("questionnaire-unitOption", "'valueCoding':{'system':'u','code':'g'}") "," EXT(SDC
     "minQuantity", "'valueQuantity':{'value':0.5,'code':'kg'}"))) "," ITEM("f", "dateTime", EXTS(
     VALUE("minValue", "'valueDateTime':'2026-01'"))));
/* clang-format on */

static void
limits_stand_in_the_flat_form(void **state)
{
    struct questionnaire *q = definition_good(limits_form, NULL);
    const struct item *item = q->items;

    (void)state;
    assert_int_equal(item[0].max_length, 9);
    assert_int_equal(item[0].min_length, 2);
    assert_int_equal(regex_match(item[0].regex, "abc", 3), REGEX_MATCHES);
    assert_int_equal(item[0].max_decimal_places, -1);
    assert_int_equal(item[1].min_occurs, 2);
    assert_int_equal(item[1].max_occurs, 3);
    assert_int_equal(item[1].max_decimal_places, 0);
    assert_int_equal(item[2].n_mime_types, 2);
    assert_string_equal(item[2].mime_types[1], "image/jpeg");
    assert_int_equal(item[2].max_bytes, 1500000);
    assert_string_equal(item[3].reference_types[0], "Device");
    assert_string_equal(item[4].unit->code, "kg");
    assert_int_equal(item[4].n_units, 2); /* the default is allowed too */
    assert_int_equal(item[4].min.kind, LIMIT_QUANTITY);
    assert_string_equal(item[4].min.unit.code, "kg");
    assert_int_equal(item[5].min.kind, LIMIT_MOMENT);
    assert_string_equal(item[5].min.text, "2026-01");
    questionnaire_free(q);
}

/* {definition, part of the warning} */
/* clang-format off */
static const char *const warnings[][2] = {
    {"{'resourceType':'Questionnaire','item':[" ITEM("a", "string", "") "]}", "no status"},
    {"{'resourceType':'Questionnaire','status':'draft','item':[" ITEM("a", "string", "") "]}",
     "status is draft"},
    {"{'resourceType':'Questionnaire','status':'retired','item':[" ITEM("a", "string", "") "]}",
     "status is retired"},
    {Q("{'linkId':'a','type':'string'}"), "item 'a': has no text"},
    {Q(ITEM("a", "group", "")), "item 'a': a group without items"},
    {Q(ITEM("a", "display", ",'required':true")), "item 'a': a display takes no answer"},
    {WITH("integer", VALUE("minValue", "'valueInteger':2") "," VALUE("maxValue",
     "'valueInteger':1")), "item 'a': the least value is above the greatest"},
    {WITH("date", VALUE("minValue", "'valueDate':'2026'") "," VALUE("maxValue",
     "'valueDate':'2025-12'")), "item 'a': the least value is above the greatest"},
    {WITH("quantity", EXT(SDC "minQuantity", "'valueQuantity':{'value':2,'code':'g'}") "," EXT(SDC
     "maxQuantity", "'valueQuantity':{'value':1,'code':'g'}")),
     "item 'a': the least value is above the greatest"},
    {Q(ITEM("a", "string", ",'maxLength':1" EXTS(VALUE("minLength", "'valueInteger':2")))),
     "item 'a': minLength is above maxLength"},
    {WITH("string", VALUE("questionnaire-maxOccurs", "'valueInteger':2")),
     "item 'a': maxOccurs is above 1"},
    {WITH("string", VALUE("questionnaire-minOccurs", "'valueInteger':2")),
     "item 'a': minOccurs is above"},
    {Q(ITEM("a", "choice", ",'answerOption':[{'valueString':'x'},{'valueString':'x'}]")),
     "item 'a': the option 'x' stands twice"},
    {Q(ITEM("a", "choice", ",'answerOption':[{'valueCoding':{'system':'s','code':'x'}},"
     "{'valueCoding':{'system':'s','code':'x'}}]")), "item 'a': the option 'x' stands twice"},
    {Q(CHOICE("a") "," ITEM("b", "string",
     ",'enableWhen':[{'question':'a','operator':'=','answerCoding':{'code':'y'}}]")),
     "item 'b': enableWhen: 'y' is none of the question's options"},
    {WITH("quantity", VALUE("questionnaire-unit", "'valueCoding':{'code':'kg'}") "," VALUE(
     "questionnaire-unitOption", "'valueCoding':{'code':'g'}")), "item 'a': the default unit"},
    {WITH("string", EXT("https://example.org/colour", "'valueCode':'red'")),
     "item 'a': the extension https://example.org/colour is not known"},
};
/* clang-format on */

static void
doubtful_definitions_are_taken_with_a_warning(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(warnings); i++) {
        struct questionnaire *q = definition_good(warnings[i][0], NULL);
        if (questionnaire_warnings(q) != 1 ||
            strstr(questionnaire_warning(q, 0), warnings[i][1]) == NULL)
            fail_msg("%s\nexpected %s, got %zu: %s", warnings[i][0], warnings[i][1],
                     questionnaire_warnings(q),
                     questionnaire_warnings(q) > 0 ? questionnaire_warning(q, 0) : "none");
        questionnaire_free(q);
    }
}

/* Near what is warned of, and sound. */
/* clang-format off */
static const char *const sound[] = {
    Q(ITEM("a", "string", ",'maxLength':2" EXTS(VALUE("minLength", "'valueInteger':2")))),
    WITH("integer", VALUE("minValue", "'valueInteger':1") "," VALUE("maxValue",
     "'valueInteger':1")),
    WITH("date", VALUE("minValue", "'valueDate':'2026'") "," VALUE("maxValue",
     "'valueDate':'2026-05'")),
    WITH("string", VALUE("questionnaire-minOccurs", "'valueInteger':1") "," VALUE(
     "questionnaire-maxOccurs", "'valueInteger':1")),
    Q(ITEM("a", "string", ",'repeats':true" EXTS(VALUE("questionnaire-minOccurs",
     "'valueInteger':2")))),
    Q(ITEM("a", "choice", ",'answerOption':[{'valueCoding':{'system':'s','code':'x'}},"
     "{'valueCoding':{'system':'u','code':'x'}}]")),
    Q(ITEM("a", "choice",
     ",'answerOption':[{'valueCoding':{'system':'s','code':'x'}},{'valueString':'x'}]")),
    Q(CHOICE("a") "," ITEM("b", "string",
     ",'enableWhen':[{'question':'a','operator':'=','answerCoding':{'code':'x'}}]")),
    WITH("quantity", VALUE("questionnaire-unit", "'valueCoding':{'code':'g'}") "," VALUE(
     "questionnaire-unitOption", "'valueCoding':{'code':'g'}")),
    WITH("string", VALUE("minLength", "'valueInteger':0")),
    WITH("decimal", VALUE("maxDecimalPlaces", "'valueInteger':0")),
    WITH("string", VALUE("minLength", "'valueInteger':2147483647")),
    "{'resourceType':'Questionnaire','status':'active','item':[{'linkId':'a',"
     "'type':'group','item':[" ITEM("b", "string", "") "]}]}",
};
/* clang-format on */

static void
sound_definitions_are_taken_without_a_word(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sound); i++) {
        struct questionnaire *q = definition_good(sound[i], NULL);
        if (questionnaire_warnings(q) != 0)
            fail_msg("%s\n%s", sound[i], questionnaire_warning(q, 0));
        questionnaire_free(q);
    }
}

static void
warnings_are_bounded(void **state)
{
    char *text = mem_new(64 * (QUESTIONNAIRE_WARNINGS_MAX + 10), 1), *p = text;

    (void)state;
    p += sprintf(p, "{'resourceType':'Questionnaire','status':'active','item':[");
    for (int i = 0; i < QUESTIONNAIRE_WARNINGS_MAX + 5; i++)
        p += sprintf(p, "%s{'linkId':'i%d','type':'string'}", i > 0 ? "," : "", i);
    strcpy(p, "]}");
    struct questionnaire *q = definition_good(text, NULL);
    assert_int_equal(questionnaire_warnings(q), QUESTIONNAIRE_WARNINGS_MAX);
    assert_string_equal(questionnaire_warning(q, QUESTIONNAIRE_WARNINGS_MAX - 1), "and more");
    questionnaire_free(q);
    free(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_limits_are_refused_by_name),
        cmocka_unit_test(limits_keep_their_literal),
        cmocka_unit_test(limits_stand_in_the_flat_form),
        cmocka_unit_test(doubtful_definitions_are_taken_with_a_warning),
        cmocka_unit_test(sound_definitions_are_taken_without_a_word),
        cmocka_unit_test(warnings_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
