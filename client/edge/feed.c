/* Reading on: question "feed" to the queries workers, again and again.
 *
 * When to ask: at once if the last answer was not all, or if a hint came; a little later, ever
 * slower, while a hinted seq is not there (a transaction before it is still under way); else after
 * the interval, four of them while Redis speaks. A feed that catches up waits for its one stream
 * to take what it was sent. */
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "client/edge/connection.h"
#include "client/edge/json_text.h"
#include "client/edge/stream_inner.h"
#include "schemas/wire/codes.h"

#define PAUSE_MIN_US (10 * US_PER_MS)
#define PAUSE_MAX_US (2 * US_PER_S)
#define CATCH_UP_BYTES                                                                             \
    ((size_t)64 << 10) /* past it, a stream that catches up has to read first                      \
                        */

struct event {
    int64_t seq;
    size_t at; /* where it begins in the text */
};

static const struct request_kind feed_kind;

static struct feed *
feed_of(struct request *ask)
{
    return (struct feed *)(void *)((char *)ask - offsetof(struct feed, ask));
}

struct feed *
feed_new(struct streams *s, char *const *studies, size_t n_studies, int64_t cursor)
{
    struct feed *f = mem_new(1, sizeof(*f));

    f->all = s;
    f->ask.edge = s->edge;
    f->ask.kind = &feed_kind;
    f->question.scope = studies[0];
    f->studies = studies;
    f->n_studies = n_studies;
    f->cursor = cursor;
    f->pause_us = PAUSE_MIN_US;
    f->next = s->feeds;
    s->feeds = f;
    return f;
}

void
feed_free(struct feed *f)
{
    struct feed **p = &f->all->feeds;

    sluice_assert(f->first == NULL);
    while (*p != f)
        p = &(*p)->next;
    *p = f->next;
    ticket_stop(&f->ask.ticket);
    if (f->ask.broker != NULL)
        broker_forget(f->ask.broker, f->ask.counter);
    free(f);
}

static bool
studies_equal(const struct feed *f, char *const *studies, size_t n_studies)
{
    if (f->n_studies != n_studies)
        return false;
    for (size_t i = 0; i < n_studies; i++)
        if (strcmp(f->studies[i], studies[i]) != 0)
            return false;
    return true;
}

struct feed *
feed_find(struct streams *s, char *const *studies, size_t n_studies)
{
    struct feed *f = s->feeds;

    while (f != NULL && !(f->live && f->first != NULL && studies_equal(f, studies, n_studies)))
        f = f->next;
    return f;
}

void
feed_hint(struct feed *f, const char *study, size_t len, int64_t seq, int64_t now_us)
{
    for (size_t i = 0; i < f->n_studies; i++) {
        if (strlen(f->studies[i]) != len || memcmp(f->studies[i], study, len) != 0 ||
            seq <= f->target || seq <= f->cursor)
            continue;
        f->target = seq;
        f->due_us = now_us;
        f->pause_us = PAUSE_MIN_US;
    }
}

/* ---- asking ---- */

static void
plain_compose(const struct feed *f, struct buf *b)
{
    int full = 0;

    buf_clear(b);
    full |= mp_put_map(b, f->cursor >= 0 ? 3 : 2);
    full |= mp_put_cstr(b, "kind") | mp_put_cstr(b, "feed");
    full |= mp_put_cstr(b, "studies") | mp_put_array(b, (uint32_t)f->n_studies);
    for (size_t i = 0; i < f->n_studies; i++)
        full |= mp_put_cstr(b, f->studies[i]);
    if (f->cursor >= 0)
        full |= mp_put_cstr(b, "after") | mp_put_int(b, f->cursor);
    sluice_assert(full == BUF_OK);
}

static void
pause_begin(struct feed *f)
{
    f->due_us = f->all->edge->now_us + f->pause_us;
    f->pause_us = f->pause_us * 2 < PAUSE_MAX_US ? f->pause_us * 2 : PAUSE_MAX_US;
}

/* Nobody answered. Streams that are open stay: they will have missed nothing. */
static void
feed_fail(struct feed *f)
{
    ticket_stop(&f->ask.ticket);
    if (f->ask.broker != NULL)
        broker_forget(f->ask.broker, f->ask.counter);
    f->asking = false;
    pause_begin(f);
    streams_refuse(f);
}

static void
feed_ask(struct feed *f)
{
    struct buf *plain = &f->all->edge->scratch.plain;

    plain_compose(f, plain);
    if (!question_ask(&f->ask, &f->question, plain->data, plain->size))
        feed_fail(f);
}

int64_t
feed_turn(struct feed *f, int64_t now_us)
{
    if (f->asking)
        return TICKET_NEVER; /* its ticket comes first */
    if (f->due_us > now_us)
        return f->due_us;
    if (!f->live && f->first->stream.open &&
        connection_stream_pending(f->first->connection) > CATCH_UP_BYTES)
        return TICKET_NEVER; /* the written bytes wake the loop */
    f->asking = true;
    f->question.brokers_tried = 0;
    ticket_start(&f->all->edge->lookups, &f->ask.ticket, now_us);
    feed_ask(f);
    return f->asking ? TICKET_NEVER : f->due_us;
}

