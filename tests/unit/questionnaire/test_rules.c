/* Every rule of schemas/rules.def that answers can break has a case here that breaks only it; a
 * rule without a case fails the test. Rules of the envelope and of the store are tested where they
 * are judged. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/cmocka_all.h"

#include "base/error.h"
#include "schemas/wire/mp.h"
#include "tests/unit/questionnaire/answers.h"

#define EXTENSION "http://hl7.org/fhir/StructureDefinition/"
#define SDC "http://hl7.org/fhir/uv/sdc/StructureDefinition/"
#define RESPONSE(items) "{\"resourceType\":\"QuestionnaireResponse\",\"item\":[" items "]}"
#define ITEM(link_id, more) "{\"linkId\":\"" link_id "\"," more "}"
#define QUESTION(link_id, type) ITEM(link_id, "\"type\":\"" type "\"")
#define EXTENDED(link_id, type, url, value)                                                        \
    ITEM(link_id, "\"type\":\"" type "\",\"extension\":[{\"url\":\"" url "\"," value "}]")
#define CHOICE(type)                                                                               \
    ITEM("c", "\"type\":\"" type "\",\"answerOption\":["                                           \
              "{\"valueCoding\":{\"system\":\"s1\",\"code\":\"x\"}},"                              \
              "{\"valueCoding\":{\"system\":\"s2\",\"code\":\"x\"}},"                              \
              "{\"valueCoding\":{\"system\":\"s1\",\"code\":\"y\"}}]")
#define MANY_GROUP                                                                                 \
    ITEM("g", "\"type\":\"group\",\"repeats\":true,\"item\":[" QUESTION("in", "string") "]")
#define UNDER ITEM("q", "\"type\":\"boolean\",\"item\":[" QUESTION("why", "string") "]")

static const struct {
    enum rule rule;
    const char *items, *answers;
    const char *pointer, *parameter;
} cases[] = {
    {RULE_RESOURCE, QUESTION("a", "string"), RESPONSE("7"), "/item/0", "an object"},
    {RULE_RESOURCE, QUESTION("a", "string"), RESPONSE("{\"text\":\"x\"}"), "/item/0", "linkId"},
    {RULE_RESOURCE, QUESTION("a", "string"), RESPONSE("{\"linkId\":\"a\",\"answers\":[]}"),
     "/item/0", "linkId and item or answer"},
    {RULE_RESOURCE, QUESTION("a", "string"),
     RESPONSE("{\"linkId\":\"a\",\"answer\":[{\"valueString\":\"x\",\"valueInteger\":1}]}"),
     "/item/0/answer/0", "one value[x], item"},
    {RULE_MODIFIER, QUESTION("a", "string"),
     RESPONSE("{\"linkId\":\"a\",\"modifierExtension\":[{\"url\":\"x\"}]}"),
     "/item/0/modifierExtension", NULL},
    {RULE_UNKNOWN_ITEM, QUESTION("a", "string"), "{\"stranger\":1}", "/answers", NULL},
    {RULE_UNKNOWN_ITEM, QUESTION("a", "string"), RESPONSE("{\"linkId\":\"stranger\"}"), "/item/0",
     NULL},
    {RULE_MISPLACED_ITEM, MANY_GROUP, "{\"in\":\"x\"}", "/answers/in", NULL},
    {RULE_MISPLACED_ITEM, MANY_GROUP, RESPONSE("{\"linkId\":\"in\"}"), "/item/0", NULL},
    {RULE_DUPLICATE_ITEM, QUESTION("a", "string"),
     RESPONSE("{\"linkId\":\"a\"},{\"linkId\":\"a\"}"), "/item/1", NULL},
    {RULE_NOT_A_QUESTION, QUESTION("a", "display"), "{\"a\":1}", "/answers/a", NULL},
    {RULE_NOT_A_QUESTION, MANY_GROUP,
     RESPONSE("{\"linkId\":\"g\",\"answer\":[{\"valueString\":\"x\"}]}"), "/item/0/answer", NULL},
    {RULE_ITEM_AND_ANSWER, UNDER,
     RESPONSE("{\"linkId\":\"q\",\"answer\":[{\"valueBoolean\":true}],"
              "\"item\":[{\"linkId\":\"why\"}]}"),
     "/item/0", NULL},
    {RULE_ITEM_NESTING, UNDER, RESPONSE("{\"linkId\":\"q\",\"item\":[{\"linkId\":\"why\"}]}"),
     "/item/0/item", NULL},
    {RULE_ITEM_ORDER, QUESTION("a", "string") "," QUESTION("b", "string"),
     RESPONSE("{\"linkId\":\"b\"},{\"linkId\":\"a\"}"), "/item/1", NULL},
    {RULE_TYPE, QUESTION("a", "integer"), "{\"a\":1.0}", "/answers/a",
     "a number without fraction or exponent, of 32 bits"},
    {RULE_TYPE, QUESTION("a", "text"),
     RESPONSE("{\"linkId\":\"a\",\"answer\":[{\"valueUri\":\"x\"}]}"), "/item/0/answer/0/valueUri",
     "a text"},
    {RULE_EMPTY, QUESTION("a", "string"), "{\"a\":\"\"}", "/answers/a", NULL},
    {RULE_LINE_BREAK, QUESTION("a", "string"), "{\"a\":\"two\\nlines\"}", "/answers/a", NULL},
    {RULE_CONTROL_CHARACTER, QUESTION("a", "text"), "{\"a\":\"bell\\u0007\"}", "/answers/a", NULL},
    {RULE_DATE, QUESTION("a", "date"), "{\"a\":\"2026-02-29\"}", "/answers/a", NULL},
    {RULE_DATE_TIME, QUESTION("a", "dateTime"), "{\"a\":\"2026-02-01 10:00:00Z\"}", "/answers/a",
     NULL},
    {RULE_DATE_TIME_ZONE, QUESTION("a", "dateTime"), "{\"a\":\"2026-02-01T10:00:00\"}",
     "/answers/a", NULL},
    {RULE_TIME, QUESTION("a", "time"), "{\"a\":\"24:00:00\"}", "/answers/a", NULL},
    {RULE_URI, QUESTION("a", "url"), "{\"a\":\"urn:uuid:1\"}", "/answers/a", NULL},
    {RULE_REFERENCE, QUESTION("a", "reference"), "{\"a\":{\"reference\":\"Person/x y\"}}",
     "/answers/a", NULL},
    {RULE_REFERENCE, QUESTION("a", "reference"),
     "{\"a\":{\"reference\":\"Patient/1\",\"type\":\"Group\"}}", "/answers/a", NULL},
    {RULE_ATTACHMENT, QUESTION("a", "attachment"), "{\"a\":{\"data\":\"QUJD\"}}", "/answers/a",
     NULL},
    {RULE_COMPARATOR, QUESTION("a", "quantity"), "{\"a\":{\"value\":5,\"comparator\":\"<\"}}",
     "/answers/a", NULL},
    {RULE_DISABLED,
     QUESTION("a", "boolean") "," ITEM("b", "\"type\":\"string\",\"enableWhen\":[{\"question\":"
                                            "\"a\",\"operator\":\"=\",\"answerBoolean\":true}]"),
     "{\"a\":false,\"b\":\"x\"}", "/answers/b", NULL},
    {RULE_REQUIRED, ITEM("a", "\"type\":\"string\",\"required\":true"), "{\"a\":null}",
     "/answers/a", NULL},
    {RULE_REPEATS, QUESTION("a", "string"), "{\"a\":[\"x\"]}", "/answers/a", NULL},
    {RULE_REPEATS, QUESTION("a", "string"),
     RESPONSE("{\"linkId\":\"a\",\"answer\":[{\"valueString\":\"x\"},{\"valueString\":\"y\"}]}"),
     "/item/0", NULL},
    {RULE_MIN_OCCURS,
     ITEM("a", "\"type\":\"string\",\"repeats\":true,\"extension\":[{\"url\":\"" EXTENSION
               "questionnaire-minOccurs\",\"valueInteger\":2}]"),
     "{\"a\":[\"x\"]}", "/answers/a", "2"},
    {RULE_MAX_OCCURS,
     ITEM("a", "\"type\":\"string\",\"repeats\":true,\"extension\":[{\"url\":\"" EXTENSION
               "questionnaire-maxOccurs\",\"valueInteger\":2}]"),
     "{\"a\":[\"x\",\"y\",\"z\"]}", "/answers/a", "2"},
    {RULE_OPTION, CHOICE("choice"), "{\"c\":\"z\"}", "/answers/c", NULL},
    {RULE_OPTION, CHOICE("open-choice"),
     RESPONSE(
         "{\"linkId\":\"c\",\"answer\":[{\"valueCoding\":{\"system\":\"s3\",\"code\":\"x\"}}]}"),
     "/item/0/answer/0/valueCoding", NULL},
    {RULE_OPTION_AMBIGUOUS, CHOICE("choice"), "{\"c\":\"x\"}", "/answers/c", NULL},
    {RULE_OPTION_EXCLUSIVE,
     ITEM("c", "\"type\":\"choice\",\"repeats\":true,\"answerOption\":["
               "{\"valueCoding\":{\"code\":\"x\"}},{\"valueCoding\":{\"code\":\"none\"},"
               "\"extension\":[{\"url\":\"" EXTENSION
               "questionnaire-optionExclusive\",\"valueBoolean\":true}]}]"),
     "{\"c\":[\"x\",\"none\"]}", "/answers/c", NULL},
    {RULE_DIGITS, QUESTION("a", "decimal"), "{\"a\":1.000000000000000000}", "/answers/a", "18"},
    {RULE_MAX_DECIMAL_PLACES,
     EXTENDED("a", "decimal", EXTENSION "maxDecimalPlaces", "\"valueInteger\":1"), "{\"a\":2.50}",
     "/answers/a", "1"},
    {RULE_MIN_VALUE, EXTENDED("a", "integer", EXTENSION "minValue", "\"valueInteger\":0"),
     "{\"a\":-1}", "/answers/a", "0"},
    {RULE_MAX_VALUE, EXTENDED("a", "decimal", EXTENSION "maxValue", "\"valueDecimal\":0.3"),
     "{\"a\":0.30000000000000001}", "/answers/a", "0.3"},
    {RULE_MAX_VALUE, EXTENDED("a", "date", EXTENSION "maxValue", "\"valueDate\":\"2026-11\""),
     "{\"a\":\"2026-12-01\"}", "/answers/a", "2026-11"},
    {RULE_MIN_LENGTH, EXTENDED("a", "string", EXTENSION "minLength", "\"valueInteger\":3"),
     "{\"a\":\"äö\"}", "/answers/a", "3"},
    {RULE_MAX_LENGTH, ITEM("a", "\"type\":\"string\",\"maxLength\":3"), "{\"a\":\"äöüß\"}",
     "/answers/a", "3"},
    {RULE_REGEX, EXTENDED("a", "string", EXTENSION "regex", "\"valueString\":\"[a-z]|[0-9]{3}\""),
     "{\"a\":\"x12\"}", "/answers/a", NULL},
    {RULE_UNIT,
     EXTENDED("a", "quantity", EXTENSION "questionnaire-unit",
              "\"valueCoding\":{\"system\":\"http://unitsofmeasure.org\",\"code\":\"kg\"}"),
     "{\"a\":{\"value\":70,\"code\":\"cm\"}}", "/answers/a", "kg"},
    {RULE_MIN_QUANTITY,
     EXTENDED("a", "quantity", SDC "sdc-questionnaire-minQuantity",
              "\"valueQuantity\":{\"value\":35.5,\"system\":\"http://unitsofmeasure.org\","
              "\"code\":\"Cel\"}"),
     "{\"a\":{\"value\":95.8,\"code\":\"[degF]\"}}", "/answers/a", "35.5 Cel"},
    {RULE_MAX_QUANTITY,
     EXTENDED("a", "quantity", SDC "sdc-questionnaire-maxQuantity",
              "\"valueQuantity\":{\"value\":200,\"system\":\"http://unitsofmeasure.org\","
              "\"code\":\"kg\"}"),
     "{\"a\":{\"value\":200001,\"code\":\"g\"}}", "/answers/a", "200 kg"},
    {RULE_REFERENCE_TYPE,
     EXTENDED("a", "reference", EXTENSION "questionnaire-referenceResource",
              "\"valueCode\":\"Patient\""),
     "{\"a\":{\"reference\":\"https://x.example/fhir/Group/1\"}}", "/answers/a", "Patient"},
    {RULE_MIME_TYPE,
     EXTENDED("a", "attachment", EXTENSION "mimeType", "\"valueCode\":\"image/png\""),
     "{\"a\":{\"contentType\":\"image/jpeg\",\"data\":\"QUJD\"}}", "/answers/a", "image/png"},
    {RULE_ATTACHMENT_SIZE, QUESTION("a", "attachment"),
     "{\"a\":{\"contentType\":\"text/plain\",\"data\":\"QUJD\",\"size\":4}}", "/answers/a", NULL},
    {RULE_MAX_SIZE, EXTENDED("a", "attachment", EXTENSION "maxSize", "\"valueDecimal\":0.000002"),
     "{\"a\":{\"contentType\":\"text/plain\",\"data\":\"QUJD\"}}", "/answers/a", "2"},
};

#define DEFINITION_HEAD                                                                            \
    "{\"resourceType\":\"Questionnaire\",\"url\":\"https://x.example/q\",\"version\":\"1\","       \
    "\"status\":\"active\",\"item\":["

static struct questionnaire *
definition_of(const char *items)
{
    struct buf json;

    buf_init(&json, 1 << 20);
    buf_printf(&json, "%s%s]}", DEFINITION_HEAD, items);
    buf_append(&json, "", 1);
    struct questionnaire *q = answers_definition((char *)json.data);
    buf_deinit(&json);
    return q;
}

static void
each_case_breaks_its_rule_and_no_other(void **state)
{
    struct answers_said said;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct questionnaire *q = definition_of(cases[i].items);
        answers_judge(q, cases[i].answers, true, &said);
        const struct finding *x = &said.findings.items[0];
        const char *parameter = said.findings.n == 1 ? finding_parameter(&said.findings, x) : NULL;
        if (said.findings.n != 1 || x->rule != cases[i].rule ||
            strcmp(finding_pointer(&said.findings, x), cases[i].pointer) != 0 ||
            strcmp(parameter != NULL ? parameter : "",
                   cases[i].parameter != NULL ? cases[i].parameter : "") != 0)
            fail_msg("%s: not\n%s %s\nbut\n%s%s", cases[i].answers, cases[i].pointer,
                     rule_code(cases[i].rule), said.broken, said.warned);
        assert_true(parameter == NULL || *rule_parameter(x->rule) != '\0');
        answers_said_free(&said);
        questionnaire_free(q);
    }
}

/* Too large for a line in the table. */
static void
inline_data_is_bounded(void **state)
{
    struct questionnaire *q = definition_of(QUESTION("a", "attachment"));
    struct answers_said said;

    (void)state;
    for (size_t over = 0; over < 2; over++) {
        size_t groups = (256 * 1024 + 2) / 3, at = 0;
        char *json = mem_new(groups * 4 + 100, 1);
        at += (size_t)sprintf(json, "{\"a\":{\"contentType\":\"text/plain\",\"data\":\"");
        memset(json + at, 'A', groups * 4);
        at += groups * 4;
        strcpy(json + at, "\"}}");
        if (over == 0)
            memcpy(json + at - 2, "==", 2); /* 256 KiB to the byte */
        answers_judge(q, json, true, &said);
        assert_string_equal(said.broken, over == 1 ? "/answers/a inline-size\n" : "");
        answers_said_free(&said);
        free(json);
    }
    questionnaire_free(q);
}

