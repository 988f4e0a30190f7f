/* A new revision of what is stored: a correction (PUT, If-Match = revision, with its reason), or
 * the next state of a form that is in progress. One statement: the old row goes to
 * submission_revisions, the new one takes its place, with the audit row, the alerts and the
 * identifiers that it brings. */
#ifndef SLUICE_STORE_REVISIONS_H
#define SLUICE_STORE_REVISIONS_H

#include <stdbool.h>

#include "store/alerts_write.h"
#include "store/audit.h"
#include "store/connection.h"
#include "store/identity.h"
#include "store/submissions.h"

/* Null slices keep what the row says now, as TIME_NONE does. */
struct revision_row {
    struct slice study;
    struct uuid id;
    int32_t expected;      /* If-Match; the new revision is expected + 1 */
    bool only_in_progress; /* the stored row must still be in progress (the same id, sent again) */
    struct slice status;   /* amended, entered-in-error; or completed, in-progress, stopped */
    bool is_void;          /* entered-in-error */
    struct slice questionnaire, version;
    struct slice answers;        /* msgpack; null: as they are (entered-in-error) */
    struct slice normal;         /* JSON text; null: none, where answers are given */
    struct slice scores;         /* JSON text of json_text_write; null: none */
    const uint8_t *content_hash; /* CONTENT_HASH_BYTES */
    uint32_t hash_key;
    int64_t authored_us, received_us, accepted_us, sent_us;
    struct slice actor, role, organisation, reason, source;
    struct slice flags; /* names, one a line; null: none */
    struct uuid broker;
    uint64_t epoch, seq;
};

enum { REVISION_STALE = 101 }; /* not that revision any more (or no such submission): 412 */

struct revision_written {
    int64_t stored_us;
    int32_t revision;
};

struct revisions_writer;
struct revisions_writer *revisions_writer_new(size_t ceiling);
void revisions_writer_free(struct revisions_writer *w);

/* audit: revision expected + 1, the subject's code, AUDIT_ACTION_REVISED, at_us; its detail is
 * written and it is signed here. row's status is given. After STORE_OK the chain is advanced by it;
 * it is restarted where it is not known whether the row was written. alerts and identifiers may be
 * none. */
int submission_revise(struct revisions_writer *w, struct store *s, struct audit_chain *chain,
                      const struct revision_row *row, struct audit_row *audit,
                      struct alert_row **alerts, size_t n_alerts,
                      const struct identifier_row *identifiers, size_t n_identifiers,
                      struct revision_written *ret_written);

/* What a worker needs before it judges a correction. Texts live during the call. */
struct revision_found {
    struct submission_told told;
    struct slice subject, role;
    bool is_void;
    int64_t authored_us;
    const uint8_t *content_hash;
    struct uuid broker;
    uint64_t epoch, seq;
};
/* The current row of an id; STORE_OK with *ret_found_any false where there is none. */
int submission_current(struct store *s, struct slice study, const struct uuid *id,
                       void (*each)(void *arg, const struct revision_found *found), void *arg,
                       bool *ret_found_any);
/* Is this origin a revision that has been superseded since? (Attempt > 1: it was stored.) */
int revision_recorded(struct store *s, struct slice study, const struct uuid *id,
                      const struct uuid *broker, uint64_t epoch, uint64_t seq,
                      struct revision_written *ret_written, bool *ret_found);

#endif
