/* How many submissions each subject has: counted in PostgreSQL for many at once, kept in Redis
 * (cache.h says how rounds and their lock work). */
#ifndef SLUICE_STORE_CACHE_COUNTS_H
#define SLUICE_STORE_CACHE_COUNTS_H

#include <stdint.h>

#include "store/connection.h"
#include "store/redis.h"

#define CACHE_COUNTS_MAX 1000              /* subjects a round */
#define CACHE_KEY_PREFIX "sluice:subject:" /* {study}:{subjectId} follows */

struct cache_counts {
    int64_t not_before_us, counted_us; /* monotonic */
};

/* One round, if it is due and no other worker is at it. pushed_us: when something was pushed last;
 * so soon after that it is done seldom only. Blocks for one statement; failures are tried again. */
void cache_counts_take(struct cache_counts *k, struct redis *redis, struct store *s,
                       int64_t pushed_us, int64_t now_us);

#endif