static void
places_are_bounded(void **state)
{
    struct questionnaire *q = definition_of(ITEM(
        "g", "\"type\":\"group\",\"repeats\":true,\"item\":[" QUESTION("a", "string") "," QUESTION(
                 "b", "string") "," QUESTION("c", "string") "," QUESTION("d", "string") "]"));
    const uint32_t n = 100000;
    struct findings f;
    struct buf b;

    (void)state;
    buf_init(&b, 1 << 20);
    findings_init(&f);
    mp_put_map(&b, 1);
    mp_put_cstr(&b, "g");
    mp_put_array(&b, n);
    for (uint32_t i = 0; i < n; i++)
        mp_put_map(&b, 0);
    questionnaire_check(q, b.data, b.size, true, &f);
    assert_int_equal(f.n, 1);
    assert_int_equal(f.items[0].rule, RULE_TOO_LARGE);
    findings_deinit(&f);
    buf_deinit(&b);
    questionnaire_free(q);
}

static void
an_endless_pattern_is_flagged(void **state)
{
    struct questionnaire *q = definition_of(
        EXTENDED("a", "string", EXTENSION "regex", "\"valueString\":\"(a+)+b|(a|aa)+c\""));
    struct answers_said said;

    (void)state;
    answers_judge(q, "{\"a\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}", true,
                  &said);
    assert_string_equal(said.broken, "");
    assert_string_equal(said.warned, "/answers/a regex-undecided\n");
    answers_said_free(&said);
    questionnaire_free(q);
}

