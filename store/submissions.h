/* Writing a batch, and finding what was written. One statement a batch (invariants 5): submissions
 * and rejections, their audit rows, alerts and identifiers together, prepared, binary arrays over
 * unnest, a row that stands already left as it is, sent with its Sync in one call; no transaction
 * is ever open while we do anything else. */
#ifndef SLUICE_STORE_SUBMISSIONS_H
#define SLUICE_STORE_SUBMISSIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "schemas/wire/identity.h"
#include "store/alerts_write.h"
#include "store/audit.h"
#include "store/connection.h"
#include "store/identity.h"
#include "store/slice.h"

/* Members that few submissions have; slices of msgpack where the column is jsonb. */
struct submission_extra {
    struct slice status, time_zone, visit, occasion, language;
    struct slice originator, device, device_edits;
    struct slice normal; /* questionnaire/normal.h */
    struct slice flags;  /* names, one a line; null: none */
    struct slice actor, role, organisation;
    int64_t started_us, sent_us; /* TIME_NONE */
    int64_t skew_us;             /* TIME_NONE */
};

struct submission_row {
    struct slice study, subject, questionnaire, version;
    struct slice site; /* null: none */
    struct uuid id;
    struct slice answers; /* msgpack */
    struct slice scores;  /* msgpack; null: the definition has none */
    int64_t authored_us, received_us, accepted_us;
    char authored_zone[8]; /* "" : null */
    uint8_t content_hash[CONTENT_HASH_BYTES];
    uint64_t epoch, seq;
    const struct submission_extra *extra; /* NULL: none */
    struct audit_row audit; /* of revision 1; this and data_mac are made by submissions_write */
    uint8_t data_mac[AUDIT_DATA_BYTES];
    /* Set by submissions_write: */
    bool inserted;
    int64_t stored_us;
};

struct rejection_row {
    const char *kind;                                    /* rejected, conflict, held */
    struct slice study, subject, questionnaire, version; /* the last three may be null */
    struct uuid id;
    struct slice reasons; /* JSON text: [{"pointer","rule","detail"}] */
    struct slice sealed;
    struct slice content_hash; /* may be null */
    int64_t received_us, accepted_us;
    uint64_t epoch, seq;
};

struct submissions_writer; /* memory for one batch's parameters, reused */
struct submissions_writer *submissions_writer_new(size_t ceiling);
void submissions_writer_free(struct submissions_writer *w);

enum { SUBMISSIONS_FULL = 100 }; /* the parameters pass the ceiling: write fewer rows at once */

/* What one statement writes.
 * rows: sorted by (study, id) without equals, so that two workers lock in one order. alerts: of
 * these rows and rejections; sorted here. */
struct submissions_batch {
    const struct uuid *broker;
    uint32_t hash_key;
    struct submission_row *const *rows;
    size_t n_rows;
    const struct rejection_row *const *rejections;
    size_t n_rejections;
    struct alert_row **alerts;
    size_t n_alerts;
    const struct identifier_row *identifiers;
    size_t n_identifiers;
};

/* After STORE_OK each row says whether it was inserted (one that was not stood there already:
 * compare later) and each alert whether it was raised; the chain has been advanced. STORE_ROW:
 * something in the batch is refused; nothing of it is written; split. After any other outcome
 * nothing is known, and the chain begins anew. */
int submissions_write(struct submissions_writer *w, struct store *s, struct audit_chain *chain,
                      const struct submissions_batch *batch);
int submission_row_compare(const struct submission_row *a, const struct submission_row *b);

/* What is told of a stored row to whoever sends it again. */
struct submission_told {
    struct slice questionnaire, version, status;
    int32_t revision;
    int64_t received_us, stored_us;
    struct slice scores; /* JSON text, or null */
    struct slice flags;  /* names, one a line, or null */
};

/* What is stored under an id. Texts live during the call. */
struct submission_found {
    struct submission_told told;
    struct slice study, subject;
    struct uuid id, broker;
    uint64_t epoch, seq;
    const uint8_t *content_hash; /* CONTENT_HASH_BYTES */
    uint32_t hash_key;
    int64_t authored_us;
};
struct submission_key {
    struct slice study;
    struct uuid id;
};
enum submissions_which {
    SUBMISSIONS_CURRENT,
    SUBMISSIONS_OLDER, /* the revisions before */
    /* Both. The transaction writes WAL, so that its commit waits for the standby as a write would:
     * what a cancelled wait left visible is then as safe as what we store. */
    SUBMISSIONS_SETTLED,
};
int submissions_find(struct store *s, const struct submission_key *keys, size_t n,
                     enum submissions_which which,
                     void (*each)(void *arg, const struct submission_found *found), void *arg);

struct rejection_found {
    const char *kind;
    struct slice reasons; /* JSON text */
    struct slice questionnaire, version;
    uint64_t epoch, seq;
    int64_t recorded_us;
};
int rejections_find(struct store *s, const struct uuid *broker, const uint64_t *epochs,
                    const uint64_t *seqs, size_t n,
                    void (*each)(void *arg, const struct rejection_found *found), void *arg);

#endif
