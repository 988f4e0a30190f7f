/* Kind "feed": "after"?: uint, "limit"?: uint. What a stream of alerts sends on.
 *
 * Reply: {"status": 200, "events": [[seq: uint, json: str] …], "next": uint, "more": bool}: every
 * alert behind after, up to next, is in events; ask again after next, at once if more. Without
 * after: no events, and where "now" is. */
#include "base/error.h"
#include "workers/queries/kinds.h"

#define LIMIT_MAX 200
#define EVENT_ROOM 16 /* bytes of heads around one event */

struct feed {
    struct buf *events; /* packed [seq, json] */
    uint32_t n;
    int64_t last;
    bool full; /* the reply can hold no more: the rest comes with the next question */
};

static void
event_take(void *arg, int64_t seq, struct slice json)
{
    struct feed *f = arg;

    if (f->full || f->events->size + json.len + EVENT_ROOM > REPLY_PART_MAX) {
        f->full = true;
        return;
    }
    int full = mp_put_array(f->events, 2) | mp_put_int(f->events, seq) |
               mp_put_str(f->events, json.at, json.len);
    sluice_assert(full == BUF_OK);
    f->n++;
    f->last = seq;
}

int
query_feed(struct queries *q, const struct question *x)
{
    struct read_studies studies = query_studies(x);
    struct feed f = {.events = &q->text};
    int64_t after = -1, limit = LIMIT_MAX, next;
    bool more;

    if (question_integer(x, "after", 0, INT64_MAX, &after) == NUMBER_BAD ||
        question_integer(x, "limit", 1, LIMIT_MAX, &limit) == NUMBER_BAD)
        return QUERY_NONSENSE;
    buf_clear(&q->text);
    int n = store_feed_read(q->store, &studies, after, limit, event_take, &f, &next, &more);
    if (n != STORE_OK)
        return n;
    if (f.full) {
        next = f.n > 0 ? f.last : after;
        more = true;
    }
    int full = mp_put_map(&q->reply, 4);
    full |= mp_put_cstr(&q->reply, "status") | mp_put_uint(&q->reply, 200);
    full |= mp_put_cstr(&q->reply, "events") | mp_put_array(&q->reply, f.n);
    full |= buf_append(&q->reply, q->text.data, q->text.size);
    full |= mp_put_cstr(&q->reply, "next") | mp_put_int(&q->reply, next);
    full |= mp_put_cstr(&q->reply, "more") | mp_put_bool(&q->reply, more);
    sluice_assert(full == BUF_OK);
    return STORE_OK;
}
