/* IDLE ──wish──▶ WISHED ──the lock is ours──▶ PASS (page by page) ──no more──▶ IDLE
 *                   └──somebody else's: he hears of every load, too──────────▶ IDLE
 * A pass that fails begins anew after a pause. The lock is the session's: a connection that is lost
 * ends the pass. */
#include "workers/submissions/held.h"

#include "base/error.h"
#include "client/lib/courier.h"
#include "store/rejections.h"

#define SERVICE "submissions"
#define PAGE_CEILING ((size_t)128 << 20)
#define PAUSE_US ((int64_t)5000000) /* after a failure */

enum held_state { HELD_IDLE, HELD_WISHED, HELD_PASS };

struct held {
    enum held_state state;
    bool again; /* wished for during a pass */
    int64_t not_before_us;
    struct courier *courier;
    struct courier_page *page;
    struct rejections_place place;
    uint64_t generation; /* of the connection that has the lock */
};

struct held *
held_new(const char *endpoints, const char *name)
{
    struct courier *courier;

    if (courier_new(endpoints, name, &courier) != COURIER_OK)
        return NULL;
    struct held *h = mem_new(1, sizeof(*h));
    h->courier = courier;
    h->page = courier_page_new(PAGE_CEILING);
    return h;
}

void
held_free(struct held *h)
{
    if (h == NULL)
        return;
    courier_free(h->courier);
    courier_page_free(h->page);
    free(h);
}

void
held_wish(struct held *h)
{
    if (h->state == HELD_IDLE)
        h->state = HELD_WISHED;
    else
        h->again = true;
}

int64_t
held_deadline(const struct held *h, int64_t now_us)
{
    if (h->state == HELD_IDLE)
        return INT64_MAX;
    return h->not_before_us > now_us ? h->not_before_us : now_us;
}

static void
pass_end(struct held *h)
{
    h->state = h->again ? HELD_WISHED : HELD_IDLE;
    h->again = false;
}

static void
pass_fail(struct held *h, int64_t now_us)
{
    h->state = HELD_WISHED;
    h->not_before_us = now_us + PAUSE_US;
}

/* The lock went with the connection, if that is another one now. */
static void
pass_leave(const struct held *h, struct store *s)
{
    if (store_is_open(s) && h->generation == store_generation(s))
        store_rejections_leave(s);
}

static void
pass_begin(struct held *h, struct store *s, int64_t now_us)
{
    bool mine;

    if (store_rejections_enter(s, &mine, &h->place) != STORE_OK) {
        pass_fail(h, now_us);
    } else if (mine) {
        h->state = HELD_PASS;
        h->generation = store_generation(s);
    } else {
        pass_end(h);
    }
}

static void
kept_take(void *arg, const struct rejection_kept *kept)
{
    bool added = courier_page_add(arg, SERVICE, kept->study, kept->study_len, kept->id.bytes,
                                  kept->received_us, kept->sealed, kept->sealed_len);

    sluice_assert(added); /* an original is one record: far below the ceiling */
}

static void
pass_page(struct held *h, struct store *s, int64_t now_us)
{
    const struct rejections_filter filter = {.kind = "held"};
    size_t n_rows = 0, n;

    courier_page_clear(h->page);
    bool good =
        h->generation == store_generation(s) &&
        store_rejections_kept(s, &filter, true, &h->place, kept_take, h->page, &n_rows) == STORE_OK;
    struct courier_message *messages = courier_page_messages(h->page, &n);
    good = good && courier_deliver(h->courier, messages, n, false, HELD_TIMEOUT_US) == COURIER_OK;
    if (good && n_rows > 0)
        return; /* the next page is the next step's */
    pass_leave(h, s);
    if (good)
        pass_end(h);
    else
        pass_fail(h, now_us);
}

void
held_step(struct held *h, struct store *s, int64_t now_us)
{
    if (!store_is_open(s))
        return;
    if (h->state == HELD_PASS)
        pass_page(h, s, now_us);
    else if (h->state == HELD_WISHED && now_us >= h->not_before_us)
        pass_begin(h, s, now_us);
}
