/* What is said about a job: the REPORT payload (msgpack map), and the reasons as JSON for the row.
 *
 *   {"stored_us"?, "received_us"?, "questionnaire"?, "version"?,
 *    "errors"?: [{"pointer", "rule", "detail"}]} */
#ifndef SLUICE_WORKERS_SUBMISSIONS_OUTCOME_H
#define SLUICE_WORKERS_SUBMISSIONS_OUTCOME_H

#include "workers/submissions/job.h"

/* received_us: TIME_NONE unless duplicate. */
void outcome_stored(struct batch *b, struct job *j, enum outcome outcome, int64_t stored_us,
                    int64_t received_us, struct slice questionnaire, struct slice version);
/* The findings of batch.findings become payload and reasons; decides nothing. */
void outcome_prepare_errors(struct batch *b, struct job *j);
/* Findings become the payload and the job is dead. */
void outcome_dead(struct batch *b, struct job *j, enum rule rule);
/* reasons: JSON text as the rejections row has it. */
void outcome_recorded(struct batch *b, struct job *j, enum outcome outcome, struct slice reasons,
                      struct slice questionnaire, struct slice version);
/* A REPORT entry for every job of the batch; undecided ones as RETRY. */
void outcome_write_entries(const struct batch *b, struct buf *entries);

#endif
