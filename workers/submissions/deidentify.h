/* Direct identifiers of a batch: taken out of the answers that go to sluice.submissions, encrypted
 * under their subject's key for schema identity (clinical-rules "Identity"). */
#ifndef SLUICE_WORKERS_SUBMISSIONS_DEIDENTIFY_H
#define SLUICE_WORKERS_SUBMISSIONS_DEIDENTIFY_H

#include "store/identity_store.h"
#include "workers/submissions/job.h"

/* A valid job of a form with identifiers: row.answers and extra.device_edits without them, and the
 * job's list of them.
 * False: more than can be held. */
bool deidentify_job(struct batch *b, struct job *j, int32_t revision);
/* Seals what all jobs of the batch bring; some statements where a subject is new. wrap NULL: no
 * identity is kept, the lists are emptied. Of a job whose subject was erased meanwhile erased_since
 * is set: the caller refuses it. STORE_ outcomes. */
int deidentify_seal(struct batch *b, struct store *s, const struct identity_wrap *wrap);

#endif