/* Of a string that a value set binds, code and display are taken, in both forms. */
static void
value_sets_bind_strings(void **state)
{
    static const struct {
        const char *answers, *broken;
    } of_set[] = {
        {"{\"a\":\"y\"}", ""},
        {"{\"a\":\"Yes\"}", ""},
        {"{\"a\":\"yes\"}", "/answers/a option\n"},
        {"{\"resourceType\":\"QuestionnaireResponse\",\"item\":[{\"linkId\":\"a\",\"answer\":[{"
         "\"valueString\":\"y\"}]}]}",
         ""},
        {"{\"resourceType\":\"QuestionnaireResponse\",\"item\":[{\"linkId\":\"a\",\"answer\":[{"
         "\"valueString\":\"z\"}]}]}",
         "/item/0/answer/0/valueString option\n"},
    };
    struct questionnaire *q = answers_definition(
        "{\"resourceType\":\"Questionnaire\",\"url\":\"https://x.example/q\",\"version\":\"1\","
        "\"status\":\"active\",\"contained\":[{\"resourceType\":\"ValueSet\",\"id\":\"v\","
        "\"status\":\"active\",\"compose\":{\"include\":[{\"system\":\"s\",\"concept\":[{"
        "\"code\":\"y\",\"display\":\"Yes\"},{\"code\":\"n\"}]}]}}],\"item\":[{\"linkId\":\"a\","
        "\"type\":\"string\",\"answerValueSet\":\"#v\"}]}");

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(of_set); i++) {
        struct answers_said said;
        answers_judge(q, of_set[i].answers, true, &said);
        if (strcmp(said.broken, of_set[i].broken) != 0)
            fail_msg("%s: %s", of_set[i].answers, said.broken);
        answers_said_free(&said);
    }
    questionnaire_free(q);
}

