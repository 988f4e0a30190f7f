/* QuestionnaireResponses: what they become in the short form, where findings point, and that the
 * way back and forth changes nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/cmocka_all.h"

#include "base/error.h"
#include "questionnaire/literal.h"
#include "tests/unit/questionnaire/answers.h"

static const char form[] =
    "{\"resourceType\":\"Questionnaire\",\"url\":\"https://x.example/q\",\"version\":\"1\","
    "\"status\":\"active\",\"item\":["
    "{\"linkId\":\"int\",\"type\":\"integer\",\"required\":true},"
    "{\"linkId\":\"plain\",\"type\":\"group\",\"item\":["
    "  {\"linkId\":\"dec\",\"type\":\"decimal\"},"
    "  {\"linkId\":\"note\",\"type\":\"display\"},"
    "  {\"linkId\":\"rep\",\"type\":\"group\",\"repeats\":true,\"item\":["
    "    {\"linkId\":\"in\",\"type\":\"string\",\"required\":true,\"maxLength\":3}]}]},"
    "{\"linkId\":\"many\",\"type\":\"date\",\"repeats\":true,\"item\":["
    "  {\"linkId\":\"why\",\"type\":\"string\"}]},"
    "{\"linkId\":\"pick\",\"type\":\"choice\",\"answerOption\":["
    "  {\"valueCoding\":{\"system\":\"s1\",\"code\":\"x\",\"display\":\"X\"}},"
    "  {\"valueCoding\":{\"system\":\"s2\",\"code\":\"x\"}},"
    "  {\"valueCoding\":{\"system\":\"s1\",\"code\":\"y\",\"display\":\"Y\"}},"
    "  {\"valueCoding\":{\"display\":\"none\"}}]},"
    "{\"linkId\":\"open\",\"type\":\"open-choice\",\"answerOption\":[{\"valueString\":\"a\"}]},"
    "{\"linkId\":\"amount\",\"type\":\"quantity\",\"extension\":[{\"url\":"
    "  \"http://hl7.org/fhir/StructureDefinition/questionnaire-unit\",\"valueCoding\":{\"system\":"
    "  \"http://unitsofmeasure.org\",\"code\":\"kg\",\"display\":\"kilo\"}}]},"
    "{\"linkId\":\"ref\",\"type\":\"reference\"},"
    "{\"linkId\":\"file\",\"type\":\"attachment\"}]}";

#define ONE(item)                                                                                  \
    "{\"resourceType\":\"QuestionnaireResponse\",\"status\":\"completed\",\"item\":["              \
    "{\"linkId\":\"int\",\"answer\":[{\"valueInteger\":1}]}," item "]}"
#define ANSWER(link_id, value) "{\"linkId\":\"" link_id "\",\"answer\":[{" value "}]}"

static const struct {
    const char *resource, *answers; /* answers without "int" */
} same[] = {
    {ONE("{\"linkId\":\"plain\",\"item\":[" ANSWER("dec", "\"valueDecimal\":1.50") "]}"),
     "\"dec\":1.50"},
    {ONE("{\"linkId\":\"plain\",\"item\":[{\"linkId\":\"rep\",\"item\":[" ANSWER(
         "in",
         "\"valueString\":\"a\"") "]},{\"linkId\":\"rep\",\"item\":[" ANSWER("in",
                                                                             "\"valueString\":"
                                                                             "\"b\"") "]}]}"),
     "\"rep\":[{\"in\":\"a\"},{\"in\":\"b\"}]"},
    {ONE("{\"linkId\":\"many\",\"answer\":[{\"valueDate\":\"2026\",\"item\":[" ANSWER(
         "why", "\"valueString\":\"w\"") "]},{\"valueDate\":\"2027\"}]}"),
     "\"many\":[{\"value\":\"2026\",\"items\":{\"why\":\"w\"}},\"2027\"]"},
    {ONE("{\"linkId\":\"many\"}"), "\"many\":null"},
    {ONE(ANSWER("pick", "\"valueCoding\":{\"system\":\"s1\",\"code\":\"y\",\"display\":\"Y\"}")),
     "\"pick\":\"y\""},
    {ONE(ANSWER("pick", "\"valueCoding\":{\"system\":\"s2\",\"code\":\"x\"}")),
     "\"pick\":{\"system\":\"s2\",\"code\":\"x\"}"},
    {ONE(ANSWER("pick", "\"valueCoding\":{\"display\":\"none\"}")),
     "\"pick\":{\"display\":\"none\"}"},
    {ONE(ANSWER("open", "\"valueString\":\"a\"")), "\"open\":\"a\""},
    {ONE(ANSWER("open", "\"valueString\":\"free\"")), "\"open\":{\"text\":\"free\"}"},
    {ONE(ANSWER("amount", "\"valueQuantity\":{\"value\":70.0,\"unit\":\"kilo\",\"system\":"
                          "\"http://unitsofmeasure.org\",\"code\":\"kg\"}")),
     "\"amount\":70.0"},
    {ONE(ANSWER("amount", "\"valueQuantity\":{\"value\":7,\"system\":\"http://unitsofmeasure.org\","
                          "\"code\":\"g\"}")),
     "\"amount\":{\"value\":7,\"code\":\"g\"}"},
    {ONE(ANSWER("ref", "\"valueReference\":{\"reference\":\"Patient/1\",\"display\":\"d\"}")),
     "\"ref\":{\"reference\":\"Patient/1\",\"display\":\"d\"}"},
    {ONE(ANSWER("file", "\"valueAttachment\":{\"contentType\":\"text/plain\",\"data\":\"QUJD\"}")),
     "\"file\":{\"contentType\":\"text/plain\",\"data\":\"QUJD\"}"},
};

