/* What the database knows of how the whole does: alerts nobody took, what is held, what Redis
 * lacks, when a canary last arrived, how far the audit trail is anchored. Read-only. */
#ifndef SLUICE_STORE_HEALTH_H
#define SLUICE_STORE_HEALTH_H

#include <stdint.h>

#include "base/uuid.h"
#include "store/connection.h"

#define HEALTH_NONE ((int64_t)-1) /* an age of nothing */

struct store_alerts_open {
    int64_t open, urgent;     /* that nobody acknowledged; no canaries */
    int64_t urgent_oldest_us; /* age, or HEALTH_NONE */
    int64_t urgent_late;      /* older than the limit given */
};
/* By an index: cheap enough for every second. */
int store_alerts_open(struct store *s, int64_t urgent_limit_us, struct store_alerts_open *ret);

struct store_health {
    int64_t schema;         /* newest migration that was applied */
    int64_t held;           /* unresolved */
    int64_t held_oldest_us; /* age, or HEALTH_NONE */
    int64_t cache_stale_us; /* since when Redis lacks something (age), or HEALTH_NONE */
    int64_t canary_us;      /* age of the newest canary that arrived, or HEALTH_NONE */
};
int store_health(struct store *s, struct store_health *ret);

/* One writer's chain behind an anchor (its batch and number). */
struct store_anchored {
    int64_t batch;      /* the chain's last one; 0: there is no row of this writer */
    int64_t waiting;    /* rows behind the anchor */
    int64_t waiting_us; /* age of the oldest of them, or HEALTH_NONE */
};
int store_anchored(struct store *s, const struct uuid *writer, int64_t number,
                   struct store_anchored *ret);

#endif