static void
unverified_items_only_warn(void **state)
{
    static const char json[] = DEFINITION_HEAD
        "{\"linkId\":\"a\",\"type\":\"integer\",\"required\":true,\"modifierExtension\":[{\"url\":"
        "\"x\",\"valueBoolean\":true}]},{\"linkId\":\"b\",\"type\":\"integer\"}]}";
    const struct questionnaire_options unchecked = {.unchecked = true};
    struct answers_said said;
    struct questionnaire *q;
    char *why;

    (void)state;
    assert_int_equal(questionnaire_compile(json, sizeof(json) - 1, &unchecked, &q, &why),
                     QUESTIONNAIRE_OK);
    answers_judge(q, "{\"a\":\"x\",\"b\":\"x\"}", true, &said);
    assert_int_equal(said.findings.n, 1);
    assert_int_equal(said.findings.items[0].rule, RULE_TYPE);
    assert_string_equal(finding_link_id(&said.findings, &said.findings.items[0]), "b");
    assert_int_equal(said.findings.n_warnings, 2);
    assert_int_equal(said.findings.warnings[0].rule, RULE_TYPE);
    assert_int_equal(said.findings.warnings[1].rule, RULE_UNVERIFIED);
    answers_said_free(&said);
    questionnaire_free(q);
}

