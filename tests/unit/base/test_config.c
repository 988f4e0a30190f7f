/* Configuration: types, ranges, precedence, places of errors, what is printed is read back. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/config.h"
#include "base/error.h"
#include "schemas/config.h"

static const struct config_key keys[] = {
    {"alpha", "name", CONFIG_STRING, "bob", 1, 20, "a name"},
    {"alpha", "folder", CONFIG_PATH, "/var/x", 0, 4000, "a folder"},
    {"alpha", "where", CONFIG_ENDPOINT, "ipc:///run/a", 1, 200, "an endpoint"},
    {"alpha", "count", CONFIG_INTEGER, "5", -10, 100, "a count"},
    {"alpha", "room", CONFIG_BYTES, "1MiB", 0, INT64_MAX, "bytes"},
    {"alpha", "wait", CONFIG_DURATION, "2s", 0, INT64_MAX, "a wait"},
    {"alpha", "on", CONFIG_BOOLEAN, "false", 0, 1, "a switch"},
    {"beta", "count", CONFIG_INTEGER, "7", 0, 100, "another count"},
};

static char folder[] = "/tmp/sluice-config-XXXXXX";
static char path[64];

static int
group_setup(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(path, sizeof(path), "%s/t.conf", folder);
    return 0;
}

static int
group_teardown(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static void
file_write(const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static struct config *
load(const char *text, const char *const *sets, size_t n_sets)
{
    struct config *c = NULL;
    char *errors = NULL;

    if (text != NULL)
        file_write(text);
    int r = config_load(keys, ARRAY_LEN(keys), text != NULL ? path : NULL, sets, n_sets, "alpha",
                        &c, &errors);
    if (r != CONFIG_OK)
        fail_msg("%s", errors);
    assert_null(errors);
    return c;
}

/* Loads what must fail; errors with the path of the file replaced by "F", malloc'd. */
static char *
load_errors(const char *text, const char *const *sets, size_t n_sets)
{
    struct config *c = NULL;
    char *errors = NULL;

    if (text != NULL)
        file_write(text);
    int r = config_load(keys, ARRAY_LEN(keys), text != NULL ? path : NULL, sets, n_sets, "alpha",
                        &c, &errors);
    assert_int_equal(r, CONFIG_INVALID);
    assert_null(c); /* untouched */
    char *plain = mem_new(strlen(errors) + 1, 1), *to = plain;
    for (const char *s = errors; *s != '\0';) {
        if (strncmp(s, path, strlen(path)) == 0) {
            *to++ = 'F';
            s += strlen(path);
        } else {
            *to++ = *s++;
        }
    }
    free(errors);
    return plain;
}

static void
test_defaults(void **state)
{
    (void)state;
    struct config *c = load(NULL, NULL, 0);
    assert_string_equal(config_str(c, "alpha", "name"), "bob");
    assert_string_equal(config_str(c, "alpha", "folder"), "/var/x");
    assert_int_equal(config_int(c, "alpha", "count"), 5);
    assert_int_equal(config_int(c, "beta", "count"), 7);
    assert_int_equal(config_int(c, "alpha", "room"), 1 << 20);
    assert_int_equal(config_us(c, "alpha", "wait"), 2000000);
    assert_false(config_bool(c, "alpha", "on"));
    config_free(c);
    c = load("", NULL, 0);
    assert_int_equal(config_int(c, "alpha", "count"), 5);
    config_free(c);
    config_free(NULL);
}

static void
test_precedence(void **state)
{
    const char *sets[] = {"count=9", "beta/count=11", "count=10", "name=a=b 'c'"};

    (void)state;
    struct config *c =
        load("# first\nalpha\n    count = 8\n    on = true\n\n    name = \"q # q\" # c\n"
             "beta\n    count = 3\n",
             NULL, 0);
    assert_int_equal(config_int(c, "alpha", "count"), 8);
    assert_int_equal(config_int(c, "beta", "count"), 3);
    assert_true(config_bool(c, "alpha", "on"));
    assert_string_equal(config_str(c, "alpha", "name"), "q # q");
    config_free(c);
    c = load("alpha\r\n    count = 8\r\nbeta\r\n    count = 3", sets, 4);
    assert_int_equal(config_int(c, "alpha", "count"), 10);
    assert_int_equal(config_int(c, "beta", "count"), 11);
    assert_string_equal(config_str(c, "alpha", "name"), "a=b 'c'");
    config_free(c);
}

