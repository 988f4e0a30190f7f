/* What a table looks like, byte for byte. stdout is caught in a file. */
#include "client/ctl/table.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "tests/unit/cmocka_all.h"

static const struct column columns[] = {
    {"name", "worker", COLUMN_TEXT},   {"n", "done", COLUMN_COUNT},  {"age", "heard", COLUMN_AGE},
    {"size", "size", COLUMN_BYTES},    {"pid", "pid", COLUMN_PLAIN}, {"at", "at", COLUMN_TIME},
    {"paused", "paused", COLUMN_FLAG},
};

static char told[4096];
static int kept_stdout;

static void
catch_begin(void)
{
    fflush(stdout);
    kept_stdout = dup(STDOUT_FILENO);
    FILE *f = tmpfile();
    assert_non_null(f);
    assert_true(dup2(fileno(f), STDOUT_FILENO) >= 0);
    fclose(f);
}

static const char *
catch_end(void)
{
    fflush(stdout);
    lseek(STDOUT_FILENO, 0, SEEK_SET);
    ssize_t n = read(STDOUT_FILENO, told, sizeof(told) - 1);
    told[n > 0 ? n : 0] = '\0';
    dup2(kept_stdout, STDOUT_FILENO);
    close(kept_stdout);
    return told;
}

static json_t *
rows_make(void)
{
    json_t *rows = json_loads("[{\"name\":\"Zürich-1\",\"n\":12345,\"age\":185000000,\"size\":1536,"
                              "\"pid\":4711,\"at\":0,\"paused\":true},"
                              "{\"name\":\"b\\u001b[2J\",\"n\":7,\"age\":5000,\"size\":10,"
                              "\"paused\":false,\"more\":[1]}]",
                              0, NULL);

    assert_non_null(rows);
    return rows;
}

static void
test_for_people(void **state)
{
    json_t *rows = rows_make();

    (void)state;
    catch_begin();
    table_print(rows, columns, ARRAY_LEN(columns), false, "none");
    assert_string_equal(
        catch_end(),
        "worker      done      heard     size   pid  at                           paused\n"
        "Zürich-1  12,345  3 min 5 s  1.5 KiB  4711  1970-01-01T00:00:00.000000Z  yes\n"
        "b?[2J          7       5 ms     10 B     -  -                            \n");
    json_decref(rows);
}

static void
test_for_scripts(void **state)
{
    json_t *rows = rows_make();

    (void)state;
    catch_begin();
    table_print(rows, columns, ARRAY_LEN(columns), true, "none");
    assert_string_equal(catch_end(),
                        "{\"name\":\"Zürich-1\",\"n\":12345,\"age\":185000000,\"size\":1536,"
                        "\"pid\":4711,\"at\":0,\"paused\":true}\n"
                        "{\"name\":\"b\\u001B[2J\",\"n\":7,\"age\":5000,\"size\":10,"
                        "\"paused\":false,\"more\":[1]}\n");
    json_decref(rows);
}

static void
test_empty_and_one(void **state)
{
    json_t *rows = rows_make(), *none = json_array();

    (void)state;
    catch_begin();
    table_print(none, columns, ARRAY_LEN(columns), false, "no workers");
    assert_string_equal(catch_end(), "no workers\n");
    catch_begin();
    table_print(none, columns, ARRAY_LEN(columns), true, "no workers");
    assert_string_equal(catch_end(), "");
    catch_begin();
    table_print_one(json_array_get(rows, 0), columns, 2, false);
    assert_string_equal(catch_end(), "worker  Zürich-1\ndone    12,345\n");
    json_decref(none);
    json_decref(rows);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_for_people),
        cmocka_unit_test(test_for_scripts),
        cmocka_unit_test(test_empty_and_one),
    };

    setlocale(LC_CTYPE, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
