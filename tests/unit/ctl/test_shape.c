/* Ages added up: sums, order, what is beyond the lines asked for or kept. */
#include "client/ctl/shape.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/cmocka_all.h"

static json_int_t
number_of(const json_t *rows, size_t i, const char *member)
{
    return json_integer_value(json_object_get(json_array_get(rows, i), member));
}

static const char *
name_of(const json_t *rows, size_t i)
{
    return json_string_value(json_object_get(json_array_get(rows, i), "name"));
}

static void
test_sums_and_order(void **state)
{
    struct shape *s = shape_new();

    (void)state;
    shape_add(s, "B", "ready", 0, 5, 900000);
    shape_add(s, "A", "ready", 0, 2, 1);
    shape_add(s, "A", "dead", 11, 3, 7000000);
    shape_add(s, "C", "leased", 4, 9, 5);
    shape_add(s, "D", "leased", 4, 0, 5); /* nothing: no line */
    json_t *rows = shape_rows(s, "study", 10);
    assert_int_equal(json_array_size(rows), 4);
    assert_string_equal(name_of(rows, 0), "TOTAL");
    assert_int_equal(number_of(rows, 0, "n"), 19);
    assert_int_equal(number_of(rows, 0, "oldest_us"), 7000000);
    assert_string_equal(name_of(rows, 1), "C");
    assert_string_equal(name_of(rows, 2), "A"); /* as many as B, and before it */
    assert_int_equal(number_of(rows, 2, "n"), 5);
    const json_t *ages = json_object_get(json_array_get(rows, 2), "ages");
    assert_int_equal(json_integer_value(json_array_get(ages, 0)), 2);
    assert_int_equal(json_integer_value(json_array_get(ages, 11)), 3);
    json_decref(rows);

    rows = shape_rows(s, "study", 1);
    assert_int_equal(json_array_size(rows), 3);
    assert_string_equal(name_of(rows, 2), "(others)");
    assert_int_equal(number_of(rows, 2, "n"), 10);
    assert_int_equal(number_of(rows, 2, "oldest_us"), 7000000);
    json_decref(rows);
    shape_free(s);
}

static void
test_names_are_bounded(void **state)
{
    struct shape *s = shape_new();
    char name[32];

    (void)state;
    for (int i = 0; i < SHAPE_NAMES_MAX + 100; i++) {
        snprintf(name, sizeof(name), "S%d", i);
        shape_add(s, name, "ready", 0, 1, 1);
    }
    json_t *rows = shape_rows(s, "study", SHAPE_NAMES_MAX);
    assert_int_equal(number_of(rows, 0, "n"), SHAPE_NAMES_MAX + 100);
    assert_string_equal(name_of(rows, 1), "(others)");
    assert_int_equal(number_of(rows, 1, "n"), 100);
    json_decref(rows);
    shape_free(s);
}

static void
test_strange_rows(void **state)
{
    static const char *const strange[] = {
        "{}", "{\"name\":\"A\",\"state\":\"ready\"}",
        "{\"name\":\"A\",\"state\":\"ready\",\"ages\":[1,2]}",
        "{\"name\":1,\"state\":\"ready\",\"ages\":[0,0,0,0,0,0,0,0,0,0,0,0]}"};
    struct shape *s = shape_new();

    (void)state;
    for (size_t i = 0; i < sizeof(strange) / sizeof(*strange); i++) {
        json_t *row = json_loads(strange[i], 0, NULL);
        assert_non_null(row);
        assert_false(shape_add_row(s, row, false));
        json_decref(row);
    }
    json_t *row = json_loads("{\"name\":\"\",\"state\":\"dead\",\"oldest_us\":3,"
                             "\"ages\":[1,0,0,0,0,0,0,0,0,0,0,1]}",
                             0, NULL);
    assert_true(shape_add_row(s, row, true));
    json_decref(row);
    json_t *rows = shape_rows(s, "state", 1);
    assert_string_equal(name_of(rows, 1), "dead");
    assert_int_equal(number_of(rows, 1, "n"), 2);
    json_decref(rows);
    shape_free(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sums_and_order),
        cmocka_unit_test(test_names_are_bounded),
        cmocka_unit_test(test_strange_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
