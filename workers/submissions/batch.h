/* Memory of one batch, and the jobs that are read out of what the broker delivered. */
#ifndef SLUICE_WORKERS_SUBMISSIONS_BATCH_H
#define SLUICE_WORKERS_SUBMISSIONS_BATCH_H

#include "workers/runtime/service.h"
#include "workers/submissions/job.h"

#define PAYLOADS_SOFT ((size_t)8 << 20) /* past it, what is left of the batch comes again */
#define PAYLOADS_MAX (PAYLOADS_SOFT + ((size_t)4 << 20))
/* Kept for what every answer has, of 4,096 jobs: scores and warnings don't use it up. */
#define PAYLOADS_RESERVE ((size_t)3 << 20)

void batch_init(struct batch *b);
void batch_deinit(struct batch *b);
/* Forgets the batch before, and reads what came into jobs. */
void batch_read(struct batch *b, const struct service_batch *in);

#endif
