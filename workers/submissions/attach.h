/* Inline attachments of a batch: out of the answers, into a table of their own (clinical-rules,
 * "kept in its own table by hash"). */
#ifndef SLUICE_WORKERS_SUBMISSIONS_ATTACH_H
#define SLUICE_WORKERS_SUBMISSIONS_ATTACH_H

#include "schemas/wire/identity.h"
#include "store/connection.h"
#include "workers/submissions/job.h"

/* A valid job: row.answers without the data, which stands in the job's list. False: more than can
 * be held. */
bool attach_job(struct batch *b, struct job *j, const struct identity_key *identity);
/* What the batch's valid jobs bring; no statement where they bring none. STORE_ outcomes. */
int attach_store(struct batch *b, struct store *s);

#endif
