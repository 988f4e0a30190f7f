/* The command line of every program, run in a child process: what it prints and how it exits. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/lifecycle.h"
#include "child.h"

static const struct config_key keys[] = {
    {"alpha", "count", CONFIG_INTEGER, "5", 0, 100, "how many"},
    {"alpha", "note", CONFIG_STRING, "", 0, 100, "what for"},
    {"beta", "other", CONFIG_INTEGER, "7", 0, 100, "not ours"},
};

static const char *extra_values[2];

static const struct program daemon_program = {
    .name = "sluice-alpha",
    .section = "alpha",
    .summary = "Counts.",
    .keys = keys,
    .n_keys = ARRAY_LEN(keys),
    .extra_options = (const char *const[]){"service", "set-size", NULL},
    .extra_values = extra_values,
};

static bool
words_help(int n, char *const *words)
{
    if (n == 0 || strcmp(words[0], "trace") != 0)
        return false;
    printf("trace of %d words", n);
    return true;
}

static const struct program words_program = {
    .name = "sluicectl",
    .section = "alpha",
    .summary = "Tells.",
    .usage_extra = "Commands: status, peek",
    .help = words_help,
    .keys = keys,
    .n_keys = ARRAY_LEN(keys),
};

struct call {
    const struct program *program;
    const char *line; /* words, separated by blanks */
};

/* Starts the program and prints what main would get: config values, extras, rest. */
static void
body(void *arg)
{
    const struct call *call = arg;
    static char line[1024];
    char self[] = "x", *argv[64] = {self};
    int argc = 1, rest = 0;
    char **rest_argv = NULL;

    snprintf(line, sizeof(line), "%s", call->line);
    for (char *w = strtok(line, " "); w != NULL; w = strtok(NULL, " "))
        argv[argc++] = w;
    extra_values[0] = extra_values[1] = "-";
    bool words = call->program == &words_program;
    struct config *c =
        program_start(call->program, argc, argv, words ? &rest : NULL, words ? &rest_argv : NULL);
    printf("count=%d extra=%s,%s rest=", (int)config_int(c, "alpha", "count"), extra_values[0],
           extra_values[1]);
    for (int i = 0; i < rest; i++)
        printf("%s;", rest_argv[i]);
    if (rest_argv != NULL && rest_argv[rest] != NULL)
        printf("NOT TERMINATED");
    config_free(c);
}

static struct child child;

static int
start(const struct program *program, const char *line)
{
    struct call call = {program, line};

    child_run(&child, body, &call);
    assert_true(WIFEXITED(child.status));
    return WEXITSTATUS(child.status);
}