/* ---- answers ---- */

/* Writes the events as they go out and where each begins; false: that is no list of events. */
static bool
events_write(struct buf *b, struct mp_cursor at, uint32_t n, struct event events[FEED_EVENTS_MAX])
{
    if (n > FEED_EVENTS_MAX)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        struct mp_value pair, seq, json;
        uint64_t number;
        if (mp_next(&at, &pair) != MP_OK || pair.type != MP_ARRAY || pair.len != 2 ||
            mp_next(&at, &seq) != MP_OK || !mp_as_uint(&seq, &number) || number > INT64_MAX ||
            mp_next(&at, &json) != MP_OK || json.type != MP_STR ||
            memchr(json.at, '\n', json.len) != NULL)
            return false;
        events[i] = (struct event){(int64_t)number, b->size};
        json_put(b, "id: ");
        json_put_uint(b, number);
        json_put(b, "\nevent: alert\ndata: ");
        json_put_n(b, (const char *)json.at, json.len);
        json_put(b, "\n\n");
    }
    return true;
}

/* To each stream what lies behind its own cursor. */
static void
events_send(struct feed *f, const struct event *events, uint32_t n)
{
    const struct buf *b = &f->all->text;
    struct request *next;

    for (struct request *q = f->first; q != NULL; q = next) {
        uint32_t i = 0;
        next = q->stream.next;
        while (i < n && events[i].seq <= q->stream.cursor)
            i++;
        if (i == n)
            continue;
        q->stream.cursor = q->stream.said = events[n - 1].seq;
        if (!connection_stream_send(q->connection, b->data + events[i].at,
                                    b->size - events[i].at)) {
            metric_add(&f->all->edge->metrics, METRIC_STREAMS_CUT, 1);
            connection_cut(q->connection);
        }
    }
}

/* All up to next was sent. A database that was set back has a smaller one: go back with it. */
static void
cursor_move(struct feed *f, int64_t next)
{
    bool back = next < f->cursor;

    for (struct request *q = f->first; q != NULL; q = q->stream.next)
        if (back || q->stream.cursor < next)
            q->stream.cursor = next;
    f->cursor = next;
    if (back)
        f->target = 0;
}

/* All there is was read: streams go to the feed that was live before, if it is not ahead. */
static void
feed_settle(struct feed *f)
{
    struct feed *other = f->live ? NULL : feed_find(f->all, f->studies, f->n_studies);
    struct request *q;

    if (other == NULL) {
        f->live = true;
    } else if (other->cursor > f->cursor) {
        f->due_us = f->all->edge->now_us; /* ask once more: then we are ahead */
        return;
    } else {
        while ((q = f->first) != NULL) {
            stream_leave(q);
            stream_join(other, q);
        }
    }
    if (f->target > f->cursor) {
        pause_begin(f);
        return;
    }
    f->pause_us = PAUSE_MIN_US;
    f->due_us = f->all->edge->now_us + f->all->interval_us * (hint_is_up(f->all->hint) ? 4 : 1);
}

static bool
reply_take(struct feed *f, const struct buf *reply)
{
    static struct event events[FEED_EVENTS_MAX]; /* used within one call */
    struct mp_value list, more;
    struct mp_cursor inside;
    uint64_t next;

    buf_clear(&f->all->text);
    if (!mp_find_uint(reply->data, reply->size, "next", &next) || next > INT64_MAX ||
        !mp_find(reply->data, reply->size, "more", &more, NULL) || more.type != MP_BOOL ||
        !mp_find(reply->data, reply->size, "events", &list, &inside) || list.type != MP_ARRAY ||
        !events_write(&f->all->text, inside, list.len, events))
        return false;
    bool first = f->cursor < 0;
    if (!first)
        streams_open(f);
    events_send(f, events, list.len);
    cursor_move(f, (int64_t)next);
    if (first)
        streams_open(f);
    if (more.boolean)
        f->due_us = f->all->edge->now_us;
    else
        feed_settle(f);
    return true;
}

static void
on_outcome(struct request *q, unsigned outcome, const struct sluice_origin *origin,
           int64_t accepted_us, const uint8_t *payload, size_t payload_bytes)
{
    struct feed *f = feed_of(q);
    struct buf *reply = &q->edge->scratch.plain;

    (void)origin;
    (void)accepted_us;
    if (outcome != OUTCOME_ANSWERED ||
        !question_open(q->edge, &f->question, payload, payload_bytes, reply) ||
        !reply_take(f, reply)) {
        feed_fail(f);
        return;
    }
    ticket_stop(&f->ask.ticket);
    f->asking = false;
}

static void
on_refused(struct request *q, unsigned refusal)
{
    (void)refusal; /* no worker there, or no room: another broker may have one */
    feed_ask(feed_of(q));
}

static void
on_expired(struct request *q)
{
    feed_fail(feed_of(q));
}

static const struct request_kind feed_kind = {
    .refused = on_refused,
    .outcome = on_outcome,
    .expired = on_expired,
};