static void
test_paths(void **state)
{
    const char *sets[] = {"folder=./sub/x"};
    char cwd[PATH_MAX], expected[PATH_MAX + 16];

    (void)state;
    struct config *c = load("alpha\n    folder = sub/y\n", NULL, 0);
    snprintf(expected, sizeof(expected), "%s/sub/y", folder);
    assert_string_equal(config_str(c, "alpha", "folder"), expected);
    config_free(c);

    assert_non_null(getcwd(cwd, sizeof(cwd)));
    c = load("alpha\n    folder = sub/y\n", sets, 1);
    snprintf(expected, sizeof(expected), "%s/sub/x", cwd);
    assert_string_equal(config_str(c, "alpha", "folder"), expected);
    config_free(c);

    c = load("alpha\n    folder = \"\"\n", NULL, 0);
    assert_string_equal(config_str(c, "alpha", "folder"), "");
    config_free(c);

    /* a config file named relative to cwd, with and without a folder in its name */
    char *errors;
    assert_int_equal(chdir(folder), 0);
    file_write("alpha\n    folder = z\n");
    assert_int_equal(config_load(keys, ARRAY_LEN(keys), "t.conf", NULL, 0, "alpha", &c, &errors),
                     0);
    snprintf(expected, sizeof(expected), "%s/z", folder);
    assert_string_equal(config_str(c, "alpha", "folder"), expected);
    config_free(c);
    assert_int_equal(chdir("/"), 0);
    assert_int_equal(config_load(keys, ARRAY_LEN(keys), path + 1, NULL, 0, "alpha", &c, &errors),
                     0);
    assert_string_equal(config_str(c, "alpha", "folder"), expected);
    config_free(c);
    assert_int_equal(chdir(cwd), 0);
}

