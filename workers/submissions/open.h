/* From the sealed record to the submission's members. */
#ifndef SLUICE_WORKERS_SUBMISSIONS_OPEN_H
#define SLUICE_WORKERS_SUBMISSIONS_OPEN_H

#include "schemas/wire/seal.h"
#include "workers/submissions/job.h"

/* Opens the body into batch.plain and reads the envelope that the edge put around the submission:
 * {"id", "study", "subject", "received_us", …, "submission": {…}}. id, study and subject inside are
 * authoritative (invariants 16): if they differ from the record's, or do not open, the job is dead.
 * An unknown seal key leaves it undecided: retry later. True: go on with this job. */
bool open_job(struct batch *b, struct job *j, const struct seal_keys *keys);

#endif