static void
test_good_lines(void **state)
{
    static const struct {
        bool words;
        const char *line, *out;
    } rows[] = {
        {false, "", "count=5 extra=-,- rest="},
        {false, "--set count=6", "count=6 extra=-,- rest="},
        {false, "--set=count=6 --set alpha/count=8", "count=8 extra=-,- rest="},
        {false, "--service submissions", "count=5 extra=submissions,- rest="},
        {false, "--service=submissions --set-size=3", "count=5 extra=submissions,3 rest="},
        {true, "status", "count=5 extra=-,- rest=status;"},
        {true, "", "count=5 extra=-,- rest="},
        {true, "--set count=6 status --json", "count=6 extra=-,- rest=status;--json;"},
        {true, "peek --limit 3 q --set=count=7 -v -",
         "count=7 extra=-,- rest=peek;--limit;3;q;-v;-;"},
        {true, "peek -- --help --set", "count=5 extra=-,- rest=peek;--;--help;--set;"},
        {true, "--settle 3 --set count=9", "count=9 extra=-,- rest=--settle;3;"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(start(rows[i].words ? &words_program : &daemon_program, rows[i].line), 0);
        assert_string_equal(child.err, "");
        assert_string_equal(child.out, rows[i].out);
    }
}

static void
test_wrong_usage(void **state)
{
    static const struct {
        const char *line, *named;
    } rows[] = {
        {"--nonsense", "unknown option '--nonsense'"},
        {"--nonsense=3", "unknown option '--nonsense=3'"},
        {"-x", "unknown option '-x'"},
        {"--set", "a value is missing after '--set'"},
        {"--service", "a value is missing after '--service'"},
        {"word", "unexpected word 'word'"},
        {"--help=3", "'--help=3'"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(start(&daemon_program, rows[i].line), EXIT_USAGE);
        assert_string_equal(child.out, "");
        assert_non_null(strstr(child.err, rows[i].named));
        assert_non_null(strstr(child.err, "Try 'sluice-alpha --help'"));
    }
    assert_int_equal(start(&words_program, "status --set"), EXIT_USAGE);
}

static void
test_help_and_version(void **state)
{
    static const char *const told[] = {
        "--config FILE",   "SLUICE_CONFIG", "--set KEY=VALUE", "--check-config", "--version",
        "--service VALUE", "count = 5",     "how many",        "note = \"\"",    "Counts."};

    (void)state;
    assert_int_equal(start(&daemon_program, "--help"), 0);
    for (size_t i = 0; i < ARRAY_LEN(told); i++)
        assert_non_null(strstr(child.out, told[i]));
    assert_null(strstr(child.out, "not ours"));
    assert_int_equal(start(&words_program, "peek --help"), 0);
    assert_non_null(strstr(child.out, "Commands: status, peek"));
    assert_int_equal(start(&words_program, "--help trace it"), 0);
    assert_string_equal(child.out, "trace of 2 words");
    assert_int_equal(start(&words_program, "--help"), 0);
    assert_non_null(strstr(child.out, "Commands: status, peek"));
    assert_int_equal(start(&daemon_program, "--version"), 0);
    assert_string_equal(child.out, "sluice-alpha " SLUICE_VERSION "\n");
}

static void
test_check_and_print(void **state)
{
    char path[] = "/tmp/sluice-program-XXXXXX", line[128];

    (void)state;
    assert_int_equal(start(&daemon_program, "--check-config"), 0);
    assert_string_equal(child.out, "config ok\n");
    assert_string_equal(child.err, "");
    assert_int_equal(start(&daemon_program, "--print-config --set count=9"), 0);
    assert_string_equal(child.out, "alpha\n    count = 9\n    note = \"\"\n");

    int fd = mkstemp(path);
    assert_true(fd >= 0);
    dprintf(fd, "alpha\n    count = many\nbeta\n    other = 1000\n");
    close(fd);
    snprintf(line, sizeof(line), "--check-config --config %s --set nokey=1", path);
    assert_int_equal(start(&daemon_program, line), EXIT_CONFIG);
    assert_string_equal(child.out, "");
    char expected[512];
    snprintf(expected, sizeof(expected),
             "%s:2: alpha/count: must be an integer\n"
             "%s:4: beta/other: must be from 0 to 100\n"
             "--set: alpha/nokey: unknown key\n",
             path, path);
    assert_string_equal(child.err, expected);

    /* a daemon that starts tells the same as events */
    snprintf(line, sizeof(line), "--config=%s", path);
    assert_int_equal(start(&daemon_program, line), EXIT_CONFIG);
    snprintf(expected, sizeof(expected),
             "level=error prog=sluice-alpha event=config-bad at=%s:2 "
             "why=\"alpha/count: must be an integer\"\n",
             path);
    assert_non_null(strstr(child.err, expected));
    assert_non_null(strstr(child.err, ":4 why="));
    unlink(path);
    assert_int_equal(start(&words_program, "--config /nonexistent status"), EXIT_CONFIG);
    assert_string_equal(child.err, "/nonexistent: can't be read: No such file or directory\n");
}

static void
test_config_from_environment(void **state)
{
    char path[] = "/tmp/sluice-program-XXXXXX", line[128];
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    dprintf(fd, "alpha\n    count = 11\n");
    close(fd);
    setenv("SLUICE_CONFIG", path, 1);
    assert_int_equal(start(&daemon_program, ""), 0);
    assert_string_equal(child.out, "count=11 extra=-,- rest=");
    assert_int_equal(start(&words_program, "--set count=12 status"), 0);
    assert_string_equal(child.out, "count=12 extra=-,- rest=status;");
    /* --config wins, even over a variable that names nothing */
    setenv("SLUICE_CONFIG", "/nonexistent", 1);
    snprintf(line, sizeof(line), "--config %s", path);
    assert_int_equal(start(&daemon_program, line), 0);
    assert_string_equal(child.out, "count=11 extra=-,- rest=");
    assert_int_equal(start(&words_program, "status"), EXIT_CONFIG);
    assert_string_equal(child.err, "/nonexistent: can't be read: No such file or directory\n");
    setenv("SLUICE_CONFIG", "", 1);
    assert_int_equal(start(&daemon_program, ""), 0);
    assert_string_equal(child.out, "count=5 extra=-,- rest=");
    unlink(path);
}

static void
body_many_sets(void *arg)
{
    char self[] = "x", *argv[300] = {self};
    int n = *(int *)arg;

    static char set[] = "--set=count=3";
    for (int i = 1; i <= n; i++)
        argv[i] = set;
    struct config *c = program_start(&daemon_program, n + 1, argv, NULL, NULL);
    config_free(c);
}

static void
test_sets_at_the_bound(void **state)
{
    (void)state;
    child_run(&child, body_many_sets, &(int){256});
    assert_int_equal(WEXITSTATUS(child.status), 0);
    child_run(&child, body_many_sets, &(int){257});
    assert_int_equal(WEXITSTATUS(child.status), EXIT_USAGE);
    assert_non_null(strstr(child.err, "too many --set"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_lines),        cmocka_unit_test(test_wrong_usage),
        cmocka_unit_test(test_help_and_version),  cmocka_unit_test(test_check_and_print),
        cmocka_unit_test(test_sets_at_the_bound), cmocka_unit_test(test_config_from_environment),
    };
    setenv("SLUICE_CONFIG", "", 1); /* whatever this host has configured is not our matter */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
