/* Which version of a value set a definition means. */
#include "store/valuesets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/cmocka_all.h"

static const char *
found(const struct valuesets *v, const char *canonical, int64_t at_us)
{
    const char *json;
    size_t len;

    return valuesets_find(v, canonical, at_us, &json, &len) && len == strlen(json) ? json : NULL;
}

static void
the_newest_of_its_time(void **state)
{
    struct valuesets *v = valuesets_new();

    (void)state;
    assert_null(found(v, "u", VALUESET_NOW));
    valuesets_add(v, "u", "2", 200, "two", 3);
    valuesets_add(v, "u", "1", 100, "one", 3);
    valuesets_add(v, "uu", "", 150, "other", 5);
    valuesets_add(v, "u", "1", 300, "again", 5); /* a version never changes */
    assert_string_equal(found(v, "u", VALUESET_NOW), "two");
    assert_string_equal(found(v, "u", 200), "two");
    assert_string_equal(found(v, "u", 199), "one");
    assert_null(found(v, "u", 99));
    assert_string_equal(found(v, "u|1", VALUESET_NOW), "one");
    assert_null(found(v, "u|3", VALUESET_NOW));
    assert_null(found(v, "u|2", 150));
    assert_string_equal(found(v, "uu", VALUESET_NOW), "other");
    assert_string_equal(found(v, "uu|", VALUESET_NOW), "other");
    valuesets_free(v);
    valuesets_free(NULL);
}

static void
many(void **state)
{
    struct valuesets *v = valuesets_new();
    char url[32];

    (void)state;
    for (int i = 0; i < 100; i++) {
        snprintf(url, sizeof(url), "u%d", i);
        valuesets_add(v, url, "1", 1000 - i, url, strlen(url));
    }
    for (int i = 0; i < 100; i++) {
        snprintf(url, sizeof(url), "u%d", i);
        assert_string_equal(found(v, url, VALUESET_NOW), url);
        assert_null(found(v, url, 999 - i));
    }
    valuesets_free(v);
}

#define DEFINITION                                                                                 \
    "{\"resourceType\":\"Questionnaire\",\"url\":\"urn:x\",\"version\":\"1\",\"status\":"          \
    "\"active\""                                                                                   \
    ",\"item\":[{\"linkId\":\"a\",\"text\":\"A\",\"type\":\"choice\",\"answerValueSet\":\"urn:"    \
    "v\"}]}"
#define VALUESET                                                                                   \
    "{\"resourceType\":\"ValueSet\",\"url\":\"urn:v\",\"version\":\"1\",\"status\":\"active\","    \
    "\"compose\":{\"include\":[{\"system\":\"urn:s\",\"concept\":[{\"code\":\"x\"}]}]}}"

static void
a_definition_needs_what_it_names(void **state)
{
    struct valuesets *v = valuesets_new();
    struct questionnaire *q = NULL;
    struct questionnaire_item item;
    char *why = NULL;

    (void)state;
    assert_int_equal(
        valuesets_compile(v, VALUESET_NOW, DEFINITION, strlen(DEFINITION), false, &q, &why),
        QUESTIONNAIRE_REFUSED);
    assert_non_null(strstr(why, "urn:v"));
    free(why);
    why = NULL;
    valuesets_add(v, "urn:v", "1", 5, VALUESET, strlen(VALUESET));
    assert_int_equal(valuesets_compile(v, 4, DEFINITION, strlen(DEFINITION), false, &q, &why),
                     QUESTIONNAIRE_REFUSED);
    free(why);
    assert_int_equal(valuesets_compile(v, 5, DEFINITION, strlen(DEFINITION), false, &q, &why),
                     QUESTIONNAIRE_OK);
    questionnaire_item(q, 0, &item);
    assert_int_equal(item.options, 1);
    questionnaire_free(q);
    valuesets_free(v);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_of_its_time),
        cmocka_unit_test(many),
        cmocka_unit_test(a_definition_needs_what_it_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
