/* A batch's text cut into its submissions. */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "client/edge/batch_split.h"

static bool
split(const char *text, struct batch_span spans[], size_t *ret_n, struct problem_error *e)
{
    return batch_split((const uint8_t *)text, strlen(text), spans, ret_n, e);
}

static void
test_elements(void **state)
{
    static const struct {
        const char *text, *elements; /* each ends with a | */
    } cases[] = {
        {"{\"submissions\":[]}", ""},
        {" {\n\"submissions\" : [ ] }\t", ""},
        {"{\"submissions\":[{}]}", "{}|"},
        {"{\"submissions\":[ {\"a\":[1,2]} , [3,{}],4 ]}", "{\"a\":[1,2]} |[3,{}]|4 |"},
        {"{\"submissions\":[{\"a\":\"],}{[\"},{\"b\":\"\\\"]\\\\\"}]}",
         "{\"a\":\"],}{[\"}|{\"b\":\"\\\"]\\\\\"}|"},
        {"{\"submissions\":[[[]]]}", "[[]]|"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct batch_span spans[BATCH_SUBMISSIONS_MAX];
        struct problem_error e = {.rule = NULL};
        char joined[256] = "";
        size_t n = 99, at = 0;
        print_message("%s\n", cases[i].text);
        assert_true(split(cases[i].text, spans, &n, &e));
        for (size_t k = 0; k < n; k++)
            at += (size_t)snprintf(joined + at, sizeof(joined) - at, "%.*s|", (int)spans[k].size,
                                   (const char *)spans[k].at);
        assert_string_equal(joined, cases[i].elements);
    }
}

/* Every beginning of a good text is refused, and never read past its end (sanitizers look). */
static void
test_cut(void **state)
{
    static const char text[] = "{\"submissions\":[{\"a\":\"x\\\"y\"},[1]]}";
    struct batch_span spans[BATCH_SUBMISSIONS_MAX];
    struct problem_error e;
    size_t n;

    (void)state;
    for (size_t len = 0; len < sizeof(text) - 1; len++) {
        char *copy = malloc(len + 1);
        memcpy(copy, text, len);
        assert_false(batch_split((uint8_t *)copy, len, spans, &n, &e));
        assert_string_equal(e.rule, "json-syntax");
        assert_true(e.at >= 0 && (size_t)e.at <= len);
        free(copy);
    }
    assert_true(split(text, spans, &n, &e));
}

static void
test_bound(void **state)
{
    (void)state;
    for (size_t count = BATCH_SUBMISSIONS_MAX; count <= BATCH_SUBMISSIONS_MAX + 1; count++) {
        struct batch_span spans[BATCH_SUBMISSIONS_MAX];
        struct problem_error e = {.rule = NULL};
        char text[256] = "{\"submissions\":[0";
        size_t n = 0;
        for (size_t i = 1; i < count; i++)
            strcat(text, ",0");
        strcat(text, "]}");
        assert_int_equal(split(text, spans, &n, &e), count == BATCH_SUBMISSIONS_MAX);
        if (count == BATCH_SUBMISSIONS_MAX)
            assert_int_equal(n, count);
        else
            assert_string_equal(e.rule, "too-many");
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_elements), cmocka_unit_test(test_cut),
                                       cmocka_unit_test(test_bound)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
