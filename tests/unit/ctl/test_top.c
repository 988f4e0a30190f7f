/* What top shows: brokers' rows added up, rates, and a screen that fits. */
#include "client/ctl/top.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/cmocka_all.h"

static json_t *
array(const char *text)
{
    json_t *a = json_loads(text, 0, NULL);

    assert_true(json_is_array(a));
    return a;
}

static void
test_queues_of_several_brokers(void **state)
{
    json_t *queues = array("[{\"service\":\"s\",\"ready\":3,\"oldest_us\":5,\"workers\":1,"
                           "\"accepted\":10,\"paused\":false},"
                           "{\"service\":\"s\",\"ready\":4,\"oldest_us\":9,\"workers\":2,"
                           "\"accepted\":20,\"paused\":true},{\"service\":\"q\",\"ready\":0}]");
    json_t *workers =
        array("[{\"service\":\"s\",\"leases\":1},{\"service\":\"s\",\"leases\":2},"
              "{\"service\":\"s\",\"leases\":0},{\"service\":\"gone\",\"leases\":1}]");
    json_t *all = top_queues(queues, workers);
    json_t *s = json_array_get(all, 0);

    (void)state;
    assert_int_equal(json_array_size(all), 2);
    assert_int_equal(json_integer_value(json_object_get(s, "ready")), 7);
    assert_int_equal(json_integer_value(json_object_get(s, "oldest_us")), 9);
    assert_int_equal(json_integer_value(json_object_get(s, "workers")), 3);
    assert_int_equal(json_integer_value(json_object_get(s, "busy")), 2);
    assert_true(json_is_true(json_object_get(s, "paused")));
    json_decref(all);
    json_decref(queues);
    json_decref(workers);
}

static void
test_rates(void **state)
{
    static const struct {
        const char *before;
        int64_t elapsed_us;
        json_int_t rate; /* -1: not known */
    } cases[] = {
        {"[{\"service\":\"s\",\"accepted\":1000}]", 2000000, 500},
        {"[{\"service\":\"s\",\"accepted\":1999}]", 2000000, 1}, /* half a one is shown as one */
        {"[{\"service\":\"s\",\"accepted\":2000}]", 2000000, 0},
        {"[{\"service\":\"s\",\"accepted\":2001}]", 2000000, -1}, /* it began anew */
        {"[{\"service\":\"other\",\"accepted\":1}]", 2000000, -1},
        {"[{\"service\":\"s\",\"accepted\":1000}]", 0, -1},
        {NULL, 2000000, -1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        json_t *now = array("[{\"service\":\"s\",\"accepted\":2000,\"finished\":0}]");
        json_t *before = cases[i].before != NULL ? array(cases[i].before) : NULL;
        top_rates(now, before, cases[i].elapsed_us);
        const json_t *rate = json_object_get(json_array_get(now, 0), "accepted_per_s");
        assert_int_equal(json_is_null(rate), cases[i].rate < 0);
        if (cases[i].rate >= 0)
            assert_int_equal(json_integer_value(rate), cases[i].rate);
        json_decref(now);
        json_decref(before);
    }
}

static void
test_paint_fits(void **state)
{
    static const struct {
        size_t lines;
        const char *painted;
    } cases[] = {{0, "\033[Ha\033[K\r\nb\033[K\r\nc\033[K\033[J"},
                 {2, "\033[Ha\033[K\r\nb\033[K\033[J"},
                 {5, "\033[Ha\033[K\r\nb\033[K\r\nc\033[K\033[J"}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char *text = NULL;
        size_t size;
        FILE *out = open_memstream(&text, &size);
        assert_non_null(out);
        top_paint(out, "a\nb\nc\n", cases[i].lines);
        fclose(out);
        assert_string_equal(text, cases[i].painted);
        free(text);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_queues_of_several_brokers),
        cmocka_unit_test(test_rates),
        cmocka_unit_test(test_paint_fits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
