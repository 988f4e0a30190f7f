/* What stands under an id, and under an origin. Always a statement of its own, later than the
 * insert: only then does READ COMMITTED see what another worker committed meanwhile. */
#include <string.h>

#include "base/error.h"
#include "store/array.h"
#include "store/submissions.h"

#define KEYS_CEILING ((size_t)16 << 20)

#define FIND_SQL(table)                                                                            \
    "SELECT s.study, s.submission_id, s.broker, s.epoch, s.seq, s.content_hash, s.hash_key,"       \
    " s.received_at, s.stored_at, s.questionnaire, s.version, s.authored_at, s.status,"            \
    " s.revision, s.subject_id, s.scores::text, array_to_string(s.flags, E'\\n')"                  \
    " FROM unnest($1::text[], $2::uuid[]) AS u(study, id)"                                         \
    " JOIN sluice." table " s ON s.study = u.study AND s.submission_id = u.id"
#define SETTLED " WHERE (SELECT lsn FROM settle) IS NOT NULL"

static const struct store_statement find = {"submissions_find", FIND_SQL("submissions")};
static const struct store_statement find_older = {"submissions_find_older",
                                                  FIND_SQL("submission_revisions")};
static const struct store_statement find_settled = {
    "submissions_find_settled",
    "WITH settle AS MATERIALIZED (SELECT pg_logical_emit_message(true, 'sluice', '') AS "
    "lsn) " FIND_SQL("submissions") SETTLED " UNION ALL " FIND_SQL("submission_revisions") SETTLED};
static const struct store_statement *const finds[] = {
    [SUBMISSIONS_CURRENT] = &find,
    [SUBMISSIONS_OLDER] = &find_older,
    [SUBMISSIONS_SETTLED] = &find_settled,
};

static const struct store_statement find_rejections = {
    "rejections_find",
    "SELECT r.epoch, r.seq, r.kind, r.reasons::text, r.questionnaire, r.version, r.recorded_at"
    " FROM unnest($2::int8[], $3::int8[]) AS u(epoch, seq)"
    " JOIN sluice.rejections r ON r.broker = $1::uuid AND r.epoch = u.epoch AND r.seq = u.seq"};

int
submissions_find(struct store *s, const struct submission_key *keys, size_t n,
                 enum submissions_which which,
                 void (*each)(void *arg, const struct submission_found *found), void *arg)
{
    struct array studies, ids;
    struct store_params p = {0};
    PGresult *r = NULL;

    array_init(&studies, KEYS_CEILING);
    array_init(&ids, KEYS_CEILING);
    array_begin(&studies, OID_TEXT);
    array_begin(&ids, OID_UUID);
    for (size_t i = 0; i < n; i++) {
        int full = array_add(&studies, keys[i].study.at, keys[i].study.len) |
                   array_add(&ids, keys[i].id.bytes, sizeof(keys[i].id.bytes));
        sluice_assert(full == BUF_OK); /* a batch has at most 4096 records of 64 bytes of scope */
    }
    array_end(&studies);
    array_end(&ids);
    store_param_bytes(&p, studies.bytes.data, studies.bytes.size);
    store_param_bytes(&p, ids.bytes.data, ids.bytes.size);
    int outcome = store_run(s, finds[which], &p, &r);
    for (int i = 0; outcome == STORE_OK && i < PQntuples(r); i++) {
        sluice_assert(PQgetlength(r, i, 5) == CONTENT_HASH_BYTES);
        each(arg, &(struct submission_found){
                      .study = store_get_slice(r, i, 0),
                      .id = store_get_uuid(r, i, 1),
                      .broker = store_get_uuid(r, i, 2),
                      .epoch = (uint64_t)store_get_bigint(r, i, 3),
                      .seq = (uint64_t)store_get_bigint(r, i, 4),
                      .content_hash = (const uint8_t *)PQgetvalue(r, i, 5),
                      .hash_key = (uint32_t)store_get_bigint(r, i, 6),
                      .told.received_us = store_get_time(r, i, 7),
                      .told.stored_us = store_get_time(r, i, 8),
                      .told.questionnaire = store_get_slice(r, i, 9),
                      .told.version = store_get_slice(r, i, 10),
                      .authored_us = store_get_time(r, i, 11),
                      .told.status = store_get_slice(r, i, 12),
                      .told.revision = store_get_int(r, i, 13),
                      .subject = store_get_slice(r, i, 14),
                      .told.scores = store_get_slice(r, i, 15),
                      .told.flags = store_get_slice(r, i, 16),
                  });
    }
    PQclear(r);
    array_deinit(&studies);
    array_deinit(&ids);
    return outcome;
}

int
rejections_find(struct store *s, const struct uuid *broker, const uint64_t *epochs,
                const uint64_t *seqs, size_t n,
                void (*each)(void *arg, const struct rejection_found *found), void *arg)
{
    struct array a, b;
    struct store_params p = {0};
    PGresult *r = NULL;

    array_init(&a, KEYS_CEILING);
    array_init(&b, KEYS_CEILING);
    array_begin(&a, OID_INT8);
    array_begin(&b, OID_INT8);
    for (size_t i = 0; i < n; i++) {
        int full =
            array_add_bigint(&a, (int64_t)epochs[i]) | array_add_bigint(&b, (int64_t)seqs[i]);
        sluice_assert(full == BUF_OK);
    }
    array_end(&a);
    array_end(&b);
    store_param_uuid(&p, broker);
    store_param_bytes(&p, a.bytes.data, a.bytes.size);
    store_param_bytes(&p, b.bytes.data, b.bytes.size);
    int outcome = store_run(s, &find_rejections, &p, &r);
    for (int i = 0; outcome == STORE_OK && i < PQntuples(r); i++) {
        each(arg, &(struct rejection_found){
                      .epoch = (uint64_t)store_get_bigint(r, i, 0),
                      .seq = (uint64_t)store_get_bigint(r, i, 1),
                      .kind = PQgetvalue(r, i, 2),
                      .reasons = store_get_slice(r, i, 3),
                      .questionnaire = store_get_slice(r, i, 4),
                      .version = store_get_slice(r, i, 5),
                      .recorded_us = store_get_time(r, i, 6),
                  });
    }
    PQclear(r);
    array_deinit(&a);
    array_deinit(&b);
    return outcome;
}
