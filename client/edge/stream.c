/* Streams come, are opened, beat and go; what they carry is feed.c's. */
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "client/edge/ask.h"
#include "client/edge/connection.h"
#include "client/edge/json_text.h"
#include "client/edge/stream_inner.h"

#define TEXT_MAX ((size_t)4 << 20)
#define RETRY_MS "2000" /* what a client waits before it comes back */

static void
on_hint(void *arg, const char *study, size_t len, int64_t seq)
{
    struct streams *s = arg;

    for (struct feed *f = s->feeds; f != NULL; f = f->next)
        feed_hint(f, study, len, seq, s->edge->now_us);
}

struct streams *
streams_new(struct edge *e, const struct config *config, char **ret_why)
{
    struct streams *s = mem_new(1, sizeof(*s));

    s->edge = e;
    s->count.max = config_int(config, "edge", "max_streams");
    s->interval_us = config_us(config, "edge", "stream_interval");
    s->heartbeat_us = config_us(config, "edge", "stream_heartbeat");
    buf_init(&s->text, TEXT_MAX);
    struct hint_options redis = {
        .target = config_str(config, "edge", "redis"),
        .user = config_str(config, "edge", "redis_user"),
        .password_file = config_str(config, "edge", "redis_password_file"),
    };
    if (hint_new(e->loop, &redis, on_hint, s, &s->hint, ret_why) != 0) {
        streams_free(s);
        return NULL;
    }
    return s;
}

void
streams_stop(struct streams *s)
{
    hint_stop(s->hint);
}

int64_t
streams_count(const struct streams *s)
{
    return s->count.now;
}

void
streams_free(struct streams *s)
{
    if (s == NULL)
        return;
    while (s->feeds != NULL)
        feed_free(s->feeds);
    hint_free(s->hint);
    buf_deinit(&s->text);
    free(s);
}

/* ---- a stream and its feed ---- */

void
stream_leave(struct request *q)
{
    struct stream_wait *w = &q->stream;

    if (w->prev != NULL)
        w->prev->stream.next = w->next;
    else
        w->feed->first = w->next;
    if (w->next != NULL)
        w->next->stream.prev = w->prev;
    w->prev = w->next = NULL;
    w->feed = NULL;
}

/* An id of its own, so that a client that comes back before the first alert misses none. */
static void
cursor_put(struct buf *b, struct request *q)
{
    json_put(b, "id: ");
    json_put_uint(b, (uint64_t)q->stream.cursor);
    json_put(b, "\n\n");
    q->stream.said = q->stream.cursor;
}

static void
stream_open(struct request *q)
{
    struct buf *b = &q->edge->scratch.body;

    if (q->stream.cursor < 0)
        q->stream.cursor = q->stream.feed->cursor;
    q->stream.open = true;
    answer_begin(q);
    answer_field(q, "Cache-Control", "no-store");
    answer_field(q, "X-Accel-Buffering", "no");
    json_put(b, "retry: " RETRY_MS "\n");
    cursor_put(b, q);
    answer_stream(q, "text/event-stream");
}

void
stream_join(struct feed *f, struct request *q)
{
    q->stream.feed = f;
    q->stream.next = f->first;
    if (f->first != NULL)
        f->first->stream.prev = q;
    f->first = q;
    if (!q->stream.open && f->live)
        stream_open(q);
}

void
streams_open(struct feed *f)
{
    struct request *next;

    for (struct request *q = f->first; q != NULL; q = next) {
        next = q->stream.next;
        if (!q->stream.open)
            stream_open(q);
    }
}

static void
stream_finish(struct request *q)
{
    limit_give(&q->edge->streams->count);
    stream_leave(q);
    request_free(q);
}

void
streams_refuse(struct feed *f)
{
    struct request *next;

    for (struct request *q = f->first; q != NULL; q = next) {
        next = q->stream.next;
        if (q->stream.open)
            continue;
        answer_begin(q);
        answer_problem(q, PROBLEM_UNAVAILABLE, NULL);
        stream_finish(q);
    }
}

static const struct request_kind stream_kind = {.abandoned = stream_finish};

/* ---- a turn ---- */

