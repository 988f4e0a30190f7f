/* Server-sent events, cut anywhere, and what does not fit. */
#include "client/ctl/events.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "tests/unit/cmocka_all.h"

struct heard {
    char text[4096];
    size_t n, most; /* most: how many are wanted */
};

static bool
hear(void *arg, const char *id, const char *data, size_t len)
{
    struct heard *h = arg;
    size_t at = strlen(h->text);

    assert_int_equal(strlen(data), len);
    snprintf(h->text + at, sizeof(h->text) - at, "[%s:%.50s]", id, data);
    return ++h->n != h->most;
}

static void
fed(const char *stream, size_t piece, const char *wanted)
{
    struct events *e = mem_new(1, sizeof(*e));
    struct heard h = {.most = SIZE_MAX};
    size_t len = strlen(stream);

    for (size_t at = 0; at < len; at += piece)
        assert_true(events_feed(e, stream + at, len - at < piece ? len - at : piece, hear, &h));
    assert_string_equal(h.text, wanted);
    free(e);
}

static void
wherever_it_is_cut(void **state)
{
    (void)state;
    for (size_t piece = 1; piece < 40; piece++) {
        fed("id: 7\ndata: {\"a\":1}\n\n: alive\n\nid:8\r\nevent: x\r\ndata:b\r\n\r\n", piece,
            "[7:{\"a\":1}][8:b]");
        fed("data: a\ndata\ndata:  b\n\n", piece, "[:a\n\n b]");
        fed("id: 1\n\ndata: a\n\n", piece, "[1:a]"); /* an id alone is no event, but it stays */
        fed("dat: a\ndatax: b\nretry: 5\n\n", piece, "");
        fed("data: unfinished\n", piece, "");
    }
}

static void
a_new_connection_begins_behind_the_last_event(void **state)
{
    struct events *e = mem_new(1, sizeof(*e));
    struct heard h = {.most = SIZE_MAX};
    static const char first[] = "id: 1\ndata: a\n\nid: 2\ndata: b\n", second[] = "data: c\n\n";

    (void)state;
    events_feed(e, first, sizeof(first) - 1, hear, &h);
    assert_string_equal(e->id, "1");
    events_restart(e);
    events_feed(e, second, sizeof(second) - 1, hear, &h);
    assert_string_equal(h.text, "[1:a][1:c]");
    free(e);
}

static void
too_long_is_dropped_alone(void **state)
{
    struct events *e = mem_new(1, sizeof(*e));
    struct heard h = {.most = SIZE_MAX};
    char *line = mem_new(EVENT_LINE_MAX + 20, 1);
    size_t bound = EVENT_LINE_MAX - 1 - 6; /* of a line with "data: " */

    (void)state;
    memset(line, 'x', EVENT_LINE_MAX);
    for (size_t more = 0; more < 2; more++) {
        events_feed(e, "data: ", 6, hear, &h);
        events_feed(e, line, bound + more, hear, &h);
        events_feed(e, "\n\n", 2, hear, &h);
        assert_int_equal(h.n, 1); /* the first one fits, the second one does not */
    }
    events_feed(e, "id: 3\ndata: y\n\n", 15, hear, &h);
    assert_int_equal(h.n, 2);
    assert_string_equal(e->id, "3");
    /* many lines of one event */
    for (int i = 0; i < 3; i++) {
        events_feed(e, "data: ", 6, hear, &h);
        events_feed(e, line, EVENT_LINE_MAX / 2, hear, &h);
        events_feed(e, "\n", 1, hear, &h);
    }
    events_feed(e, "\ndata: z\n\n", 10, hear, &h);
    assert_int_equal(h.n, 3);
    free(line);
    free(e);
}

static void
whoever_hears_may_end_it(void **state)
{
    struct events *e = mem_new(1, sizeof(*e));
    struct heard h = {.most = 1};

    (void)state;
    assert_false(events_feed(e, "data: a\n\ndata: b\n\n", 18, hear, &h));
    assert_string_equal(h.text, "[:a]");
    free(e);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wherever_it_is_cut),
        cmocka_unit_test(a_new_connection_begins_behind_the_last_event),
        cmocka_unit_test(too_long_is_dropped_alone),
        cmocka_unit_test(whoever_hears_may_end_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
