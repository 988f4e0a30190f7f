/* enableWhen: every operator, which occurrence is asked, and what nobody can decide. Each case
 * gives the broken rules as "pointer rule" lines. */
#include <string.h>

#include "tests/unit/cmocka_all.h"

#include "base/error.h"
#include "tests/unit/questionnaire/answers.h"

#define HEAD                                                                                       \
    "{\"resourceType\":\"Questionnaire\",\"url\":\"https://x.example/q\",\"version\":\"1\","       \
    "\"status\":\"active\",\"item\":["
#define WHEN(question, op, answer)                                                                 \
    "{\"question\":\"" question "\",\"operator\":\"" op "\"," answer "}"
#define GATED(link_id, conditions)                                                                 \
    "{\"linkId\":\"" link_id                                                                       \
    "\",\"type\":\"string\",\"required\":true,\"enableWhen\":[" conditions "]}"
/* Missing while enabled, an error while not: a required item says both ways what it was. */
#define ON "/answers/b required\n"
#define OFF ""

static const struct {
    const char *question, *condition; /* one question "a", one item "b" gated by it */
    const char *answers, *broken;
} operators[] = {
    {"boolean", WHEN("a", "exists", "\"answerBoolean\":true"), "{}", OFF},
    {"boolean", WHEN("a", "exists", "\"answerBoolean\":true"), "{\"a\":null}", OFF},
    {"boolean", WHEN("a", "exists", "\"answerBoolean\":true"), "{\"a\":false}", ON},
    {"boolean", WHEN("a", "exists", "\"answerBoolean\":false"), "{}", ON},
    {"boolean", WHEN("a", "exists", "\"answerBoolean\":false"), "{\"a\":true}", OFF},
    {"boolean", WHEN("a", "=", "\"answerBoolean\":true"), "{\"a\":true}", ON},
    {"boolean", WHEN("a", "=", "\"answerBoolean\":true"), "{\"a\":false}", OFF},
    {"boolean", WHEN("a", "!=", "\"answerBoolean\":true"), "{\"a\":false}", ON},
    {"boolean", WHEN("a", "!=", "\"answerBoolean\":true"), "{}", OFF}, /* at least one answer */
    {"integer", WHEN("a", ">", "\"answerInteger\":3"), "{\"a\":3}", OFF},
    {"integer", WHEN("a", ">", "\"answerInteger\":3"), "{\"a\":4}", ON},
    {"integer", WHEN("a", ">=", "\"answerInteger\":3"), "{\"a\":3}", ON},
    {"integer", WHEN("a", "<", "\"answerInteger\":3"), "{\"a\":2}", ON},
    {"integer", WHEN("a", "<=", "\"answerInteger\":3"), "{\"a\":4}", OFF},
    {"decimal", WHEN("a", "=", "\"answerDecimal\":0.1"), "{\"a\":0.10}", ON},
    {"decimal", WHEN("a", "=", "\"answerDecimal\":0.1"), "{\"a\":0.10000000000000001}", OFF},
    {"date", WHEN("a", ">", "\"answerDate\":\"2026-03\""), "{\"a\":\"2026-03-31\"}", OFF},
    {"date", WHEN("a", ">", "\"answerDate\":\"2026-03\""), "{\"a\":\"2026-04-01\"}", ON},
    {"dateTime", WHEN("a", "=", "\"answerDateTime\":\"2026-03-01T00:00:00Z\""),
     "{\"a\":\"2026-03-01T01:00:00+01:00\"}", ON},
    {"time", WHEN("a", "<", "\"answerTime\":\"12:00:00\""), "{\"a\":\"11:59:59.9\"}", ON},
    {"string", WHEN("a", "=", "\"answerString\":\"x\""), "{\"a\":\"x\"}", ON},
    {"string", WHEN("a", "=", "\"answerString\":\"x\""), "{\"a\":\"xy\"}", OFF},
    {"quantity", WHEN("a", ">", "\"answerQuantity\":{\"value\":1,\"code\":\"kg\"}"),
     "{\"a\":{\"value\":1001,\"code\":\"g\"}}", ON},
    {"quantity", WHEN("a", ">", "\"answerQuantity\":{\"value\":1,\"code\":\"kg\"}"),
     "{\"a\":{\"value\":1001,\"code\":\"m\"}}", OFF},
};

static struct buf json;

static void
judge(const char *definition, const char *answers, const char *broken)
{
    struct answers_said said;
    struct questionnaire *q = answers_definition(definition);

    answers_judge(q, answers, true, &said);
    if (strcmp(said.broken, broken) != 0)
        fail_msg("%s:\n%s not\n%s", answers, said.broken, broken);
    answers_said_free(&said);
    questionnaire_free(q);
}

