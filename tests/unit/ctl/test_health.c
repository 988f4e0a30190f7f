/* How findings are said: the worst of them, and each form with what would break it. */
#include "client/ctl/health.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "tests/unit/cmocka_all.h"

typedef void format_fn(const struct health *h, FILE *out);

static char *
told(const struct health *h, format_fn *format)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    format(h, out);
    fclose(out);
    return text;
}

static void
assert_told(const struct health *h, format_fn *format, const char *expected)
{
    char *text = told(h, format);

    assert_string_equal(text, expected);
    free(text);
}

static void
test_worst(void **state)
{
    static const struct {
        enum health_status added[3], worst;
    } cases[] = {{{HEALTH_OK, HEALTH_OK, HEALTH_OK}, HEALTH_OK},
                 {{HEALTH_OK, HEALTH_UNKNOWN, HEALTH_OK}, HEALTH_UNKNOWN},
                 {{HEALTH_UNKNOWN, HEALTH_WARNING, HEALTH_OK}, HEALTH_WARNING},
                 {{HEALTH_WARNING, HEALTH_UNKNOWN, HEALTH_CRITICAL}, HEALTH_CRITICAL}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct health *h = health_new();
        for (size_t k = 0; k < 3; k++)
            health_add(h, HEALTH_REDIS, "", cases[i].added[k], "text");
        assert_int_equal(health_worst(h), cases[i].worst);
        health_free(h);
    }
}

static struct health *
findings(void)
{
    struct health *h = health_new();

    health_add(h, HEALTH_QUEUE_AGE, "a\"b\\c", HEALTH_WARNING, "old | \n\tolder\033[2J");
    health_value(h, 1500000, 1000000, HEALTH_NO_LIMIT);
    health_add(h, HEALTH_DEAD, "it's=a|q", HEALTH_CRITICAL, "%d", 3);
    health_value(h, 3, HEALTH_NO_LIMIT, 0);
    health_add(h, HEALTH_REDIS, "", HEALTH_OK, "answers");
    return h;
}

static void
test_prometheus(void **state)
{
    struct health *h = findings();

    (void)state;
    assert_told(h, health_prometheus,
                "# HELP sluice_check_status 0 ok, 1 warning, 2 critical, 3 unknown\n"
                "# TYPE sluice_check_status gauge\n"
                "sluice_check_status{check=\"queue-age\",object=\"a\\\"b\\\\c\"} 1\n"
                "sluice_check_status{check=\"dead-letters\",object=\"it's=a|q\"} 2\n"
                "sluice_check_status{check=\"redis\",object=\"\"} 0\n"
                "# HELP sluice_check_queue_age_seconds age of the oldest message that waits in a "
                "queue\n"
                "# TYPE sluice_check_queue_age_seconds gauge\n"
                "sluice_check_queue_age_seconds{object=\"a\\\"b\\\\c\"} 1.500000\n"
                "# HELP sluice_check_dead_letters messages that workers could not do\n"
                "# TYPE sluice_check_dead_letters gauge\n"
                "sluice_check_dead_letters{object=\"it's=a|q\"} 3\n");
    health_free(h);
}

static void
test_nagios(void **state)
{
    struct health *h = findings();

    (void)state;
    assert_told(h, health_nagios,
                "SLUICE CRITICAL - 1 critical, 1 warning, 1 ok: dead-letters it's=a_q: 3 |"
                " 'queue-age a\"b\\c'=1.500000s;1.000000; 'dead-letters it_s_a_q'=3;;0\n"
                "[warning] queue-age a\"b\\c: old _ older?[2J\n"
                "[critical] dead-letters it's=a_q: 3\n"
                "[ok] redis: answers\n");
    health_free(h);
}

static void
test_json(void **state)
{
    struct health *h = findings();

    (void)state;
    char *text = told(h, health_json);
    json_t *row = json_loadb(text, strcspn(text, "\n"), 0, NULL);
    assert_non_null(row);
    assert_string_equal(json_string_value(json_object_get(row, "check")), "queue-age");
    assert_string_equal(json_string_value(json_object_get(row, "status")), "warning");
    assert_float_equal(json_real_value(json_object_get(row, "value")), 1.5, 1e-9);
    assert_true(json_is_null(json_object_get(row, "critical")));
    json_decref(row);
    free(text);
    health_free(h);
}

static void
test_many(void **state)
{
    struct health *h = health_new();

    (void)state;
    for (int i = 0; i < 1000; i++)
        health_add(h, HEALTH_WORKERS,
                   "a name that is far longer than any name of a queue may be, "
                   "again and again and again and again and again and again and "
                   "again and again and again and again and again and again and "
                   "again and again and again and again and again and again",
                   HEALTH_OK, "%0600d", i);
    char *text = told(h, health_text);
    assert_non_null(strstr(text, "\nok: 1000 ok\n"));
    free(text);
    health_free(h);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_worst),  cmocka_unit_test(test_prometheus),
        cmocka_unit_test(test_nagios), cmocka_unit_test(test_json),
        cmocka_unit_test(test_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
