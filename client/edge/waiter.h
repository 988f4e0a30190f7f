/* Who waits for what: from a number that somebody else will name later (a request's counter, a
 * query) to the one that waits. Open addressing. */
#ifndef SLUICE_EDGE_WAITER_H
#define SLUICE_EDGE_WAITER_H

#include <stddef.h>
#include <stdint.h>

struct waiter_slot {
    uint64_t number;
    void *who; /* NULL: free */
};

struct waiters {
    struct waiter_slot *slots;
    size_t n_slots; /* a power of two, at least twice the count */
    size_t count;
    size_t count_max;
};

enum waiters_outcome { WAITERS_OK = 0, WAITERS_FULL = 1 };

void waiters_init(struct waiters *w, size_t count_max);
void waiters_deinit(struct waiters *w);
int waiters_add(struct waiters *w, uint64_t number, void *who);
void *waiters_find(const struct waiters *w, uint64_t number); /* NULL: nobody */
void *waiters_take(struct waiters *w, uint64_t number);

#endif