static void
the_definition_warns_of_itself(void **state)
{
    static const char json[] =
        "{\"resourceType\":\"Questionnaire\",\"url\":\"https://x.example/q\",\"version\":\"1\","
        "\"status\":\"retired\",\"effectivePeriod\":{\"start\":\"2026-02\",\"end\":\"2026-03\"},"
        "\"item\":[{\"linkId\":\"a\",\"type\":\"string\"}]}";
    static const struct {
        const char *authored;
        size_t warnings;
    } days[] = {{"2026-01-31T23:59:59Z", 2},
                {"2026-02-01T00:00:00Z", 1},
                {"2026-03-31T23:59:59+01:00", 1},
                {"2026-04-01", 2}};
    struct questionnaire *q = answers_definition(json);
    struct findings f;

    (void)state;
    findings_init(&f);
    for (size_t i = 0; i < ARRAY_LEN(days); i++) {
        findings_clear(&f);
        questionnaire_check_authored(q, days[i].authored, strlen(days[i].authored), &f);
        assert_int_equal(f.n, 0);
        assert_int_equal(f.n_warnings, days[i].warnings);
        assert_int_equal(f.warnings[f.n_warnings - 1].rule, RULE_DEFINITION_NOT_ACTIVE);
        if (days[i].warnings == 2)
            assert_int_equal(f.warnings[0].rule, RULE_OUTSIDE_PERIOD);
    }
    findings_deinit(&f);
    questionnaire_free(q);
}

