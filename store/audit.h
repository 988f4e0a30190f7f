/* The audit chain (21 CFR 11.10(e); clinical-rules.md "Audit and time").
 *
 * Every row of sluice.audit_events carries a MAC over its own fields. The rows that one statement
 * really inserted are a batch; the head after a batch is a MAC over the head before it, the batch's
 * number and the MACs of its rows in order of their numbers. Each row repeats the head before its
 * batch (previous), so the chain can be walked from the table alone; the heads that workers put
 * into their reports' notes stand in the brokers' journals (anchors), so that a cut tail or a chain
 * written anew with the key shows too. All MACs are HMAC-SHA-256 with the audit key, which
 * PostgreSQL never sees.
 *
 * A chain belongs to one writer, a random id taken at the start of a process. A row's number and
 * MAC are fixed before it is sent (they ride in its submission's row); rows that lose by ON
 * CONFLICT leave gaps in the numbers, which mean nothing.
 *
 * How a writer uses it, per statement:
 *   audit_row_sign per row; send with chain->writer, chain->batch, chain->head as previous;
 *   STORE_OK: audit_chain_advance with the rows that were inserted (none: nothing happens);
 *   STORE_ROW: nothing was written, the same rows may be sent again in smaller parts;
 *   anything else: whether it was written is not known: audit_chain_restart, sign anew. */
#ifndef SLUICE_STORE_AUDIT_H
#define SLUICE_STORE_AUDIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/uuid.h"
#include "store/slice.h"

#define AUDIT_KEY_BYTES 32
#define AUDIT_MAC_BYTES 32
#define AUDIT_DATA_BYTES 16 /* audit_data.h */

#define AUDIT_KEYS_MAX 16

struct audit_key {
    uint8_t bytes[AUDIT_KEY_BYTES];
};
/* The secret file: one "ID HEX64" a line; the first signs, verification tries all (a chain's first
 * head tells its key). */
struct audit_keys {
    struct audit_key list[AUDIT_KEYS_MAX];
    size_t n;
};
/* Nonzero: *ret_why is a malloc'd text without secrets. */
int audit_keys_load(const char *path, struct audit_keys *ret_keys, char **ret_why);

/* What a row says; strings may be SQL null except actor and action. */
struct audit_row {
    int64_t at_us;
    struct slice actor, role, organisation, action, study, subject;
    struct uuid submission;
    bool has_submission;
    int32_t revision; /* 0: null */
    struct slice reason;
    struct slice detail; /* text; of a submission audit_submission_detail's */
    /* Set by audit_row_sign: */
    int64_t number;
    uint8_t mac[AUDIT_MAC_BYTES];
};

/* actor where the token names none; action of a submission's rows. Statements write the same words,
 * by AUDIT_SUBMISSIONS_SQL or, where all rows are new, of their parameters (submissions_sql.c). */
#define AUDIT_ACTOR_NONE "-"
#define AUDIT_ACTION_STORED "submission.stored"
#define AUDIT_ACTION_REVISED "submission.revised"

/* What people do about alerts: this and the alert_events.event; detail is the alert's id. */
#define AUDIT_ACTION_ALERT "alert."

/* "completed 0a3f… 77c1…": status, content hash and MAC of the data (audit_data.h) in hex, so that
 * the row's MAC covers what was sent and what was stored. */
#define AUDIT_DETAIL_MAX 128
struct slice audit_submission_detail(char buffer[AUDIT_DETAIL_MAX], struct slice status,
                                     const uint8_t *content_hash, size_t hash_len,
                                     const uint8_t data_mac[AUDIT_DATA_BYTES]);

/* A CTE "audit" for a statement with a CTE "stored", which must return study, submission_id,
 * subject_id, revision, status, content_hash, actor, role, organisation, reason, audit_number,
 * audit_mac, data_mac. Parameters: writer uuid, batch int8, previous bytea, at timestamptz. */
#define AUDIT_SUBMISSIONS_SQL(WRITER, BATCH, PREVIOUS, AT)                                         \
    "audit AS (INSERT INTO sluice.audit_events (writer, number, batch, previous, mac, at, actor,"  \
    " role, organisation, action, study, subject_id, submission_id, revision, reason, detail)"     \
    " SELECT " WRITER "::uuid, s.audit_number, " BATCH "::int8, " PREVIOUS                         \
    "::bytea, s.audit_mac, " AT "::timestamptz, coalesce(s.actor, '" AUDIT_ACTOR_NONE              \
    "'), s.role, s.organisation, CASE WHEN s.revision = 1 THEN '" AUDIT_ACTION_STORED              \
    "' ELSE '" AUDIT_ACTION_REVISED                                                                \
    "' END, s.study, s.subject_id, s.submission_id, s.revision, s.reason,"                         \
    " s.status || ' ' || encode(s.content_hash, 'hex') || ' ' || encode(s.data_mac, 'hex')"        \
    " FROM stored s)"

struct audit_chain {
    struct audit_key key;
    struct uuid writer;
    int64_t next_number; /* of the next row signed, from 1 */
    int64_t batch;       /* of the next statement, from 1 */
    int64_t last_number; /* highest really inserted; 0: none */
    uint8_t head[AUDIT_MAC_BYTES];
};

void audit_chain_init(struct audit_chain *c, const struct audit_key *key);
void audit_chain_restart(struct audit_chain *c); /* a new writer, an empty chain */
void audit_row_sign(struct audit_chain *c, struct audit_row *row);
/* rows: those of the statement that were inserted, in any order (sorted here by number). */
void audit_chain_advance(struct audit_chain *c, const struct audit_row **rows, size_t n);

/* The anchor: where a chain stood. As a note: msgpack {"audit": {"writer": bin 16, "batch": uint,
 * "number": uint, "head": bin 32}}. */
struct audit_anchor {
    struct uuid writer;
    int64_t batch, number;
    uint8_t head[AUDIT_MAC_BYTES];
};
/* Appends the note that anchors what has been advanced so far; nothing before the first batch. */
int audit_note_write(const struct audit_chain *c, struct buf *note);
/* False: not a note of this form. */
bool audit_note_read(const uint8_t *note, size_t len, struct audit_anchor *ret_anchor);

/* For verification: what the functions above compute. */
void audit_mac(const struct audit_key *key, const struct uuid *writer, const struct audit_row *row,
               uint8_t ret_mac[AUDIT_MAC_BYTES]);
void audit_head_first(const struct audit_key *key, const struct uuid *writer,
                      uint8_t ret_head[AUDIT_MAC_BYTES]);
struct audit_head; /* a head being computed, MAC by MAC */
struct audit_head *audit_head_begin(const struct audit_key *key,
                                    const uint8_t previous[AUDIT_MAC_BYTES], int64_t batch);
void audit_head_add(struct audit_head *h, const uint8_t mac[AUDIT_MAC_BYTES]);
void audit_head_end(struct audit_head **h_p, uint8_t ret_head[AUDIT_MAC_BYTES]);

#endif
