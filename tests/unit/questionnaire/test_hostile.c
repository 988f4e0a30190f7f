/* Forms made to cost much: what a body of 1 MiB can ask for is judged in a bounded time. The bounds
 * are wide (CPU seconds where milliseconds are taken), but far below what a missing bound costs. */
#include <string.h>
#include <time.h>

#include "tests/unit/cmocka_all.h"

#include "base/error.h"
#include "schemas/wire/mp.h"
#include "tests/unit/questionnaire/answers.h"

#define MANY 100000u
#define CPU_SECONDS_MAX 5.0
#define HEAD                                                                                       \
    "{\"resourceType\":\"Questionnaire\",\"url\":\"https://x.example/q\",\"version\":\"1\","       \
    "\"status\":\"active\",\"item\":["

static struct buf form;
static struct findings findings;

static void
judge(const char *definition)
{
    struct questionnaire *q = answers_definition(definition);
    clock_t start = clock();

    findings_clear(&findings);
    questionnaire_check(q, form.data, form.size, true, &findings);
    double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    if (seconds > CPU_SECONDS_MAX)
        fail_msg("%.1f s", seconds);
    questionnaire_free(q);
}

static void
many_occurrences_ask_many_answers(void **state)
{
    (void)state;
    buf_clear(&form);
    mp_put_map(&form, 2);
    mp_put_cstr(&form, "a");
    mp_put_array(&form, MANY);
    for (uint32_t i = 0; i < MANY; i++)
        mp_put_uint(&form, 1);
    mp_put_cstr(&form, "g");
    mp_put_array(&form, MANY);
    for (uint32_t i = 0; i < MANY; i++)
        mp_put_map(&form, 0);
    judge(HEAD
          "{\"linkId\":\"a\",\"type\":\"integer\",\"repeats\":true},{\"linkId\":\"g\",\"type\":"
          "\"group\",\"repeats\":true,\"item\":[{\"linkId\":\"b\",\"type\":\"string\","
          "\"enableWhen\":[{\"question\":\"a\",\"operator\":\"=\",\"answerInteger\":2}]}]}]}");
    assert_int_equal(findings.n, 0);
}

/* The question stands beside, in a group of which every occurrence leaves it out. */
static void
many_occurrences_look_for_a_question(void **state)
{
    (void)state;
    buf_clear(&form);
    mp_put_map(&form, 2);
    for (int g = 0; g < 2; g++) {
        mp_put_cstr(&form, g == 0 ? "h" : "g");
        mp_put_array(&form, MANY);
        for (uint32_t i = 0; i < MANY; i++)
            mp_put_map(&form, 0);
    }
    judge(HEAD "{\"linkId\":\"h\",\"type\":\"group\",\"repeats\":true,\"item\":[{\"linkId\":\"a\","
               "\"type\":\"boolean\"}]},{\"linkId\":\"g\",\"type\":\"group\",\"repeats\":true,"
               "\"item\":[{\"linkId\":\"b\",\"type\":\"string\",\"required\":true,\"enableWhen\":["
               "{\"question\":\"a\",\"operator\":\"=\",\"answerBoolean\":true}]}]}]}");
    assert_int_equal(findings.n, 0);
}

static void
many_texts_tire_a_pattern(void **state)
{
    static const char endless[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

    (void)state;
    buf_clear(&form);
    mp_put_map(&form, 1);
    mp_put_cstr(&form, "a");
    mp_put_array(&form, MANY / 5);
    for (uint32_t i = 0; i < MANY / 5; i++)
        mp_put_str(&form, endless, sizeof(endless) - 1);
    judge(HEAD
          "{\"linkId\":\"a\",\"type\":\"string\",\"repeats\":true,\"extension\":[{\"url\":"
          "\"http://hl7.org/fhir/StructureDefinition/regex\",\"valueString\":\"(a+)+b|(a|aa)+c\""
          "}]}]}");
    assert_int_equal(findings.n, 0);
    assert_int_equal(findings.n_warnings, FINDINGS_WARNINGS_MAX);
    assert_int_equal(findings.warnings[0].rule, RULE_REGEX_UNDECIDED);
}

/* A pattern that takes its time to say no: nothing is tried once the list is full. */
static void
many_texts_fail_a_pattern(void **state)
{
    (void)state;
    buf_clear(&form);
    mp_put_map(&form, 1);
    mp_put_cstr(&form, "g");
    mp_put_array(&form, MANY / 4);
    for (uint32_t i = 0; i < MANY / 4; i++) {
        mp_put_map(&form, 1);
        mp_put_cstr(&form, "a");
        mp_put_cstr(&form, "aaaaaaaaaaaaa");
    }
    judge(HEAD
          "{\"linkId\":\"g\",\"type\":\"group\",\"repeats\":true,\"item\":[{\"linkId\":\"a\","
          "\"type\":\"string\",\"extension\":[{\"url\":"
          "\"http://hl7.org/fhir/StructureDefinition/regex\",\"valueString\":\"(a+)+b|(a|aa)+c\""
          "}]}]}]}");
    assert_int_equal(findings.n, FINDINGS_MAX);
    assert_int_equal(findings.items[FINDINGS_MAX - 1].rule, RULE_TOO_MANY);
}

static int
setup(void **state)
{
    (void)state;
    buf_init(&form, 2 << 20);
    findings_init(&findings);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    buf_deinit(&form);
    findings_deinit(&findings);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_occurrences_ask_many_answers),
        cmocka_unit_test(many_occurrences_look_for_a_question),
        cmocka_unit_test(many_texts_tire_a_pattern),
        cmocka_unit_test(many_texts_fail_a_pattern),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
