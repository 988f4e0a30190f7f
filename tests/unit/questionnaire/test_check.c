/* Answers against one form that has every kind of place a value can stand in. Each case gives the
 * answers as JSON and the broken rules as "pointer rule" lines. */
#include "questionnaire/questionnaire.h"

#include <string.h>

#include "tests/unit/cmocka_all.h"

#include "base/error.h"
#include "tests/unit/questionnaire/answers.h"

static const char form[] =
    "{\"resourceType\":\"Questionnaire\",\"item\":["
    "{\"linkId\":\"int\",\"type\":\"integer\",\"required\":true},"
    "{\"linkId\":\"plain\",\"type\":\"group\",\"item\":["
    "  {\"linkId\":\"dec\",\"type\":\"decimal\"},"
    "  {\"linkId\":\"note\",\"type\":\"display\"},"
    "  {\"linkId\":\"rep\",\"type\":\"group\",\"repeats\":true,\"item\":["
    "    {\"linkId\":\"in\",\"type\":\"string\",\"required\":true,\"maxLength\":3},"
    "    {\"linkId\":\"deep\",\"type\":\"group\",\"repeats\":true,\"item\":["
    "      {\"linkId\":\"leaf\",\"type\":\"boolean\",\"required\":true}]}]}]},"
    "{\"linkId\":\"many\",\"type\":\"date\",\"repeats\":true},"
    "{\"linkId\":\"a/b~c\",\"type\":\"text\"},"
    "{\"linkId\":\"pick\",\"type\":\"choice\",\"answerOption\":[{\"valueCoding\":{\"system\":"
    "\"s1\",\"code\":\"x\"}},"
    "  "
    "{\"valueCoding\":{\"system\":\"s2\",\"code\":\"x\"}},{\"valueCoding\":{\"system\":\"s1\","
    "\"code\":\"y\"}},"
    "  {\"valueCoding\":{\"display\":\"none\"}}]},"
    "{\"linkId\":\"open\",\"type\":\"open-choice\",\"answerOption\":[{\"valueString\":\"a\"}]},"
    "{\"linkId\":\"level\",\"type\":\"integer\",\"answerOption\":[{\"valueInteger\":0},{"
    "\"valueInteger\":1}]},"
    "{\"linkId\":\"amount\",\"type\":\"quantity\"},"
    "{\"linkId\":\"under\",\"type\":\"boolean\",\"item\":[{\"linkId\":\"why\",\"type\":\"string\","
    "\"required\":true}]},"
    "{\"linkId\":\"when\",\"type\":\"string\",\"required\":true,\"enableWhen\":[{\"question\":"
    "\"int\","
    "  \"operator\":\"=\",\"answerInteger\":99}]}]}";

