/* One message of a batch on its way through the service:
 *
 *   open → (recorded already?) → validate → store → cache → report
 *
 * Later services of medicine have their place between validate and store: deidentify, score, alert,
 * each in a file of its own beside these.
 *
 * A job is decided when its outcome is set; who decides also writes its payload. Slices point into
 * the delivered records, the batch's plain text or the catalog, all of which outlive the batch. */
#ifndef SLUICE_WORKERS_SUBMISSIONS_JOB_H
#define SLUICE_WORKERS_SUBMISSIONS_JOB_H

#include <stdbool.h>

#include "base/buf.h"
#include "questionnaire/findings.h"
#include "schemas/wire/message.h"
#include "schemas/wire/record.h"
#include "store/submissions.h"
#include "workers/submissions/catalog.h"

struct job {
    struct record record;
    uint8_t outcome; /* enum outcome; OUTCOME_NONE: not decided yet */

    /* open */
    struct slice plain, submission; /* msgpack maps; submission lies in plain */
    struct slice subject;
    int64_t received_us;

    /* validate */
    const struct catalog_form *form; /* NULL: not known */
    struct slice said_questionnaire, said_version;
    bool valid; /* row may be stored; else rejection is to be recorded */
    struct submission_row row;
    struct submission_extra extra;
    struct rejection_row rejection;
    enum outcome rejected_as;       /* what rejection becomes when it is recorded */
    size_t reasons_at, reasons_len; /* JSON, in batch.text */

    /* report */
    size_t payload_at, payload_len; /* msgpack, in batch.payloads */
    bool to_cache;                  /* its row is stored, by this message: tell Redis */
};

#define JOB_NAMES_MAX 320 /* bytes of questionnaire and version; loading keeps them shorter */

/* Memory of one batch, reused for the next. */
struct batch {
    struct job *jobs;
    size_t n, cap;
    struct uuid broker;
    struct buf plain;  /* reserved for the whole batch before use: never moves */
    struct buf opened; /* one body */
    struct buf text;   /* reasons */
    struct buf payloads;
    struct buf scratch;
    struct findings findings;
};

#endif