static void
every_operator(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(operators); i++) {
        buf_clear(&json);
        buf_printf(&json,
                   HEAD "{\"linkId\":\"a\",\"type\":\"%s\"},{\"linkId\":\"b\",\"type\":\"string\","
                        "\"required\":true,\"enableWhen\":[%s]}]}",
                   operators[i].question, operators[i].condition);
        buf_append(&json, "", 1);
        judge((char *)json.data, operators[i].answers, operators[i].broken);
    }
}

/* Several answers: one is enough, but != wants none equal. */
static void
several_answers(void **state)
{
    static const char definition[] =
        HEAD "{\"linkId\":\"a\",\"type\":\"integer\",\"repeats\":true}," GATED(
            "eq",
            WHEN("a", "=",
                 "\"answerInteger\":2")) "," GATED("ne",
                                                   WHEN("a", "!=", "\"answerInteger\":2")) "]}";

    (void)state;
    judge(definition, "{\"a\":[1,2,3]}", "/answers/eq required\n");
    judge(definition, "{\"a\":[1,3]}", "/answers/ne required\n");
    judge(definition, "{\"a\":[]}", "");
    judge(definition, "{\"a\":[1,2],\"eq\":\"x\",\"ne\":\"x\"}", "/answers/ne disabled\n");
}

