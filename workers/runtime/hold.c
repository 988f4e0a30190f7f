/* The main thread's side of the hands: it waits for a batch at the connections themselves, and says
 * what became of it. Blocks until there is something, a drain or the deadline. */
#include "base/clock.h"
#include "base/error.h"
#include "workers/runtime/hands_inner.h"

static void
main_enter(struct hands *h)
{
    pthread_mutex_lock(&h->lock);
    h->main_here = true;
}

/* From here on time runs until the helper stands in. */
static void
main_leave(struct hands *h)
{
    bool parked = h->helper_parked;

    h->main_here = false;
    h->left_us = clock_mono_us();
    h->helper_parked = false;
    pthread_mutex_unlock(&h->lock);
    if (parked)
        wake(h->to_helper);
}

void
hands_ready(struct hands *h, bool ready)
{
    if (h->ready == ready) /* nobody else writes it */
        return;
    main_enter(h);
    h->ready = ready;
    hands_turn(h);
    main_leave(h);
}

/* A batch that waits becomes the current one; of several brokers they take turns. */
static bool
waiting_take(struct hands *h, struct hold *ret_hold)
{
    sluice_assert(!h->holding);
    for (unsigned k = 1; k <= h->n_links; k++) {
        unsigned i = (h->current.link + k) % h->n_links;
        if (!h->has_waiting[i])
            continue;
        h->has_waiting[i] = false;
        h->current = h->waiting[i];
        h->current.taken_us = clock_mono_us();
        h->holding = true;
        hands_credit(h);
        *ret_hold = h->current;
        return true;
    }
    return false;
}

/* ret_hold NULL: waits for the wish to drain only. */
static enum hands_event
event_await(struct hands *h, int64_t deadline_us, int fd, struct hold *ret_hold)
{
    for (;;) {
        int64_t next_us = hands_turn(h);
        if (ret_hold != NULL && waiting_take(h, ret_hold))
            return HANDS_BATCH;
        if (h->drain)
            return HANDS_DRAIN;
        if (clock_mono_us() >= deadline_us ||
            hands_wait(h, next_us < deadline_us ? next_us : deadline_us, fd))
            return HANDS_TIMEOUT;
    }
}

enum hands_event
hands_take(struct hands *h, int64_t deadline_us, struct hold *ret_hold)
{
    main_enter(h);
    enum hands_event event = event_await(h, deadline_us, h->options.wake_fd, ret_hold);
    main_leave(h);
    return event;
}

bool
hands_drain_wait(struct hands *h, int64_t deadline_us)
{
    main_enter(h);
    enum hands_event event = event_await(h, deadline_us, -1, NULL);
    main_leave(h);
    return event == HANDS_DRAIN;
}

void
hands_report_init(struct service_report *report)
{
    buf_init(&report->entries, SERVICE_ENTRIES_MAX);
    buf_init(&report->followups, HANDS_FOLLOWUPS_MAX);
    buf_init(&report->note, SERVICE_NOTE_MAX);
}

void
hands_report_deinit(struct service_report *report)
{
    buf_deinit(&report->entries);
    buf_deinit(&report->followups);
    buf_deinit(&report->note);
}

/* Does credit for the next batch ride on the report to this broker? A message less for each batch.
 */
static bool
credit_rides(const struct hands *h, const struct link *l)
{
    bool rides = h->ready && !h->drain;

    for (unsigned i = 0; i < h->n_links; i++)
        rides = rides && !h->has_waiting[i];
    return rides && !l->credit;
}

static void
report_send(struct hands *h, const struct hold *hold, const struct service_report *report)
{
    struct link *l = &h->links[hold->link];
    bool pulls = credit_rides(h, l);
    struct sluice_report message = {.lease = hold->lease,
                                    .entries = report->entries.data,
                                    .entries_bytes = report->entries.size,
                                    .note = report->note.data,
                                    .note_bytes = report->note.size,
                                    .followups = report->followups.data,
                                    .followups_bytes = report->followups.size,
                                    .pull_messages = pulls ? h->options.batch_messages : 0,
                                    .pull_bytes = pulls ? h->options.batch_bytes : 0};

    /* SLUICE_FULL or OFFLINE: the lease ends and the messages come again, attempt > 1. */
    if (sluice_worker_report(l->worker, &message) == SLUICE_OK && pulls)
        l->credit = true;
}

/* report NULL: the batch goes back undone. */
static void
hold_end(struct hands *h, struct hold *hold, const struct service_report *report)
{
    main_enter(h);
    sluice_assert(h->holding);
    h->holding = false;
    if (hold->generation == h->links[hold->link].generation) {
        if (report != NULL)
            report_send(h, hold, report);
        else
            sluice_worker_return(h->links[hold->link].worker, hold->lease);
    }
    main_leave(h);
    sluice_batch_free(hold->memory);
    *hold = (struct hold){0};
}

void
hands_report(struct hands *h, struct hold *hold, const struct service_report *report)
{
    hold_end(h, hold, report);
}

void
hands_return(struct hands *h, struct hold *hold)
{
    hold_end(h, hold, NULL);
}
