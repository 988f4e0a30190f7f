/* Which definitions are taken, and why others are not. */
#include "questionnaire/questionnaire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/cmocka_all.h"

#include "base/error.h"

#define Q(items) "{\"resourceType\":\"Questionnaire\",\"item\":[" items "]}"

static const struct {
    const char *json;
    const char *why; /* a part of it */
} refused[] = {
    {"", "line"},
    {"[]", "resourceType"},
    {"{\"resourceType\":\"Patient\"}", "resourceType"},
    {"{\"resourceType\":\"Questionnaire\"}", "at least one item"},
    {"{\"resourceType\":\"Questionnaire\",\"resourceType\":\"Questionnaire\"}", "duplicate"},
    {"{\"resourceType\":\"Questionnaire\",\"implicitRules\":\"x\",\"item\":[]}", "implicitRules"},
    {Q("7"), "object"},
    {Q("{\"type\":\"string\"}"), "linkId"},
    {Q("{\"linkId\":\"\",\"type\":\"string\"}"), "linkId"},
    {Q("{\"linkId\":\"a\"}"), "type"},
    {Q("{\"linkId\":\"a\",\"type\":\"question\"}"), "'question'"},
    {Q("{\"linkId\":\"a\",\"type\":\"string\"},{\"linkId\":\"a\",\"type\":\"string\"}"), "twice"},
    {Q("{\"linkId\":\"a\",\"type\":\"string\",\"required\":\"yes\"}"), "required"},
    {Q("{\"linkId\":\"a\",\"type\":\"choice\"}"), "answerOption"},
    {Q("{\"linkId\":\"a\",\"type\":\"choice\",\"answerValueSet\":\"x\"}"), "answerValueSet"},
    {Q("{\"linkId\":\"a\",\"type\":\"choice\",\"answerOption\":[{\"valueReference\":{}}]}"),
     "option"},
    {Q("{\"linkId\":\"a\",\"type\":\"string\",\"maxLength\":0}"), "maxLength"},
    {Q("{\"linkId\":\"a\",\"type\":\"display\",\"item\":[{\"linkId\":\"b\",\"type\":\"string\"}]}"),
     "display"},
};

static void
bad_definitions_are_refused_by_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        struct questionnaire *q = NULL;
        char *why = NULL;
        int n = questionnaire_compile(refused[i].json, strlen(refused[i].json), NULL, &q, &why);
        if (n != QUESTIONNAIRE_REFUSED || strstr(why, refused[i].why) == NULL)
            fail_msg("%s: %d, %s", refused[i].json, n, why != NULL ? why : "no reason");
        assert_null(q);
        free(why);
    }
}

/* n items nested in one another, or side by side. */
static char *
definition_make(size_t n, bool nested)
{
    char *json = mem_new(n * 64 + 128, 1), *p = json;

    p += sprintf(p, "{\"resourceType\":\"Questionnaire\",\"item\":[");
    for (size_t i = 0; i < n; i++)
        p += sprintf(p, "%s{\"linkId\":\"i%zu\",\"type\":\"%s\"%s", i > 0 && !nested ? "," : "", i,
                     nested ? "group" : "string",
                     nested && i + 1 < n ? ",\"item\":["
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
    char *why = NULL, *json = definition_make(n, nested);
    int outcome = questionnaire_compile(json, strlen(json), NULL, &q, &why);

    if (outcome == QUESTIONNAIRE_OK)
        assert_int_equal(questionnaire_items(q), n);
    questionnaire_free(q);
    free(why);
    free(json);
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_definitions_are_refused_by_name),
        cmocka_unit_test(depth_and_number_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