static void
all_and_any(void **state)
{
    static const char two[] =
        "{\"linkId\":\"a\",\"type\":\"boolean\"},{\"linkId\":\"c\",\"type\":"
        "\"boolean\"},{\"linkId\":\"b\",\"type\":\"string\",\"required\":true,"
        "\"enableBehavior\":\"%s\",\"enableWhen\":[" WHEN(
            "a", "=", "\"answerBoolean\":true") "," WHEN("c", "=", "\"answerBoolean\":true") "]}]}";
    static const struct {
        const char *behaviour, *answers, *broken;
    } cases[] = {
        {"all", "{\"a\":true,\"c\":true}", ON},
        {"all", "{\"a\":true}", OFF},
        {"any", "{\"c\":true}", ON},
        {"any", "{\"a\":false}", OFF},
        {"all", "{\"a\":\"x\",\"c\":false}", "/answers/a type\n"},
        {"any", "{\"a\":\"x\",\"c\":true}", "/answers/a type\n" ON},
        {"any", "{\"a\":\"x\"}", "/answers/a type\n"}, /* nobody knows */
        {"any", "{\"a\":\"x\",\"b\":\"y\"}", "/answers/a type\n"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        buf_clear(&json);
        buf_append_str(&json, HEAD);
        const char *behaviour = strstr(two, "%s");
        buf_append(&json, two, (size_t)(behaviour - two));
        buf_append_str(&json, cases[i].behaviour);
        buf_append_str(&json, behaviour + 2);
        buf_append(&json, "", 1);
        judge((char *)json.data, cases[i].answers, cases[i].broken);
    }
}

static void
codings(void **state)
{
    static const char definition[] = HEAD
        "{\"linkId\":\"a\",\"type\":\"choice\",\"answerOption\":[{\"valueCoding\":{\"system\":"
        "\"s1\",\"code\":\"x\"}},{\"valueCoding\":{\"system\":\"s2\",\"code\":\"x\"}},"
        "{\"valueCoding\":{\"code\":\"y\"}},{\"valueCoding\":{\"display\":\"other\"}}]}"
        "," GATED("s1", WHEN("a", "=", "\"answerCoding\":{\"system\":\"s1\",\"code\":\"x\"}")) "," GATED(
            "sx",
            WHEN("a", "=",
                 "\"answerCoding\":{\"code\":\"x\"}")) "," GATED("y", WHEN("a", "=",
                                                                           "\"answerCoding\":{"
                                                                           "\"system\":\"s1\","
                                                                           "\"code\":\"y\"}")) "]}";

    (void)state;
    judge(definition, "{\"a\":{\"system\":\"s1\",\"code\":\"x\"}}",
          "/answers/s1 required\n/answers/sx required\n");
    judge(definition, "{\"a\":{\"system\":\"s2\",\"code\":\"x\"}}", "/answers/sx required\n");
    judge(definition, "{\"a\":\"y\"}", "/answers/y required\n");
    judge(definition, "{\"a\":{\"display\":\"other\"}}", "");
}

static void
a_disabled_ancestor_disables_all_below(void **state)
{
    static const char definition[] = HEAD
        "{\"linkId\":\"on\",\"type\":\"boolean\"},"
        "{\"linkId\":\"g\",\"type\":\"group\",\"enableWhen\":[" WHEN(
            "on", "=",
            "\"answerBoolean\":true") "],\"item\":["
                                      "{\"linkId\":\"in\",\"type\":\"boolean\",\"required\":true},"
                                      "{\"linkId\":\"rep\",\"type\":\"group\",\"repeats\":true,"
                                      "\"required\":true,\"item\":["
                                      "{\"linkId\":\"deep\",\"type\":\"string\",\"required\":true}]"
                                      "}]}," GATED("after",
                                                   WHEN("in", "=", "\"answerBoolean\":true")) "]}";

    (void)state;
    judge(definition, "{\"on\":false}", "");
    judge(definition, "{\"on\":true}",
          "/answers/in required\n/answers/rep required\n/answers/rep/0/deep required\n");
    /* Its answers count as absent: nothing follows from them. */
    judge(definition, "{\"on\":false,\"in\":true,\"rep\":[{\"deep\":\"x\"},{}]}",
          "/answers/in disabled\n/answers/rep/0/deep disabled\n");
    judge(definition, "{\"on\":true,\"in\":true,\"rep\":[{\"deep\":\"x\"}]}",
          "/answers/after required\n");
}

/* A question of the item's own occurrence, answered or not, before or after the item. */
static void
the_nearest_occurrence_is_asked(void **state)
{
    static const char own[] = HEAD
        "{\"linkId\":\"g\",\"type\":\"group\",\"repeats\":true,\"item\":["
        "{\"linkId\":\"a\",\"type\":\"boolean\"}," GATED(
            "b",
            WHEN("a", "=",
                 "\"answerBoolean\":true")) "," GATED("c",
                                                      WHEN("z", "=",
                                                           "\"answerBoolean\":true")) ","
                                                                                      "{\"linkId\":"
                                                                                      "\"z\","
                                                                                      "\"type\":"
                                                                                      "\"boolean\"}"
                                                                                      "]}]}";
    static const char beside[] = HEAD GATED(
        "first",
        WHEN("a", "=", "\"answerInteger\":1")) ","
                                               "{\"linkId\":\"g\",\"type\":\"group\",\"repeats\":"
                                               "true,\"item\":["
                                               "{\"linkId\":\"h\",\"type\":\"group\",\"repeats\":"
                                               "true,\"item\":["
                                               "{\"linkId\":\"a\",\"type\":\"integer\"}]}]}," GATED(
                                                   "last",
                                                   WHEN("a", "=", "\"answerInteger\":1")) "]}";
    static const char above[] =
        HEAD "{\"linkId\":\"a\",\"type\":\"integer\",\"repeats\":true,\"item\":[" GATED(
            "b", WHEN("a", "=", "\"answerInteger\":1")) "]}]}";

    (void)state;
    judge(own, "{\"g\":[{\"a\":true,\"b\":\"x\"},{\"a\":false},{}]}", "");
    judge(own, "{\"g\":[{\"a\":false},{\"a\":true},{}]}", "/answers/g/1/b required\n");
    judge(own, "{\"g\":[{\"z\":true},{}]}", "/answers/g/0/c required\n");
    judge(beside, "{\"g\":[{\"h\":[{\"a\":1},{\"a\":2}]},{\"h\":[{\"a\":3},{}]},{}]}",
          "/answers/first required\n");
    judge(beside, "{\"g\":[{},{\"h\":[{\"a\":2}]},{\"h\":[{\"a\":3},{\"a\":1}]}]}",
          "/answers/last required\n");
    /* All answers of the question above, whichever the item stands under. */
    judge(above, "{\"a\":[1,2]}", "/answers/a/0/items/b required\n/answers/a/1/items/b required\n");
    judge(above, "{\"a\":[2]}", "");
}

/* A chain as long as a form may be, last item first: decided without recursion. */
static void
long_chains_are_decided(void **state)
{
    const int n = QUESTIONNAIRE_ITEMS_MAX;
    struct buf definition;

    (void)state;
    buf_init(&definition, 4 << 20);
    buf_append_str(&definition, HEAD);
    for (int i = 0; i < n - 1; i++)
        buf_printf(&definition,
                   "{\"linkId\":\"i%d\",\"type\":\"boolean\",\"enableWhen\":[{\"question\":\"i%d\","
                   "\"operator\":\"exists\",\"answerBoolean\":true}]},",
                   i, i + 1);
    buf_printf(&definition, "{\"linkId\":\"i%d\",\"type\":\"boolean\"}]}", n - 1);
    buf_append(&definition, "", 1);
    judge((char *)definition.data, "{\"i0\":true}", "/answers/i0 disabled\n");
    judge((char *)definition.data, "{\"i9999\":true,\"i9998\":false}", "");
    buf_deinit(&definition);
}

static int
setup(void **state)
{
    (void)state;
    buf_init(&json, 1 << 20);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    buf_deinit(&json);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operator),
        cmocka_unit_test(several_answers),
        cmocka_unit_test(all_and_any),
        cmocka_unit_test(codings),
        cmocka_unit_test(a_disabled_ancestor_disables_all_below),
        cmocka_unit_test(the_nearest_occurrence_is_asked),
        cmocka_unit_test(long_chains_are_decided),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
