/* Memory of one batch, and the jobs that are read out of what the broker delivered. */
#ifndef SLUICE_WORKERS_SUBMISSIONS_BATCH_H
#define SLUICE_WORKERS_SUBMISSIONS_BATCH_H

#include "workers/runtime/service.h"
#include "workers/submissions/job.h"

#define PAYLOADS_SOFT ((size_t)8 << 20) /* past it, what is left of the batch comes again */

void batch_init(struct batch *b);
void batch_deinit(struct batch *b);
/* Forgets the batch before, and reads what came into jobs. */
void batch_read(struct batch *b, const struct service_batch *in);

#endif
