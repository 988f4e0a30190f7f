/* The helper stands in for a main thread that has been away for AWAY_US. Until then it stays out of
 * the way: while batches follow each other it looks at the clock once in that time, and once the
 * main thread has stayed it waits to be woken by the next departure. */
#include <errno.h>
#include <poll.h>

#include "base/clock.h"
#include "workers/runtime/hands_inner.h"

#define AWAY_US (100 * US_PER_MS) /* a small part of a heartbeat's interval */

/* Waits for to_helper or the time, with the lock given up. */
static void
helper_rest(struct hands *h, int64_t until_us)
{
    struct pollfd p = {.fd = h->to_helper, .events = POLLIN};
    int64_t left_us = until_us - clock_mono_us();
    int ms = until_us == INT64_MAX ? -1 : left_us <= 0 ? 0 : (int)(left_us / US_PER_MS + 1);

    pthread_mutex_unlock(&h->lock);
    if (poll(&p, 1, ms) > 0)
        wake_clear(h->to_helper);
    pthread_mutex_lock(&h->lock);
}

void *
helper_run(void *arg)
{
    struct hands *h = arg;
    int64_t seen_us = INT64_MIN; /* the departure seen last */

    pthread_mutex_lock(&h->lock);
    while (!h->stop) {
        int64_t now_us = clock_mono_us();
        if (h->main_here) {
            h->helper_parked = h->left_us == seen_us;
            seen_us = h->left_us;
            helper_rest(h, h->helper_parked ? INT64_MAX : now_us + AWAY_US);
            h->helper_parked = false;
        } else if (now_us < h->left_us + AWAY_US) {
            helper_rest(h, h->left_us + AWAY_US);
        } else if (hands_wait(h, hands_turn(h), h->to_helper)) {
            wake_clear(h->to_helper);
        }
    }
    pthread_mutex_unlock(&h->lock);
    return NULL;
}
