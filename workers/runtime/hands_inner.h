/* What the helper (hands.c) and the main thread's side of it (hold.c) share, under one lock: the
 * batch that waits, what is to be said about the current one, and a few flags. Two eventfds wake
 * either side. */
#ifndef SLUICE_WORKERS_RUNTIME_HANDS_INNER_H
#define SLUICE_WORKERS_RUNTIME_HANDS_INNER_H

#include <pthread.h>
#include <unistd.h>

#include "workers/runtime/hands.h"

#define VERDICTS_MAX 4

/* One broker. Owned by the helper. */
struct link {
    struct hands *hands;
    struct sluice_worker *worker;
    unsigned number;
    bool connected;
    bool credit; /* a pull is out */
    struct uuid broker;
    uint64_t generation; /* leases of an older one are void */
    int64_t lease_us;
    int64_t extend_at_us;
};

/* What the main thread says about a batch it is done with. */
struct verdict {
    bool give_back;
    unsigned link;
    uint64_t lease, generation;
    struct service_report report;
};

struct hands {
    struct hands_options options;
    struct link links[HANDS_BROKERS_MAX];
    unsigned n_links;
    pthread_t thread;
    int to_helper, to_main; /* eventfds */

    pthread_mutex_t lock;
    struct hold waiting[HANDS_BROKERS_MAX]; /* by link */
    bool has_waiting[HANDS_BROKERS_MAX];
    bool holding; /* the main thread has a batch */
    struct hold current;
    struct verdict verdicts[VERDICTS_MAX]; /* in order; the main thread waits while it is full */
    unsigned n_verdicts;
    pthread_cond_t verdicts_taken;
    bool ready, drain, stop;

    int64_t alive_at_us; /* the watchdog's next sign of life; the helper's */
};

static inline void
wake(int fd)
{
    ssize_t n = write(fd, &(uint64_t){1}, sizeof(uint64_t));

    (void)n; /* a full counter wakes as well */
}

static inline void
wake_clear(int fd)
{
    uint64_t count;
    ssize_t n = read(fd, &count, sizeof(count));

    (void)n;
}

#endif
