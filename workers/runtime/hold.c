/* The main thread's side of the hands: it takes a batch, and says what became of it. Blocks until
 * there is something, a drain or the deadline; never touches a socket. */
#include <poll.h>

#include "base/clock.h"
#include "base/error.h"
#include "workers/runtime/hands_inner.h"

void
hands_ready(struct hands *h, bool ready)
{
    pthread_mutex_lock(&h->lock);
    bool changed = h->ready != ready;
    h->ready = ready;
    pthread_mutex_unlock(&h->lock);
    if (changed)
        wake(h->to_helper);
}

/* True if fd (negative: none) has become readable. */
static bool
main_wait(struct hands *h, int64_t deadline_us, int fd)
{
    int64_t left_us = deadline_us - clock_mono_us();
    struct pollfd p[] = {{.fd = h->to_main, .events = POLLIN}, {.fd = fd, .events = POLLIN}};

    if (left_us > 60 * US_PER_S)
        left_us = 60 * US_PER_S;
    if (left_us <= 0 || poll(p, 2, (int)(left_us / US_PER_MS + 1)) <= 0)
        return false;
    if (p[0].revents != 0)
        wake_clear(h->to_main);
    return p[1].revents != 0;
}

enum hands_event
hands_take(struct hands *h, int64_t deadline_us, struct hold *ret_hold)
{
    for (;;) {
        pthread_mutex_lock(&h->lock);
        sluice_assert(!h->holding);
        for (unsigned i = 0; i < h->n_links && !h->holding; i++) {
            if (!h->has_waiting[i])
                continue;
            h->has_waiting[i] = false;
            h->current = h->waiting[i];
            h->current.taken_us = clock_mono_us();
            h->holding = true;
        }
        bool taken = h->holding, drain = h->drain;
        bool credit_moves = h->current.is_full || h->n_links > 1;
        *ret_hold = h->current;
        pthread_mutex_unlock(&h->lock);
        if (taken) {
            if (credit_moves)
                wake(h->to_helper);
            return HANDS_BATCH;
        }
        if (drain)
            return HANDS_DRAIN;
        if (clock_mono_us() >= deadline_us || main_wait(h, deadline_us, h->options.wake_fd))
            return HANDS_TIMEOUT;
    }
}

bool
hands_drain_wait(struct hands *h, int64_t deadline_us)
{
    for (;;) {
        pthread_mutex_lock(&h->lock);
        bool drain = h->drain;
        pthread_mutex_unlock(&h->lock);
        if (drain || clock_mono_us() >= deadline_us)
            return drain;
        main_wait(h, deadline_us, -1);
    }
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

static void
hold_end(struct hands *h, struct hold *hold, struct service_report *report)
{
    struct verdict v = {.give_back = report == NULL,
                        .link = hold->link,
                        .lease = hold->lease,
                        .generation = hold->generation};

    hands_report_init(&v.report);
    if (report != NULL) {
        struct service_report fresh = v.report;
        v.report = *report;
        *report = fresh;
    }
    sluice_batch_free(hold->memory);
    pthread_mutex_lock(&h->lock);
    sluice_assert(h->holding);
    while (h->n_verdicts == VERDICTS_MAX)
        pthread_cond_wait(&h->verdicts_taken, &h->lock);
    h->verdicts[h->n_verdicts++] = v;
    h->holding = false;
    pthread_mutex_unlock(&h->lock);
    wake(h->to_helper);
    *hold = (struct hold){0};
}

void
hands_report(struct hands *h, struct hold *hold, struct service_report *report)
{
    hold_end(h, hold, report);
}

void
hands_return(struct hands *h, struct hold *hold)
{
    hold_end(h, hold, NULL);
}
