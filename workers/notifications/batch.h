/* One batch of messages of this service: opened, planned or acted on, reported. Alerts of a batch
 * are planned by one statement; what people did is done one by one, it is rare. */
#ifndef SLUICE_WORKERS_NOTIFICATIONS_BATCH_H
#define SLUICE_WORKERS_NOTIFICATIONS_BATCH_H

#include "store/audit.h"
#include "workers/notifications/recipients.h"
#include "workers/runtime/service.h"

struct batch; /* opaque; kept between batches for its memory */

struct batch *batch_new(const struct seal_keys *keys);
void batch_free(struct batch *b);

/* As service.batch; the chain takes what people did. *ret_planned: there is something to deliver.
 */
int batch_do(struct batch *b, struct store *store, struct audit_chain *chain,
             const struct recipients *recipients, const struct service_batch *in,
             struct buf *entries, bool *ret_planned);

#endif
