/* The stream of a study's alerts in Redis (sluice:alerts:{study}): a feed for whoever wants to know
 * at once. Bounded, and not complete after a loss; PostgreSQL is the record. */
#ifndef SLUICE_STORE_ALERT_STREAM_H
#define SLUICE_STORE_ALERT_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/uuid.h"
#include "store/redis.h"
#include "store/slice.h"

#define ALERT_STREAM_MAX "100000" /* entries a study keeps, roughly */
#define ALERT_STREAM_PUSH_MAX 256 /* alerts a call */

/* Codes only, never an answer. */
struct stream_alert {
    struct slice study, subject, rule, severity;
    struct uuid id;
    int64_t seq, raised_us;
    bool provisional;
};
/* Waits for Redis' answer. Redis outcomes. */
int alert_stream_push(struct redis *r, const struct stream_alert *alerts, size_t n);

#endif
