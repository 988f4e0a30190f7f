/* Log lines: form, escaping, bounds, one write a line from many threads. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/log.h"

static char captured[1 << 21];
static size_t captured_size;
static FILE *sink;
static int stderr_kept;

static void
capture_begin(void)
{
    sink = tmpfile();
    assert_non_null(sink);
    stderr_kept = dup(STDERR_FILENO);
    dup2(fileno(sink), STDERR_FILENO);
}

static void
capture_end(void)
{
    dup2(stderr_kept, STDERR_FILENO);
    close(stderr_kept);
    rewind(sink);
    captured_size = fread(captured, 1, sizeof(captured) - 1, sink);
    captured[captured_size] = '\0';
    fclose(sink);
}

/* The text behind "event=… " of the one line captured. */
static const char *
value_logged(const char *value)
{
    capture_begin();
    log_event(EVENT_FATAL, LOG_S("v", value));
    capture_end();
    assert_int_equal(captured[captured_size - 1], '\n');
    assert_ptr_equal(strchr(captured, '\n'), captured + captured_size - 1);
    captured[captured_size - 1] = '\0';
    const char *at = strstr(captured, " v=");
    assert_non_null(at);
    return at + 3;
}

static void
test_line_form(void **state)
{
    (void)state;
    log_init("sluice-test", LOG_LEVEL_INFO);
    capture_begin();
    log_event(EVENT_STARTED, LOG_S("path", "/a/b"), LOG_I("i", INT64_MIN), LOG_U("u", UINT64_MAX),
              LOG_S("none", NULL));
    log_event(EVENT_STOPPED);
    capture_end();
    assert_memory_equal(captured, "ts=20", 5);
    char *level = strchr(captured, ' ');
    assert_int_equal(level - captured, 3 + 27);
    assert_non_null(strstr(captured,
                           " level=info prog=sluice-test event=started path=/a/b "
                           "i=-9223372036854775808 u=18446744073709551615 none=\"\"\nts="));
    assert_non_null(strstr(captured, "event=stopped\n"));
    assert_string_equal(log_event_text(EVENT_CONFIG_BAD), "config-bad");
}

