/* A synthetic alert every interval, raised once over all workers (its id is made of the interval's
 * number), handed to a broker like the follow-up of a submission, delivered like any other and
 * measured: what keeps alerts from arriving shows within two intervals, also when no subject raises
 * one. Without a broker's endpoint its way begins in PostgreSQL. */
#ifndef SLUICE_WORKERS_NOTIFICATIONS_CANARY_H
#define SLUICE_WORKERS_NOTIFICATIONS_CANARY_H

#include <stdint.h>

#include "client/lib/courier.h"
#include "schemas/wire/seal.h"
#include "workers/notifications/recipients.h"

struct canary {
    int64_t interval_us; /* 0: none */
    int64_t due_us;      /* monotonic */
    const struct seal_keys *keys;
    struct courier *courier; /* NULL: no broker */
};

/* endpoints: brokers' client endpoints, "": none. False: an endpoint is none. */
bool canary_init(struct canary *c, int64_t interval_us, const char *endpoints,
                 const struct seal_keys *keys);
void canary_deinit(struct canary *c);
/* If it is due: looks whether the earlier ones arrived, raises this interval's and hands it to a
 * broker (waits for that a second at most; one that no broker takes is missed like any other).
 * *ret_raised: it is ours and there is no broker: to be planned as *ret_alert. STORE_ outcomes. */
int canary_turn(struct canary *c, struct store *store, int64_t now_us, bool *ret_raised,
                struct uuid *ret_alert);
int64_t canary_deadline(const struct canary *c);

#endif