static void
assert_json_equal(const struct buf *got, const char *wanted, const char *of)
{
    json_error_t error;
    json_t *a = answers_unpack(got->data, got->size);
    json_t *b = literal_load(wanted, strlen(wanted), &error);

    if (!json_equal(a, b)) {
        char *text = literal_dump(a);
        fail_msg("%s:\n%s not\n%s", of, text, wanted);
    }
    json_decref(a);
    json_decref(b);
}

static void
both_ways_say_the_same(void **state)
{
    struct questionnaire *q = answers_definition(form);
    const struct response_head head = {.status = "completed"};
    struct answers_said said;
    struct buf resource;
    char wanted[512];

    (void)state;
    buf_init(&resource, 1 << 20);
    for (size_t i = 0; i < ARRAY_LEN(same); i++) {
        answers_judge(q, same[i].resource, true, &said);
        if (said.findings.n > 0)
            fail_msg("%s: %s", same[i].resource, said.broken);
        snprintf(wanted, sizeof(wanted), "{\"int\":1,%s}", same[i].answers);
        assert_json_equal(&said.answers, wanted, same[i].resource);
        buf_clear(&resource);
        assert_int_equal(
            questionnaire_to_resource(q, said.answers.data, said.answers.size, &head, &resource),
            BUF_OK);
        assert_json_equal(&resource, same[i].resource, wanted);
        answers_said_free(&said);
    }
    buf_deinit(&resource);
    questionnaire_free(q);
}

static const struct {
    const char *resource, *broken;
} pointed[] = {
    {"{\"resourceType\":\"Bundle\",\"item\":[]}", "/resourceType resource\n"},
    {"{\"resourceType\":\"QuestionnaireResponse\",\"item\":{}}", "/item resource\n required\n"},
    {"{\"resourceType\":\"QuestionnaireResponse\",\"implicitRules\":\"x\",\"item\":[" ANSWER(
         "int", "\"valueInteger\":1") "]}",
     "/implicitRules modifier-extension\n"},
    {"{\"resourceType\":\"QuestionnaireResponse\",\"item\":[]}", " required\n"},
    {ONE("{\"linkId\":\"plain\",\"item\":[{\"linkId\":\"rep\",\"item\":[" ANSWER(
         "in", "\"valueString\":\"abcd\"") "]},{\"linkId\":\"rep\"}]}"),
     "/item/1/item/1 required\n/item/1/item/0/item/0/answer/0/valueString max-length\n"},
    {ONE("{\"linkId\":\"many\",\"answer\":[{\"valueDate\":\"2026\",\"item\":[" ANSWER(
         "why", "\"valueInteger\":1") "]},{\"valueDate\":\"2026-13\"}]}"),
     "/item/1/answer/0/item/0/answer/0/valueInteger type\n/item/1/answer/1/valueDate date\n"},
    {ONE("{\"linkId\":\"many\",\"answer\":[{\"valueDate\":\"2026\"}]},"
         "{\"linkId\":\"many\",\"answer\":[{\"valueDate\":\"2027\"}]}"),
     "/item/2 duplicate-item\n"},
    {ONE("{\"linkId\":\"plain\"},{\"linkId\":\"plain\"}"), "/item/2 duplicate-item\n"},
    {ONE("{\"linkId\":\"dec\"}"), "/item/1 misplaced-item\n"},
    {ONE("{\"linkId\":\"note\"}"), "/item/1 misplaced-item\n"},
    {ONE("{\"linkId\":\"plain\",\"item\":[{\"linkId\":\"note\"}]}"), ""},
    {ONE("{\"linkId\":\"pick\",\"answer\":[{\"item\":[{\"linkId\":\"why\"}]}]}"),
     "/item/1/answer/0/item/0 misplaced-item\n"},
    {ONE("{\"linkId\":\"pick\",\"answer\":[{\"valueString\":\"x\"}]}"),
     "/item/1/answer/0/valueString type\n"},
    {ONE("{\"linkId\":\"pick\",\"answer\":[{\"valueCoding\":{\"code\":\"x\"}}]}"),
     "/item/1/answer/0/valueCoding option-ambiguous\n"},
    {ONE("{\"linkId\":\"pick\",\"answer\":[3]}"), "/item/1/answer/0 resource\n"},
};

