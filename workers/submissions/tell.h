/* Who is told of the alerts a batch raised: the service "notifications" by follow-up messages, and
 * the stream in Redis. */
#ifndef SLUICE_WORKERS_SUBMISSIONS_TELL_H
#define SLUICE_WORKERS_SUBMISSIONS_TELL_H

#include "schemas/wire/seal.h"
#include "store/alerts_find.h"
#include "store/cache.h"
#include "workers/submissions/job.h"

struct tell; /* scratch, reused */

struct tell *tell_new(const struct seal_keys *keys);
void tell_free(struct tell *t);
/* Gathers every alert that was raised by the batch, or by an earlier attempt at one of its
 * messages. STORE_ outcomes. */
int tell_gather(struct tell *t, const struct batch *b, struct store *s);
/* Appends a record for each (SLUICE_BATCH's followups); what does not fit is forgotten here, and
 * its jobs are to come again. */
void tell_followups(struct tell *t, struct batch *b, struct buf *followups);
/* Cache outcomes. */
int tell_stream(struct tell *t, struct cache *c);

#endif
