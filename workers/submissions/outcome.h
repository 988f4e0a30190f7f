/* What is said about a job: the REPORT payload (msgpack map), and the reasons as JSON for the row.
 *
 *   {"stored_us"?, "received_us"?, "questionnaire"?, "version"?, "http"?, "revision"?, "state"?,
 *    "scores"?, "flags"?: [name], "warnings"? and "errors"?: [{"pointer", "rule", "detail",
 *    "linkId"?, "params"?: {name: text}}]} */
#ifndef SLUICE_WORKERS_SUBMISSIONS_OUTCOME_H
#define SLUICE_WORKERS_SUBMISSIONS_OUTCOME_H

#include "workers/submissions/job.h"

/* What a stored row says of itself. */
struct outcome_row {
    int64_t stored_us;
    int64_t received_us; /* of the original, where this is its duplicate; else TIME_NONE */
    struct slice questionnaire, version;
    struct slice status; /* null: completed */
    int32_t revision;
    struct slice scores;      /* msgpack, or null: */
    struct slice scores_json; /* as read from the row; null: none */
    struct slice flags;       /* names, one a line; null: none */
    struct slice warnings;    /* msgpack; null: none */
};
/* Scores, then warnings, are left out of an answer that would be too long for its entry with them,
 * or where answers of the batch have used up their room; they stand in the row. */
void outcome_stored(struct batch *b, struct job *j, enum outcome outcome,
                    const struct outcome_row *row);
/* Who stored what stands under the id: this message itself; another one of this epoch, which
 * reports what it raised or comes again; or one of another epoch or broker. That one a crash may
 * have taken before it was durable (invariants 3): its row stays, and nobody told what it raised.
 */
enum storer { STORER_ITSELF, STORER_PEER, STORER_PAST };
enum storer storer_of(const struct batch *b, const struct job *j, const struct uuid *broker,
                      uint64_t epoch, uint64_t seq);
/* Stored before, as the row says. */
void outcome_found(struct batch *b, struct job *j, enum storer storer,
                   const struct submission_told *told);
/* The findings' warnings become job.warnings. */
void outcome_warnings(struct batch *b, struct job *j);
/* The findings of batch.findings become payload and reasons; decides nothing. */
void outcome_prepare_errors(struct batch *b, struct job *j);
/* Findings become the payload and the job is dead. */
void outcome_dead(struct batch *b, struct job *j, enum rule rule);
/* reasons: JSON text as the rejections row has it. Past PAYLOADS_SOFT nothing is decided: it comes
 * again. */
void outcome_recorded(struct batch *b, struct job *j, enum outcome outcome, struct slice reasons,
                      struct slice questionnaire, struct slice version);
/* What raised alerts and could not tell them comes again. */
void outcome_retry_alerting(struct batch *b);
/* A REPORT entry for every job of the batch; undecided ones as RETRY. */
void outcome_write_entries(const struct batch *b, struct buf *entries);

#endif
