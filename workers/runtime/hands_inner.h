/* What the connections (hands.c), the main thread (hold.c) and the helper (helper.c) share. One
 * lock guards all of it, libsluice's workers included: whoever has it serves the connections. It is
 * never held across a wait, nor while the main thread does a batch. */
#ifndef SLUICE_WORKERS_RUNTIME_HANDS_INNER_H
#define SLUICE_WORKERS_RUNTIME_HANDS_INNER_H

#include <pthread.h>
#include <unistd.h>

#include "workers/runtime/hands.h"

/* One broker. */
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

struct hands {
    struct hands_options options;
    struct link links[HANDS_BROKERS_MAX];
    unsigned n_links;
    pthread_t thread;
    int to_helper; /* eventfd */

    pthread_mutex_t lock;
    struct hold waiting[HANDS_BROKERS_MAX]; /* by link */
    bool has_waiting[HANDS_BROKERS_MAX];
    bool holding; /* the main thread has a batch */
    struct hold current;
    bool main_here;     /* the main thread serves the connections */
    int64_t left_us;    /* when it last stopped doing so */
    bool helper_parked; /* the helper waits for that without a deadline */
    bool ready, drain, stop;

    int64_t alive_at_us;   /* the watchdog's next sign of life */
    int64_t signals_at_us; /* when signals are looked for without being waited for */
};

/* All with the lock held. */

/* Serves all connections; returns when to come again at the latest. Always before hands_wait:
 * libzmq may have taken news in already, and then no descriptor tells. */
int64_t hands_turn(struct hands *h);
/* Gives the lock up and waits for a connection, a signal, fd (negative: none) or the time; deals
 * with signals. True if fd has become readable. */
bool hands_wait(struct hands *h, int64_t until_us, int fd);
/* Gives credit to whom it is due, takes it from others. True if that was sent. */
bool hands_credit(struct hands *h);

/* The helper's thread. arg: the hands. */
void *helper_run(void *arg);

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