/* What the tests above break beside the table. */
static const enum rule apart[] = {
    RULE_INLINE_SIZE, RULE_TOO_LARGE,      RULE_REGEX_UNDECIDED,
    RULE_UNVERIFIED,  RULE_OUTSIDE_PERIOD, RULE_DEFINITION_NOT_ACTIVE,
};

static void
no_rule_is_without_a_case(void **state)
{
    (void)state;
    for (enum rule rule = 0; rule < RULE_COUNT; rule++) {
        bool found = false;
        enum rule_level level = rule_level(rule);
        for (size_t i = 0; i < ARRAY_LEN(cases); i++)
            found = found || cases[i].rule == rule;
        for (size_t i = 0; i < ARRAY_LEN(apart); i++)
            found = found || apart[i] == rule;
        bool ours = level != LEVEL_envelope && level != LEVEL_store;
        if ((ours || rule_verdict(rule) == VERDICT_FLAG) && !found)
            fail_msg("no case breaks %s", rule_code(rule));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_case_breaks_its_rule_and_no_other),
        cmocka_unit_test(inline_data_is_bounded),
        cmocka_unit_test(places_are_bounded),
        cmocka_unit_test(an_endless_pattern_is_flagged),
        cmocka_unit_test(value_sets_bind_strings),
        cmocka_unit_test(unverified_items_only_warn),
        cmocka_unit_test(the_definition_warns_of_itself),
        cmocka_unit_test(no_rule_is_without_a_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