static void
stream_beat(struct request *q)
{
    struct buf *b = &q->edge->streams->text;

    if (!q->stream.open)
        return;
    buf_clear(b);
    json_put(b, ":\n\n");
    if (q->stream.cursor > q->stream.said)
        cursor_put(b, q);
    /* What was sent a beat ago and still lies there: nobody reads. */
    if (connection_stream_pending(q->connection) == 0 &&
        connection_stream_send(q->connection, b->data, b->size))
        return;
    metric_add(&q->edge->metrics, METRIC_STREAMS_CUT, 1);
    connection_cut(q->connection);
}

static void
beat(struct streams *s, int64_t now_us)
{
    struct request *next;

    if (now_us < s->beat_us)
        return;
    s->beat_us = now_us + s->heartbeat_us;
    for (struct feed *f = s->feeds; f != NULL; f = f->next) {
        for (struct request *q = f->first; q != NULL; q = next) {
            next = q->stream.next;
            stream_beat(q);
        }
    }
}

int64_t
streams_turn(struct streams *s, int64_t now_us)
{
    struct feed *next;
    int64_t at_us = TICKET_NEVER;

    if (s->feeds == NULL)
        return TICKET_NEVER;
    beat(s, now_us);
    for (struct feed *f = s->feeds; f != NULL; f = next) {
        next = f->next;
        int64_t due_us = f->first != NULL ? feed_turn(f, now_us) : TICKET_NEVER;
        if (f->first == NULL)
            feed_free(f);
        else if (due_us < at_us)
            at_us = due_us;
    }
    for (struct feed *f = s->feeds; f != NULL; f = f->next)
        for (size_t i = 0; i < f->n_studies; i++)
            hint_watch(s->hint, f->studies[i]);
    int64_t hint_us = hint_turn(s->hint, now_us);
    at_us = hint_us < at_us ? hint_us : at_us;
    return s->beat_us < at_us ? s->beat_us : at_us;
}

/* ---- the request ---- */

/* Last-Event-ID: digits; false: something else. */
static bool
last_event_read(const struct http_message *m, int64_t *ret_cursor)
{
    size_t len;
    const char *s = http_header(m, HTTP_HEADER_LAST_EVENT_ID, &len);
    int64_t v = 0;

    *ret_cursor = -1;
    if (s == NULL || len == 0)
        return true;
    for (size_t i = 0; i < len; i++)
        if (s[i] < '0' || s[i] > '9' || __builtin_mul_overflow(v, 10, &v) ||
            __builtin_add_overflow(v, s[i] - '0', &v))
            return false;
    *ret_cursor = v;
    return true;
}

static enum problem
stream_begin(struct request *q, const struct token *token, const struct route_match *match,
             int64_t cursor)
{
    struct streams *s = q->edge->streams;
    char *const *studies;
    size_t n_studies;

    if (!ask_studies(token, match, &studies, &n_studies))
        return PROBLEM_NOT_FOUND;
    if (q->edge->draining || !limit_take(&s->count))
        return PROBLEM_UNAVAILABLE;
    if (s->feeds == NULL)
        s->beat_us = q->edge->now_us + s->heartbeat_us;
    q->kind = &stream_kind;
    q->stream = (struct stream_wait){.cursor = cursor};
    struct feed *f = feed_find(s, studies, n_studies);
    /* Who comes back with another cursor than the live feed's catches up on a feed of its own. */
    if (f == NULL || (cursor >= 0 && cursor != f->cursor))
        f = feed_new(s, studies, n_studies, cursor);
    stream_join(f, q);
    return PROBLEM_NONE;
}

void
stream_handle(struct request *q, const struct http_message *m, const struct route_match *match)
{
    int64_t cursor;

    if (!ask_permits(match->token, ASK_ROLES_STAFF)) {
        ask_refuse(q, PROBLEM_FORBIDDEN, "role", "the token's role does not permit this");
        return;
    }
    if (!last_event_read(m, &cursor)) {
        ask_refuse(q, PROBLEM_MALFORMED, "last-event-id", "Last-Event-ID must be a whole number");
        return;
    }
    if (q->head_only) {
        answer_begin(q);
        answer_send(q, 200, "text/event-stream");
        request_free(q);
        return;
    }
    enum problem p = stream_begin(q, match->token, match, cursor);
    if (p != PROBLEM_NONE)
        ask_refuse(q, p, NULL, NULL);
}