static void
test_good_values(void **state)
{
    static const struct {
        const char *set;
        int64_t number;
    } rows[] = {
        {"count=-10", -10},
        {"count=100", 100},
        {"count=0", 0},
        {"count=007", 7},
        {"room=0", 0},
        {"room=1", 1},
        {"room=3KiB", 3072},
        {"room=2GiB", INT64_C(2) << 30},
        {"wait=0", 0},
        {"wait=15", 15000},
        {"wait=15ms", 15000},
        {"wait=3s", 3000000},
        {"wait=2min", 120000000},
        {"wait=1h", INT64_C(3600000000)},
        {"wait=2d", 172800000000},
        {"room=9223372036854775807", INT64_MAX},
        {"on=true", 1},
        {"on=false", 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char name[16];
        snprintf(name, sizeof(name), "%.*s", (int)strcspn(rows[i].set, "="), rows[i].set);
        struct config *c = load(NULL, &rows[i].set, 1);
        assert_int_equal(config_int(c, "alpha", name), rows[i].number);
        config_free(c);
    }
    static const char *const endpoints[] = {
        "ipc:///a",  "ipc://@abstract", "tcp://127.0.0.1:5555",
        "tcp://*:*", "tcp://[::1]:1",   "tcp://h.example:65535"};
    for (size_t i = 0; i < ARRAY_LEN(endpoints); i++) {
        char set[64];
        const char *sets[] = {set};
        snprintf(set, sizeof(set), "where=%s", endpoints[i]);
        struct config *c = load(NULL, sets, 1);
        assert_string_equal(config_str(c, "alpha", "where"), endpoints[i]);
        config_free(c);
    }
}

static void
test_bad_values(void **state)
{
    static const struct {
        const char *set, *error;
    } rows[] = {
        {"count=", "--set: alpha/count: must be an integer\n"},
        {"count=-", "--set: alpha/count: must be an integer\n"},
        {"count=1.5", "--set: alpha/count: must be an integer\n"},
        {"count= 1", "--set: alpha/count: must be an integer\n"},
        {"count=1KiB", "--set: alpha/count: must be an integer\n"},
        {"count=101", "--set: alpha/count: must be from -10 to 100\n"},
        {"alpha/count=-11", "--set: alpha/count: must be from -10 to 100\n"},
        {"count=99999999999999999999", "--set: alpha/count: must be an integer\n"},
        {"room=1kb", "--set: alpha/room: must be an integer, with KiB, MiB, GiB or no unit\n"},
        {"room=9223372036854775807KiB",
         "--set: alpha/room: must be an integer, with KiB, MiB, GiB or no unit\n"},
        {"room=-1", NULL},
        {"wait=5m",
         "--set: alpha/wait: must be an integer with ms, s, min, h or d (no unit: ms)\n"},
        {"wait=-1s", NULL},
        {"on=yes", "--set: alpha/on: must be true or false\n"},
        {"on=TRUE", "--set: alpha/on: must be true or false\n"},
        {"name=", "--set: alpha/name: must have 1 to 20 characters\n"},
        {"name=012345678901234567890", "--set: alpha/name: must have 1 to 20 characters\n"},
        {"name=a\nb", "--set: alpha/name: must not hold control characters\n"},
        {"name='\"", "--set: alpha/name: must not hold both kinds of quotation marks\n"},
        {"where=http://x", NULL},
        {"where=ipc://", NULL},
        {"where=tcp://host", NULL},
        {"where=tcp://:1", NULL},
        {"where=tcp://h:", NULL},
        {"where=tcp://h:65536", NULL},
        {"where=tcp://h:-1", NULL},
        {"where=tcp://h:1KiB", NULL},
        {"nokey=1", "--set: alpha/nokey: unknown key\n"},
        {"gamma/count=1", "--set: gamma/count: unknown section\n"},
        {"count", "--set: count: must be [section/]key=value\n"},
        {"=1", "--set: =1: must be [section/]key=value\n"},
        {"", "--set: : must be [section/]key=value\n"},
        {"/=1", NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char *errors = load_errors(NULL, &rows[i].set, 1);
        if (rows[i].error != NULL)
            assert_string_equal(errors, rows[i].error);
        else
            assert_memory_equal(errors, "--set: ", 7);
        free(errors);
    }
}

static void
test_bounds_of_texts(void **state)
{
    char set[1024];
    const char *sets[] = {set};

    (void)state;
    snprintf(set, sizeof(set), "folder=/%0899d", 0);
    struct config *c = load(NULL, sets, 1);
    assert_int_equal(strlen(config_str(c, "alpha", "folder")), 900);
    config_free(c);
    snprintf(set, sizeof(set), "folder=/%0900d", 0);
    char *errors = load_errors(NULL, sets, 1);
    assert_string_equal(errors, "--set: alpha/folder: must have 0 to 900 characters\n");
    free(errors);
    snprintf(set, sizeof(set), "where=ipc:///%0106d", 0);
    config_free(load(NULL, sets, 1));
    snprintf(set, sizeof(set), "where=ipc:///%0107d", 0);
    errors = load_errors(NULL, sets, 1);
    assert_non_null(strstr(errors, "107"));
    free(errors);
}

static void
test_all_errors_with_their_lines(void **state)
{
    const char *sets[] = {"count=x", "nokey=1"};

    (void)state;
    char *errors = load_errors("# comment\n"        /* 1 */
                               "alpha\n"            /* 2 */
                               "    count = 8\n"    /* 3 */
                               "    count = 9\n"    /* 4 */
                               "    nokey = 1\n"    /* 5 */
                               "\n"                 /* 6 */
                               "    wait = soon\n"  /* 7 */
                               "gamma\n"            /* 8 */
                               "    any = 1\n"      /* 9 */
                               "beta\n"             /* 10 */
                               "    count = 1000\n" /* 11 */
                               "alpha\n"            /* 12 */
                               "    on = maybe\n",  /* 13 */
                               sets, 2);
    assert_string_equal(
        errors, "F:4: alpha/count: stands already in line 3\n"
                "F:5: alpha/nokey: unknown key\n"
                "F:7: alpha/wait: must be an integer with ms, s, min, h or d (no unit: ms)\n"
                "F:8: gamma: unknown section\n"
                "F:11: beta/count: must be from 0 to 100\n"
                "F:12: alpha: section stands already in line 2\n"
                "F:13: alpha/on: must be true or false\n"
                "--set: alpha/count: must be an integer\n"
                "--set: alpha/nokey: unknown key\n");
    free(errors);
}

static void
test_unreadable_file(void **state)
{
    struct config *c = NULL;
    char *errors = NULL;

    (void)state;
    assert_int_equal(
        config_load(keys, ARRAY_LEN(keys), "/nonexistent/x", NULL, 0, "alpha", &c, &errors),
        CONFIG_INVALID);
    assert_string_equal(errors, "/nonexistent/x: can't be read: No such file or directory\n");
    free(errors);
    assert_int_equal(config_load(keys, ARRAY_LEN(keys), folder, NULL, 0, "alpha", &c, &errors),
                     CONFIG_INVALID);
    assert_non_null(strstr(errors, "Is a directory"));
    free(errors);
}

static char *
printed(const struct config *c, const char *section)
{
    static char text[16384];
    FILE *f = tmpfile();

    assert_non_null(f);
    config_print(c, section, fileno(f));
    rewind(f);
    size_t n = fread(text, 1, sizeof(text) - 1, f);
    text[n] = '\0';
    fclose(f);
    return text;
}

static void
test_printed_is_read_back(void **state)
{
    const char *sets[] = {"name=# 'x' = y", "folder=rel", "count=-3",       "room=1536KiB",
                          "wait=90s",       "on=true",    "where=tcp://*:1"};

    (void)state;
    struct config *c = load(NULL, sets, ARRAY_LEN(sets));
    char *first = mem_strdup(printed(c, "alpha"));
    assert_non_null(strstr(first, "alpha\n    name = \"# 'x' = y\"\n"));
    assert_non_null(strstr(first, "    room = 1536KiB\n    wait = 90s\n    on = true\n"));
    struct config *again = load(first, NULL, 0);
    assert_string_equal(printed(again, "alpha"), first);
    assert_string_equal(config_str(again, "alpha", "name"), "# 'x' = y");
    assert_int_equal(config_int(again, "alpha", "room"), 1536 * 1024);
    config_free(again);
    config_free(c);
    free(first);

    const char *quote[] = {"name=say \"x\" # y", "wait=0", "room=0"};
    c = load(NULL, quote, 3);
    first = mem_strdup(printed(c, "alpha"));
    again = load(first, NULL, 0);
    assert_string_equal(config_str(again, "alpha", "name"), "say \"x\" # y");
    assert_string_equal(printed(again, "alpha"), first);
    config_free(again);
    config_free(c);
    free(first);
}

static void
test_the_real_table(void **state)
{
    struct config *c = NULL;
    char *errors = NULL;

    (void)state;
    for (size_t i = 0; i < sluice_config_keys_count; i++) {
        const struct config_key *k = &sluice_config_keys[i];
        assert_true(k->min <= k->max);
        assert_true(strlen(k->doc) > 0);
        for (size_t j = 0; j < i; j++)
            assert_false(strcmp(k->section, sluice_config_keys[j].section) == 0 &&
                         strcmp(k->name, sluice_config_keys[j].name) == 0);
    }
    /* every default is valid (an assertion otherwise), prints and reads back */
    assert_int_equal(config_load(sluice_config_keys, sluice_config_keys_count, NULL, NULL, 0,
                                 "edge", &c, &errors),
                     CONFIG_OK);
    static const char *const sections[] = {"broker", "edge", "worker", "ctl"};
    for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
        char *first = mem_strdup(printed(c, sections[i]));
        struct config *again = NULL;
        file_write(first);
        int r = config_load(sluice_config_keys, sluice_config_keys_count, path, NULL, 0, "edge",
                            &again, &errors);
        if (r != CONFIG_OK)
            fail_msg("%s", errors);
        assert_string_equal(printed(again, sections[i]), first);
        config_free(again);
        free(first);
    }
    config_free(c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_precedence),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_good_values),
        cmocka_unit_test(test_bad_values),
        cmocka_unit_test(test_bounds_of_texts),
        cmocka_unit_test(test_all_errors_with_their_lines),
        cmocka_unit_test(test_unreadable_file),
        cmocka_unit_test(test_printed_is_read_back),
        cmocka_unit_test(test_the_real_table),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
