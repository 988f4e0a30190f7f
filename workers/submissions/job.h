/* One message of a batch on its way through the service:
 *
 *   open → (recorded already?) → validate (envelope, times, form, answers) → medicine (scores,
 *   alerts) → deidentify, attach → previous (alerts beside earlier forms) → store → cache → report
 *
 * A job is decided when its outcome is set; who decides also writes its payload. Slices point into
 * the delivered records, the batch's plain text, its arena or the catalog, all of which outlive the
 * batch. */
#ifndef SLUICE_WORKERS_SUBMISSIONS_JOB_H
#define SLUICE_WORKERS_SUBMISSIONS_JOB_H

#include <stdbool.h>

#include "base/buf.h"
#include "questionnaire/findings.h"
#include "schemas/wire/message.h"
#include "schemas/wire/record.h"
#include "store/attachments.h"
#include "store/submissions.h"
#include "workers/submissions/arena.h"
#include "workers/submissions/catalog.h"
#include "workers/submissions/subjects.h"

/* Lists in the arena: what one job raises, and the identifiers and attachments it brings. */
struct raised {
    struct alert_row row;
    struct raised *next;
};
struct identified {
    struct identifier_row row;
    struct slice value; /* as it came; row.value_sealed is made of it */
    struct identified *next;
};
struct attached {
    struct attachment_row row;
    struct attached *next;
};

/* A correction (PUT): what it says of itself. */
struct correction {
    int64_t revision; /* If-Match; 0: the message is none */
    struct slice reason, source;
    bool voids; /* entered-in-error */
};

struct job {
    struct record record;
    uint8_t outcome; /* enum outcome; OUTCOME_NONE: not decided yet */

    /* open */
    struct slice plain, submission; /* msgpack maps; submission lies in plain */
    struct slice subject;
    int64_t received_us;
    int64_t sent_us; /* of the Date header; TIME_NONE */
    bool fhir;       /* submission is a QuestionnaireResponse */
    struct correction correction;
    int32_t continues; /* the revision of a form in progress that this is the next state of; 0 */
    enum { CLASH_NONE, CLASH_OTHER, CLASH_FOREIGN } clash; /* with what its id stands for */
    struct slice actor, actor_role, actor_organisation;    /* of the token; null: none */

    /* validate */
    const struct catalog_form *form; /* NULL: not known */
    struct slice said_questionnaire, said_version;
    struct slice subject_told; /* as rejections and alerts may say it: unnamed.h */
    /* The subject, copied: the cache may forget it while the same batch meets others. */
    struct subject subject_known;
    const struct subject *known; /* it, or NULL: not known */
    struct slice answers;        /* short form; at NULL: none could be read */
    bool complete;               /* status completed, or a correction of it */
    bool late;
    bool erased_since; /* the subject, while the batch was worked on */
    bool valid;        /* row may be stored; else rejection is to be recorded */
    struct submission_row row;
    struct submission_extra extra;
    struct rejection_row rejection;
    enum outcome rejected_as;       /* what rejection becomes when it is recorded */
    size_t reasons_at, reasons_len; /* JSON, in batch.text */
    uint16_t http;                  /* a status that fits a refusal better than the usual; 0 */
    struct raised *alerts;
    struct identified *identifiers;
    struct attached *attachments;
    struct slice warnings; /* msgpack array for the answer; null: none */

    /* report */
    size_t payload_at, payload_len; /* msgpack, in batch.payloads */
    bool to_cache;                  /* its row is stored, by this message: tell Redis */
    bool untold; /* stored by a message that may be gone: what that raised is told once more */
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
    struct arena arena;
    struct findings findings;
};

#endif
