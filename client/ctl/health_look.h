/* One look at everything: brokers, queues, workers, PostgreSQL, Redis. What does not answer is part
 * of the answer, so nothing is complained about. The connections stay open between looks. */
#ifndef SLUICE_CTL_HEALTH_LOOK_H
#define SLUICE_CTL_HEALTH_LOOK_H

#include <jansson.h>

#include "client/ctl/admin.h"
#include "client/ctl/ctl.h"
#include "store/connection.h"

struct look; /* opaque */

/* EXIT_DONE and *ret_look, or the exit code after a complaint (configuration). timeout_us: for each
 * broker, statement and Redis. */
int look_open(const struct ctl *ctl, int64_t timeout_us, struct look **ret_look);
void look_close(struct look *l);

/* A new look: who was silent is asked again. */
void look_begin(struct look *l);
/* The rows of one verb of all brokers; each has "endpoint". A broker that does not answer gives no
 * row, and is not asked again before the next look_begin. */
json_t *look_brokers(struct look *l, const char *verb);
size_t look_endpoints(const struct look *l);
const char *look_endpoint(const struct look *l, size_t i);

/* Connects if it is not connected. STORE_OK, or what is wrong; the store is there for store_why. */
int look_postgres(struct look *l, struct store **ret_store);

enum look_redis { LOOK_REDIS_UP, LOOK_REDIS_DOWN, LOOK_REDIS_NONE };
/* Asks for a PING. *ret_why (DOWN) lives until the next call. */
enum look_redis look_redis(struct look *l, const char **ret_why);

#endif