static const struct {
    const char *answers;
    const char *broken; /* "pointer rule\n"… in order */
} cases[] = {
    {"{\"int\":1}", ""},
    {"{}", "/answers/int required\n"},
    {"{\"int\":null}", "/answers/int required\n"},
    {"{\"int\":[]}", "/answers/int required\n"},
    {"{\"int\":1.5}", "/answers/int type\n"},
    {"{\"int\":2147483647}", ""},
    {"{\"int\":2147483648}", "/answers/int type\n"},
    {"{\"int\":-2147483649}", "/answers/int type\n"},
    {"{\"int\":\"1\"}", "/answers/int type\n"},
    {"{\"int\":[1]}", "/answers/int repeats\n"},
    {"{\"int\":1,\"dec\":1}", ""},
    {"{\"int\":1,\"dec\":1.5}", ""},
    {"{\"int\":1,\"dec\":true}", "/answers/dec type\n"},
    {"{\"int\":1,\"plain\":{}}", "/answers/plain not-a-question\n"},
    {"{\"int\":1,\"note\":\"x\"}", "/answers/note not-a-question\n"},
    {"{\"int\":1,\"stranger\":1}", "/answers unknown-item\n"},
    {"{\"int\":1,\"leaf\":true}", "/answers/leaf misplaced-item\n"},
    {"{\"int\":1,\"rep\":[]}", ""},
    {"{\"int\":1,\"rep\":[{\"in\":\"abc\"},{\"in\":\"d\"}]}", ""},
    {"{\"int\":1,\"rep\":[{\"in\":\"abcd\"},{}]}",
     "/answers/rep/1/in required\n/answers/rep/0/in max-length\n"},
    {"{\"int\":1,\"rep\":[{\"in\":\"äöü\"}]}", ""},
    {"{\"int\":1,\"rep\":{\"in\":\"a\"}}", "/answers/rep type\n"},
    {"{\"int\":1,\"rep\":[7]}", "/answers/rep/0 type\n"},
    {"{\"int\":1,\"rep\":[{\"in\":\"a\",\"deep\":[{\"leaf\":true},{}]}]}",
     "/answers/rep/0/deep/1/leaf required\n"},
    {"{\"int\":1,\"many\":\"2026-11\"}", ""},
    {"{\"int\":1,\"many\":[\"2026-11\",\"2026-02-30\",null]}",
     "/answers/many/1 date\n/answers/many/2 type\n"},
    {"{\"int\":1,\"a/b~c\":\"\"}", "/answers/a~1b~0c empty\n"},
    {"{\"int\":1,\"a/b~c\":\"two\\nlines\"}", ""},
    {"{\"int\":1,\"pick\":\"y\"}", ""},
    {"{\"int\":1,\"pick\":\"x\"}", "/answers/pick option-ambiguous\n"},
    {"{\"int\":1,\"pick\":{\"system\":\"s2\",\"code\":\"x\"}}", ""},
    {"{\"int\":1,\"pick\":{\"system\":\"s3\",\"code\":\"x\"}}", "/answers/pick option\n"},
    {"{\"int\":1,\"pick\":{\"display\":\"none\"}}", ""},
    {"{\"int\":1,\"pick\":{\"text\":\"free\"}}", "/answers/pick type\n"},
    {"{\"int\":1,\"pick\":7}", "/answers/pick option\n"},
    {"{\"int\":1,\"open\":{\"text\":\"free\"}}", ""},
    {"{\"int\":1,\"open\":\"a\"}", ""},
    {"{\"int\":1,\"open\":\"free\"}", "/answers/open option\n"},
    {"{\"int\":1,\"level\":1}", ""},
    {"{\"int\":1,\"level\":2}", "/answers/level option\n"},
    {"{\"int\":1,\"amount\":2.5}", ""},
    {"{\"int\":1,\"amount\":{\"value\":2,\"code\":\"kg\"}}", ""},
    {"{\"int\":1,\"amount\":{\"code\":\"kg\"}}", "/answers/amount type\n"},
    {"{\"int\":1,\"under\":{\"value\":true,\"items\":{\"why\":\"x\"}}}", ""},
    {"{\"int\":1,\"under\":{\"value\":true,\"items\":{}}}", "/answers/under/items/why required\n"},
    {"{\"int\":1,\"under\":true}", "/answers/under/items/why required\n"},
    {"{\"int\":1,\"under\":{\"value\":3,\"items\":{\"why\":1}}}",
     "/answers/under/value type\n/answers/under/items/why type\n"},
    {"{\"int\":1,\"under\":{\"value\":true,\"items\":7}}", "/answers/under/items type\n"},
    {"[]", "/answers type\n"},
};

static void
every_case(void **state)
{
    struct questionnaire *q = answers_definition(form);
    struct answers_said said;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        answers_judge(q, cases[i].answers, true, &said);
        if (strcmp(said.broken, cases[i].broken) != 0)
            fail_msg("%s:\n%s not\n%s", cases[i].answers, said.broken, cases[i].broken);
        assert_string_equal(said.warned, "");
        answers_said_free(&said);
    }
    questionnaire_free(q);
}

static void
incomplete_forms_only_warn_of_what_lacks(void **state)
{
    struct questionnaire *q = answers_definition(form);
    struct answers_said said;

    (void)state;
    answers_judge(q, "{}", false, &said);
    assert_string_equal(said.broken, "");
    assert_string_equal(said.warned, "/answers/int required\n");
    answers_said_free(&said);
    answers_judge(q, "{\"int\":[1,2],\"dec\":true}", false, &said);
    assert_string_equal(said.broken, "/answers/dec type\n");
    assert_string_equal(said.warned, "/answers/int repeats\n");
    answers_said_free(&said);
    questionnaire_free(q);
}

/* msgpack from others than the edge may hold what no JSON can. */
static void
strange_msgpack_does_no_harm(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
        enum rule rule;
    } strange[] = {
        {"\x82\xa3int\x01\xa3int\x01", 11, RULE_DUPLICATE_ITEM},
        {"\x82\xa3int\x01\x92\x01\x02\x01", 10, RULE_UNKNOWN_ITEM},
        {"\x81\xa3int\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00", 14, RULE_TYPE},
        {"\x82\xa3int\x01\xa3"
         "dec\xc7\x03\x01"
         "1.x",
         16, RULE_TYPE},
        {"\x82\xa3int\x01\xa5"
         "a/b~c\xa2\xc3\x28",
         15, RULE_TYPE},
        {"\x82\xa3int\x01\xa5"
         "a/b~c\xa3\xed\xa0\x80",
         16, RULE_TYPE},
    };
    struct questionnaire *q = answers_definition(form);
    struct findings f;

    (void)state;
    findings_init(&f);
    for (size_t i = 0; i < ARRAY_LEN(strange); i++) {
        findings_clear(&f);
        questionnaire_check(q, (const uint8_t *)strange[i].bytes, strange[i].size, true, &f);
        assert_int_equal(f.n, 1);
        assert_int_equal(f.items[0].rule, strange[i].rule);
    }
    findings_deinit(&f);
    questionnaire_free(q);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_case),
        cmocka_unit_test(incomplete_forms_only_warn_of_what_lacks),
        cmocka_unit_test(strange_msgpack_does_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
