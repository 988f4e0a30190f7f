/* Decimals keep their spelling through load and dump; patterns match whole texts within limits. */
#include "questionnaire/literal.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/unit/cmocka_all.h"

#include "base/error.h"
#include "questionnaire/regex.h"

/* {text, what the dump is; NULL: the same} */
static const char *const kept[][2] = {
    {"{\"a\":0.1}", NULL},
    {"{\"a\":[1.50,-0.0,1e5,1E+5,2.5e-300,12345678901234567.8901234567890]}", NULL},
    {"{\"a\":[0,-1,9223372036854775807]}", NULL},
    {"{ \"b\" : 1.0 , \"a\" : 2 }", "{\"a\":2,\"b\":1.0}"},
    {"{\"a\":\"1.5\"}", NULL},
    {"{\"1.5\":\"\\\"1.5\"}", NULL},
    {"{\"a\":\"\\\\u0001\"}", NULL},
    {"[]", NULL},
};

static void
literals_survive(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
        json_error_t error;
        json_t *root = literal_load(kept[i][0], strlen(kept[i][0]), &error);
        if (root == NULL)
            fail_msg("%s: %s", kept[i][0], error.text);
        char *text = literal_dump(root);
        assert_string_equal(text, kept[i][1] != NULL ? kept[i][1] : kept[i][0]);
        free(text);
        json_decref(root);
    }
}

static const char *const refused[] = {
    "",
    "{",
    "[1.]",
    "[.5]",
    "[01.5]",
    "[1e]",
    "[1.5.5]",
    "[--1.5]",
    "[1.5",
    "\"\\u0001\"",
    "[\"a\\u0001b\"]",
    "{\"\\u0001x\":1}",
    "[NaN]",
    "[1 2]",
    "[99999999999999999999]",
};

static void
what_is_no_json_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        json_error_t error = {.text = ""};
        json_t *root = literal_load(refused[i], strlen(refused[i]), &error);
        if (root != NULL)
            fail_msg("taken: %s", refused[i]);
        assert_true(error.text[0] != '\0');
    }
}

static void
texts_and_numbers_are_told_apart(void **state)
{
    json_error_t error;
    json_t *root = literal_load("[1.50,\"1.50\",7,true]", 20, &error);
    struct decimal d;

    (void)state;
    assert_null(literal_text(json_array_get(root, 0)));
    assert_string_equal(literal_text(json_array_get(root, 1)), "1.50");
    assert_true(literal_number(json_array_get(root, 0), &d));
    assert_int_equal(d.coefficient, 150);
    assert_int_equal(d.exponent, -2);
    assert_false(literal_number(json_array_get(root, 1), &d));
    assert_true(literal_number(json_array_get(root, 2), &d));
    assert_false(literal_number(json_array_get(root, 3), &d));
    json_decref(root);
}

static const struct {
    const char *pattern, *text;
    enum regex_match match;
} matches[] = {
    {"[a-z]+", "abc", REGEX_MATCHES},
    {"[a-z]+", "abc1", REGEX_DIFFERS},
    {"[a-z]+", "1abc", REGEX_DIFFERS},
    {"a|bc", "bc", REGEX_MATCHES},
    {"a|bc", "abc", REGEX_DIFFERS},
    {"^a$", "a", REGEX_MATCHES},
    {"a", "a\n", REGEX_DIFFERS},
    {"a$", "a\n", REGEX_DIFFERS},
    {"..", "\xc3\xa9\xe4\xb8\xad", REGEX_MATCHES},
    {"\\d{4}", "2026", REGEX_MATCHES},
    {"(a+)+", "aaaaaaaaaaaaaaaaaaaaaaaa", REGEX_MATCHES},
    {"(a+)+b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac", REGEX_DIFFERS},
    {"(a|aa)+$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac", REGEX_UNDECIDED},
    {"(?:x(?R)?y|z)*", "z", REGEX_MATCHES},
};

static void
patterns_match_whole_texts_within_limits(void **state)
{
    struct regex_matcher *matcher = regex_matcher_new();
    char why[REGEX_WHY_SIZE];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(matches); i++) {
        struct regex *r;
        const char *text = matches[i].text;
        if (regex_new(matcher, matches[i].pattern, strlen(matches[i].pattern), &r, why) != REGEX_OK)
            fail_msg("%s: %s", matches[i].pattern, why);
        clock_t start = clock();
        if (regex_match(r, text, strlen(text)) != matches[i].match)
            fail_msg("%s on %s", matches[i].pattern, text);
        assert_true(clock() - start < CLOCKS_PER_SEC / 10);
        regex_free(r);
    }
    regex_matcher_free(matcher);
}

static void
patterns_have_a_bound(void **state)
{
    struct regex_matcher *matcher = regex_matcher_new();
    char why[REGEX_WHY_SIZE], *pattern = mem_new(REGEX_PATTERN_MAX + 1, 1);
    struct regex *r;

    (void)state;
    memset(pattern, 'a', REGEX_PATTERN_MAX + 1);
    assert_int_equal(regex_new(matcher, pattern, REGEX_PATTERN_MAX, &r, why), REGEX_OK);
    regex_free(r);
    assert_int_equal(regex_new(matcher, pattern, REGEX_PATTERN_MAX + 1, &r, why), REGEX_REFUSED);
    free(pattern);
    regex_matcher_free(matcher);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(literals_survive),
        cmocka_unit_test(what_is_no_json_is_refused),
        cmocka_unit_test(texts_and_numbers_are_told_apart),
        cmocka_unit_test(patterns_match_whole_texts_within_limits),
        cmocka_unit_test(patterns_have_a_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