static void
test_escaping_table(void **state)
{
    static const struct {
        const char *value, *logged;
    } rows[] = {
        {"plain", "plain"},
        {"", "\"\""},
        {"two words", "\"two words\""},
        {"a=b", "\"a=b\""},
        {"say \"hi\"", "\"say \\\"hi\\\"\""},
        {"back\\slash", "\"back\\\\slash\""},
        {"x\nlevel=error event=forged", "\"x\\nlevel=error event=forged\""},
        {"\r\t", "\"\\r\\t\""},
        {"\x01\x1b[31m\x7f", "\"\\x01\\x1b[31m\\x7f\""},
        {"Größe €\xf0\x9f\x98\x80", "\"Größe €\xf0\x9f\x98\x80\""},
        {"\xff\xfe", "\"\\xff\\xfe\""},
        {"\xc3", "\"\\xc3\""},                            /* cut in the middle */
        {"\xc0\x8a", "\"\\xc0\\x8a\""},                   /* overlong newline */
        {"\xe0\x80\x8a", "\"\\xe0\\x80\\x8a\""},          /* overlong newline */
        {"\xed\xa0\x80", "\"\\xed\\xa0\\x80\""},          /* surrogate */
        {"\xf4\x90\x80\x80", "\"\\xf4\\x90\\x80\\x80\""}, /* past U+10FFFF */
        {"\xc2\x9b", "\"\\xc2\\x9b\""},                   /* C1 control */
        {"\xe2\x80\xa8", "\"\\xe2\\x80\\xa8\""},          /* line separator */
        {"\xe2\x80\xae", "\"\\xe2\\x80\\xae\""},          /* right-to-left override */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_string_equal(value_logged(rows[i].value), rows[i].logged);
}

static void
test_value_is_cut_at_1024(void **state)
{
    static char value[8192], expected[2048];

    (void)state;
    memset(value, 'x', 1024);
    value[1024] = '\0';
    assert_string_equal(value_logged(value), value); /* just fits: no quotes, no mark */

    memset(value, 'x', 8000);
    value[8000] = '\0';
    snprintf(expected, sizeof(expected), "\"%.1024s\xe2\x80\xa6\"", value);
    assert_string_equal(value_logged(value), expected);

    /* never in the middle of an escape or of a character */
    memset(value, 'x', 1022);
    strcpy(value + 1022, "\x01 tail");
    snprintf(expected, sizeof(expected), "\"%.1022s\xe2\x80\xa6\"", value);
    assert_string_equal(value_logged(value), expected);
    strcpy(value + 1022, "\xe2\x82\xac");
    assert_string_equal(value_logged(value), expected);
    strcpy(value + 1022, "\xc3\xb6");
    snprintf(expected, sizeof(expected), "\"%.1024s\"", value);
    assert_string_equal(value_logged(value), expected);
}

static void
test_line_is_cut_at_pipe_buf(void **state)
{
    static char value[1025];

    (void)state;
    memset(value, 'y', 1024);
    capture_begin();
    log_event(EVENT_FATAL, LOG_S("a", value), LOG_S("b", value), LOG_S("c", value),
              LOG_S("d", value), LOG_I("e", 1));
    capture_end();
    assert_true(captured_size <= 4096);
    assert_non_null(strstr(captured, " c=yyy"));
    assert_null(strstr(captured, " d="));
    assert_null(strstr(captured, " e="));
    assert_string_equal(captured + captured_size - 7, " cut=1\n");
}

static void
test_least_level_and_counts(void **state)
{
    (void)state;
    uint64_t infos = log_count(LOG_LEVEL_INFO), errors = log_count(LOG_LEVEL_ERROR);
    log_init("sluice-test", LOG_LEVEL_WARNING);
    capture_begin();
    log_event(EVENT_STARTED);
    log_event(EVENT_FATAL, LOG_S("why", "test"));
    capture_end();
    log_init("sluice-test", LOG_LEVEL_INFO);
    assert_null(strstr(captured, "started"));
    assert_non_null(strstr(captured, "level=error prog=sluice-test event=fatal why=test\n"));
    assert_int_equal(log_count(LOG_LEVEL_INFO), infos);
    assert_int_equal(log_count(LOG_LEVEL_ERROR), errors + 1);
}

static void *
thread_body(void *arg)
{
    for (int i = 0; i < 500; i++)
        log_event(EVENT_STARTED, LOG_S("who", arg), LOG_I("i", i), LOG_S("end", "END"));
    return NULL;
}

static void
test_threads_do_not_mix_lines(void **state)
{
    static char names[4][300];
    pthread_t threads[4];
    size_t lines = 0;

    (void)state;
    capture_begin();
    for (int t = 0; t < 4; t++) {
        memset(names[t], 'a' + t, sizeof(names[t]) - 1);
        assert_int_equal(pthread_create(&threads[t], NULL, thread_body, names[t]), 0);
    }
    for (int t = 0; t < 4; t++)
        pthread_join(threads[t], NULL);
    capture_end();
    for (char *line = strtok(captured, "\n"); line != NULL; line = strtok(NULL, "\n"), lines++) {
        char *who = strstr(line, " who=");
        assert_memory_equal(line, "ts=", 3);
        assert_non_null(who);
        assert_int_equal(strspn(who + 5, (char[]){who[5], '\0'}), 299);
        assert_string_equal(line + strlen(line) - 8, " end=END");
    }
    assert_int_equal(lines, 2000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_line_form),
        cmocka_unit_test(test_escaping_table),
        cmocka_unit_test(test_value_is_cut_at_1024),
        cmocka_unit_test(test_line_is_cut_at_pipe_buf),
        cmocka_unit_test(test_least_level_and_counts),
        cmocka_unit_test(test_threads_do_not_mix_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