static void
findings_point_into_the_resource(void **state)
{
    struct questionnaire *q = answers_definition(form);
    struct answers_said said;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pointed); i++) {
        answers_judge(q, pointed[i].resource, true, &said);
        if (strcmp(said.broken, pointed[i].broken) != 0)
            fail_msg("%s:\n%s not\n%s", pointed[i].resource, said.broken, pointed[i].broken);
        answers_said_free(&said);
    }
    questionnaire_free(q);
}

/* A form is rejected for its shape, but what it says is there for the alerts. */
static void
answers_at_wrong_places_are_kept(void **state)
{
    static const struct {
        const char *resource, *answers;
    } lost[] = {
        {ONE(ANSWER("dec", "\"valueDecimal\":2.5")), "{\"int\":1,\"dec\":2.5}"},
        {ONE("{\"linkId\":\"no such group\",\"item\":[" ANSWER("in", "\"valueString\":\"a\"") "]}"),
         "{\"int\":1,\"in\":\"a\"}"},
        {ONE("{\"linkId\":\"many\",\"item\":[{\"linkId\":\"x\",\"answer\":[{\"item\":[" ANSWER(
             "why", "\"valueString\":\"w\"") "]}]}]}"),
         "{\"int\":1,\"many\":null,\"why\":\"w\"}"},
        {ONE("{\"linkId\":\"pick\",\"answer\":[{\"valueCoding\":{\"system\":\"s1\",\"code\":\"y\"},"
             "\"stranger\":1}]}"),
         "{\"int\":1,\"pick\":\"y\"}"},
        {ONE(ANSWER("dec", "\"valueString\":\"x\"")), "{\"int\":1}"},
    };
    struct questionnaire *q = answers_definition(form);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lost); i++) {
        struct answers_said said;
        answers_judge(q, lost[i].resource, true, &said);
        assert_true(said.findings.n > 0);
        if (i == 3) { /* under its own linkId blank, and once more with what was said */
            static const uint8_t pick[] = "\xa4pick\xa1y";
            assert_non_null(memmem(said.answers.data, said.answers.size, pick, sizeof(pick) - 1));
        } else {
            assert_json_equal(&said.answers, lost[i].answers, lost[i].resource);
        }
        answers_said_free(&said);
    }
    questionnaire_free(q);
}

/* What stands in stored answers for a value that is kept elsewhere. */
static void
values_kept_elsewhere_are_absent(void **state)
{
    struct questionnaire *q = answers_definition(form);
    const struct response_head head = {.status = "completed"};
    struct buf answers, resource;

    (void)state;
    buf_init(&answers, 1 << 16);
    buf_init(&resource, 1 << 16);
    answers_pack_text(&answers, "{\"int\":1,\"open\":{\"identity\":true}}");
    assert_int_equal(questionnaire_to_resource(q, answers.data, answers.size, &head, &resource),
                     BUF_OK);
    assert_json_equal(&resource,
                      ONE("{\"linkId\":\"open\",\"answer\":[{\"extension\":[{\"url\":"
                          "\"http://hl7.org/fhir/StructureDefinition/data-absent-reason\","
                          "\"valueCode\":\"masked\"}]}]}"),
                      "identity");
    buf_deinit(&answers);
    buf_deinit(&resource);
    questionnaire_free(q);
}

static void
what_does_not_fit_is_said(void **state)
{
    struct questionnaire *q = answers_definition(form);
    static const uint8_t answers[] = "\x82\xa3int\x01\xa4pick\xa1y";
    const struct response_head head = {.status = "completed"};
    struct buf small;

    (void)state;
    for (size_t room = 1; room < 100; room++) {
        buf_init(&small, room);
        assert_int_equal(questionnaire_to_resource(q, answers, sizeof(answers) - 1, &head, &small),
                         BUF_FULL);
        assert_int_equal(small.size, 0);
        buf_deinit(&small);
    }
    questionnaire_free(q);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ways_say_the_same),
        cmocka_unit_test(findings_point_into_the_resource),
        cmocka_unit_test(answers_at_wrong_places_are_kept),
        cmocka_unit_test(values_kept_elsewhere_are_absent),
        cmocka_unit_test(what_does_not_fit_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
