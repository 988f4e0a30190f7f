/* A synthetic alert every interval, raised once over all workers (its id is made of the interval's
 * number), delivered like any other and measured: what keeps alerts from arriving shows within two
 * intervals, also when no subject raises one. */
#ifndef SLUICE_WORKERS_NOTIFICATIONS_CANARY_H
#define SLUICE_WORKERS_NOTIFICATIONS_CANARY_H

#include <stdint.h>

#include "workers/notifications/recipients.h"

struct canary {
    int64_t interval_us; /* 0: none */
    int64_t due_us;      /* monotonic */
};

void canary_init(struct canary *c, int64_t interval_us, int64_t now_us);
/* If it is due: looks whether the earlier ones arrived, raises this interval's. *ret_raised: it is
 * ours, and is to be planned as *ret_alert. STORE_ outcomes. */
int canary_turn(struct canary *c, struct store *store, int64_t now_us, bool *ret_raised,
                struct uuid *ret_alert);
int64_t canary_deadline(const struct canary *c);

#endif
