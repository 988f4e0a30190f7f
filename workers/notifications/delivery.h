/* Claims what is due, lets it out, records what became of it: at least once, with the same id at
 * every attempt. Between two calls everything that matters stands in PostgreSQL: a worker that is
 * killed leaves claims that end by themselves. */
#ifndef SLUICE_WORKERS_NOTIFICATIONS_DELIVERY_H
#define SLUICE_WORKERS_NOTIFICATIONS_DELIVERY_H

#include "workers/notifications/recipients.h"
#include "workers/runtime/service.h"

struct delivery; /* opaque */

/* NULL with a logged reason. */
struct delivery *delivery_new(const struct service_env *env, struct recipients *recipients);
void delivery_free(struct delivery *d);

int delivery_fd(const struct delivery *d);
/* Something may be due (planned by us, told by another worker, a new connection): look. */
void delivery_stir(struct delivery *d);
/* due_in_us: what store_alerts_due said, INT64_MAX: nothing. */
void delivery_due(struct delivery *d, int64_t due_us);
/* One turn; nothing is claimed or recorded unless the store is open. True: rows were changed, so
 * that store_alerts_due says something else. */
bool delivery_turn(struct delivery *d, int64_t now_us);
int64_t delivery_deadline(const struct delivery *d);
/* The recipients were read anew: counts are found again, and what would fail at the first attempt
 * (no secret, no mail server) is said now. */
void delivery_rebind(struct delivery *d);
/* The process ends: lets what is out come in for a moment, gives back the rest. */
void delivery_drain(struct delivery *d, int64_t until_us);

#endif
