/* Required, minOccurs and maxOccurs of groups and of what stands in them; what an item that failed
 * a level is no longer asked. Each case gives the broken rules as "pointer rule" lines. */
#include <stdio.h>
#include <string.h>

#include "tests/unit/cmocka_all.h"

#include "base/error.h"
#include "tests/unit/questionnaire/answers.h"

#define STRING(link_id) "{\"linkId\":\"" link_id "\",\"type\":\"string\"}"
#define NEEDED(link_id) "{\"linkId\":\"" link_id "\",\"type\":\"string\",\"required\":true}"
#define GROUP(link_id, more, items)                                                                \
    "{\"linkId\":\"" link_id "\",\"type\":\"group\"," more "\"item\":[" items "]}"
#define REQUIRED "\"required\":true,"
#define REPEATS "\"repeats\":true,"
#define OCCURS(min, max)                                                                           \
    "\"extension\":[{\"url\":\"http://hl7.org/fhir/StructureDefinition/questionnaire-minOccurs\"," \
    "\"valueInteger\":" min                                                                        \
    "},{\"url\":\"http://hl7.org/fhir/StructureDefinition/questionnaire-maxOccurs\","              \
    "\"valueInteger\":" max "}],"

static const struct {
    const char *items, *answers, *broken;
} cases[] = {
    /* A required group needs one child. */
    {GROUP("g", REQUIRED, STRING("a") "," STRING("b")), "{}", "/answers/g required\n"},
    {GROUP("g", REQUIRED, STRING("a") "," STRING("b")), "{\"a\":null}", "/answers/g required\n"},
    {GROUP("g", REQUIRED, STRING("a") "," STRING("b")), "{\"b\":\"x\"}", ""},
    {GROUP("g", REQUIRED, GROUP("h", "", STRING("a"))), "{\"a\":\"x\"}", ""},
    {GROUP("g", REQUIRED, GROUP("h", REPEATS, STRING("a"))), "{\"h\":[{},{\"a\":\"x\"}]}", ""},
    {GROUP("g", REQUIRED, GROUP("h", REPEATS, STRING("a"))), "{\"h\":[{},{}]}",
     "/answers/g required\n"},
    {GROUP("g", REQUIRED, STRING("a")), "{\"a\":7}", "/answers/a type\n"},
    /* An enabled non-repeating group always counts as present. */
    {GROUP("g", "", NEEDED("a")), "{}", "/answers/a required\n"},
    {GROUP("g", "", GROUP("h", "", NEEDED("a"))), "{}", "/answers/a required\n"},
    {GROUP("g", REQUIRED, NEEDED("a")), "{}", "/answers/g required\n/answers/a required\n"},
    /* Children of an absent repeating group are due only if it is. */
    {GROUP("g", REPEATS, NEEDED("a")), "{}", ""},
    {GROUP("g", REPEATS, NEEDED("a")), "{\"g\":[]}", ""},
    {GROUP("g", REPEATS, NEEDED("a")), "{\"g\":[{}]}", "/answers/g/0/a required\n"},
    {GROUP("g", REPEATS REQUIRED, NEEDED("a")), "{}",
     "/answers/g required\n/answers/g/0/a required\n"},
    {GROUP("g", REPEATS REQUIRED, GROUP("h", REPEATS, NEEDED("a"))), "{}", "/answers/g required\n"},
    {GROUP("g", REPEATS OCCURS("1", "2"), GROUP("h", "", NEEDED("a"))), "{}",
     "/answers/g min-occurs\n/answers/g/0/a required\n"},
    {GROUP("g", REPEATS OCCURS("2", "2"), NEEDED("a")), "{\"g\":[{\"a\":\"x\"}]}",
     "/answers/g min-occurs\n"},
    {GROUP("g", REPEATS OCCURS("2", "2"), NEEDED("a")),
     "{\"g\":[{\"a\":\"x\"},{\"a\":\"x\"},{\"a\":\"x\"}]}", "/answers/g max-occurs\n"},
    {GROUP("g", REPEATS REQUIRED OCCURS("2", "3"), STRING("a")), "{}", "/answers/g required\n"},
    {GROUP("g", REPEATS REQUIRED, STRING("a")), "{\"g\":[{}]}", "/answers/g required\n"},
    /* minOccurs without required. */
    {"{\"linkId\":\"a\",\"type\":\"string\"," REPEATS OCCURS("1", "2") "\"text\":\"t\"}", "{}",
     "/answers/a min-occurs\n"},
    {"{\"linkId\":\"a\",\"type\":\"string\"," REPEATS OCCURS("1", "2") "\"text\":\"t\"}",
     "{\"a\":\"x\"}", ""},
    /* Hidden and readOnly change nothing. */
    {"{\"linkId\":\"a\",\"type\":\"string\",\"readOnly\":true,\"required\":true,\"initial\":["
     "{\"valueString\":\"i\"}]}",
     "{}", "/answers/a required\n"},
    /* One level at a time for an item; every item, and every rule of a level. */
    {"{\"linkId\":\"a\",\"type\":\"string\",\"maxLength\":1,\"extension\":[{\"url\":"
     "\"http://hl7.org/fhir/StructureDefinition/regex\",\"valueString\":\"[0-9]*\"}]}",
     "{\"a\":\"xx\"}", "/answers/a max-length\n/answers/a regex\n"},
    {"{\"linkId\":\"a\",\"type\":\"string\",\"maxLength\":1}," NEEDED("b") "," STRING("c"),
     "{\"zz\":1,\"a\":[\"xx\"],\"c\":1}",
     "/answers unknown-item\n/answers/c type\n/answers/a repeats\n/answers/b required\n"},
    {"{\"linkId\":\"a\",\"type\":\"string\"," REPEATS "\"maxLength\":1}", "{\"a\":[\"xx\",1]}",
     "/answers/a/1 type\n"},
};

static void
every_case(void **state)
{
    char definition[4096];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct answers_said said;
        int n = snprintf(definition, sizeof(definition),
                         "{\"resourceType\":\"Questionnaire\",\"url\":\"https://x.example/q\","
                         "\"version\":\"1\",\"status\":\"active\",\"item\":[%s]}",
                         cases[i].items);
        assert_in_range(n, 1, sizeof(definition) - 1);
        struct questionnaire *q = answers_definition(definition);
        answers_judge(q, cases[i].answers, true, &said);
        if (strcmp(said.broken, cases[i].broken) != 0)
            fail_msg("%s\n%s:\n%s not\n%s", cases[i].items, cases[i].answers, said.broken,
                     cases[i].broken);
        answers_said_free(&said);
        /* In progress: the same, but nothing is missing or too much. */
        answers_judge(q, cases[i].answers, false, &said);
        for (size_t k = 0; k < said.findings.n; k++)
            assert_int_not_equal(rule_level(said.findings.items[k].rule), LEVEL_cardinality);
        answers_said_free(&said);
        questionnaire_free(q);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
