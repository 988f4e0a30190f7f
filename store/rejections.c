/* Who stores something resolves what was kept of its id (submissions_sql.c); a rejection that was
 * written at the same moment may have been missed, hence the look at what is stored. Nothing here
 * is on the way of a submission: the worst of it reads all rows that are not resolved. */
#include "store/rejections.h"

#include <string.h>

#include "base/error.h"

#define REJECTIONS_LOCK "5489210004"
#define SEALED_EMPTY "44" /* a seal around nothing; what was purged is not longer */

/* $1 study, $2 kind, $3 rule, $4 since, $5 id, $6 broker, $7 epoch, $8 seq */
#define FILTER                                                                                     \
    "($1::text IS NULL OR r.study = $1::text) AND ($2::text IS NULL OR r.kind = $2::text)"         \
    " AND ($3::text IS NULL OR r.reasons @> jsonb_build_array(jsonb_build_object('rule',"          \
    " $3::text))) AND ($4::timestamptz IS NULL OR r.recorded_at >= $4::timestamptz)"               \
    " AND ($5::uuid IS NULL OR r.submission_id = $5::uuid)"                                        \
    " AND ($7::int8 IS NULL OR (r.epoch = $7::int8 AND r.seq = $8::int8))"                         \
    " AND ($6::uuid IS NULL OR r.broker = $6::uuid)"
/* A conflict stays one: what stands under its id is something else. */
#define STORED_SINCE                                                                               \
    "(r.kind <> 'conflict' AND EXISTS (SELECT FROM sluice.submissions s WHERE s.study = r.study"   \
    " AND s.submission_id = r.submission_id AND s.stored_at >= r.recorded_at))"
#define UNRESOLVED "(r.resolved_by IS NULL AND NOT " STORED_SINCE ")"
#define KEPT "octet_length(r.sealed) > " SEALED_EMPTY
#define MICROSECONDS(column) "(extract(epoch FROM " column ") * 1000000)::int8"

#define LIST(more)                                                                                 \
    "SELECT (jsonb_build_object('origin', r.broker || '-' || r.epoch || '-' || r.seq, 'kind',"     \
    " r.kind, 'study', r.study, 'id', r.submission_id, 'subject', r.subject_id, 'questionnaire',"  \
    " r.questionnaire, 'version', r.version, 'rules', (SELECT coalesce(jsonb_agg(rule), '[]')"     \
    " FROM (SELECT DISTINCT e->>'rule' AS rule FROM jsonb_array_elements(r.reasons) AS e"          \
    " ORDER BY 1) AS x), 'recorded_us', " MICROSECONDS(                                            \
        "r.recorded_at") ", 'resolved', NOT " UNRESOLVED ", 'kept', " KEPT ")" more                \
                         ")::text FROM sluice.rejections r"                                        \
                         " WHERE " FILTER " AND (NOT $9::bool OR " UNRESOLVED ")"                  \
                         " ORDER BY r.recorded_at DESC, r.broker, r.epoch DESC, r.seq DESC LIMIT " \
                         "$10::int8"

static const struct store_statement list = {"rejections_list", LIST("")};
static const struct store_statement list_reasons = {
    "rejections_list_reasons",
    LIST(" || jsonb_build_object('received_us', " MICROSECONDS(
        "r.received_at") ", 'accepted_us',"
                         " " MICROSECONDS("r.accepted_at") ", 'reasons', r.reasons)")};

/* A load that was committed while the row was being written has the older time: hence the minute.
 * What is sent once too often is held once more, and nothing else happens. */
#define LOADED_SINCE(table) "(" table ".loaded_at > r.recorded_at - interval '1 minute')"
#define RIPE                                                                                       \
    "(r.kind = 'held' AND NOT EXISTS (SELECT FROM jsonb_array_elements(r.reasons) AS e WHERE NOT"  \
    " CASE e->>'rule'"                                                                             \
    " WHEN 'unknown-study' THEN EXISTS (SELECT FROM sluice.studies t WHERE t.study = r.study)"     \
    " WHEN 'unknown-subject' THEN EXISTS (SELECT FROM sluice.subjects t WHERE t.study = r.study"   \
    " AND t.subject_id = r.subject_id)"                                                            \
    " WHEN 'subject-not-active' THEN EXISTS (SELECT FROM sluice.subjects t"                        \
    " WHERE t.study = r.study AND t.subject_id = r.subject_id AND " LOADED_SINCE(                  \
        "t") ")"                                                                                   \
             " ELSE EXISTS (SELECT FROM sluice.questionnaires t WHERE " LOADED_SINCE(              \
                 "t") ")"                                                                          \
                      " OR EXISTS (SELECT FROM sluice.studies t WHERE t.study = r.study "          \
                      "AND " LOADED_SINCE("t") ")"                                                 \
                                               " END))"

/* $9 ripe, $10…$13 where the page begins, $14 rows, $15 bytes, $16 where the pass ends. The sums
 * are made of lengths alone; only the originals of the page are read. */
static const struct store_statement kept = {
    "rejections_kept",
    "WITH page AS (SELECT r.broker, r.epoch, r.seq, r.recorded_at,"
    " sum(octet_length(r.sealed)) OVER w AS bytes, row_number() OVER w AS n"
    " FROM sluice.rejections r WHERE " FILTER " AND " UNRESOLVED " AND " KEPT
    " AND r.recorded_at <= $16::timestamptz"
    " AND r.kind IN ('held', 'rejected') AND NOT EXISTS (SELECT FROM sluice.rejections l"
    " WHERE l.study = r.study AND l.submission_id = r.submission_id"
    " AND l.kind IN ('held', 'rejected') AND (l.recorded_at, l.broker, l.epoch, l.seq)"
    " > (r.recorded_at, r.broker, r.epoch, r.seq))"
    " AND (NOT $9::bool OR " RIPE ")"
    " AND ($10::timestamptz IS NULL OR (r.recorded_at, r.broker, r.epoch, r.seq)"
    " > ($10::timestamptz, $11::uuid, $12::int8, $13::int8))"
    " WINDOW w AS (ORDER BY r.recorded_at, r.broker, r.epoch, r.seq)"
    " ORDER BY r.recorded_at, r.broker, r.epoch, r.seq LIMIT $14::int8)"
    " SELECT r.study, r.submission_id, r.sealed, r.received_at, r.recorded_at, r.broker, r.epoch,"
    " r.seq FROM page p JOIN sluice.rejections r ON r.broker = p.broker AND r.epoch = p.epoch"
    " AND r.seq = p.seq WHERE p.bytes <= $15::int8 OR p.n = 1"
    " ORDER BY r.recorded_at, r.broker, r.epoch, r.seq"};

static const struct store_statement enter = {
    "rejections_enter", "SELECT pg_try_advisory_lock(" REJECTIONS_LOCK "), clock_timestamp()"};
static const struct store_statement leave = {"rejections_leave",
                                             "SELECT pg_advisory_unlock(" REJECTIONS_LOCK ")"};

static void
param_string(struct store_params *p, const char *text)
{
    if (text != NULL)
        store_param_text(p, text, strlen(text));
    else
        store_param_null(p);
}

static void
param_id(struct store_params *p, const struct uuid *id)
{
    if (id != NULL)
        store_param_uuid(p, id);
    else
        store_param_null(p);
}

static void
filter_params(struct store_params *p, const struct rejections_filter *f)
{
    param_string(p, f->study);
    param_string(p, f->kind);
    param_string(p, f->rule);
    if (f->since_us != 0)
        store_param_time(p, f->since_us);
    else
        store_param_null(p);
    param_id(p, f->id);
    param_id(p, f->broker);
    if (f->epoch != 0) {
        store_param_bigint(p, (int64_t)f->epoch);
        store_param_bigint(p, (int64_t)f->seq);
    } else {
        store_param_null(p);
        store_param_null(p);
    }
}

static void
param_flag(struct store_params *p, bool flag)
{
    store_param_bytes(p, flag ? "\x01" : "\x00", 1);
}

int
store_rejections_list(struct store *s, const struct rejections_filter *filter, bool reasons,
                      uint64_t limit, void (*each)(void *arg, const char *json, size_t len),
                      void *arg)
{
    struct store_params p = {0};
    PGresult *r = NULL;

    filter_params(&p, filter);
    param_flag(&p, filter->unresolved);
    store_param_bigint(&p, (int64_t)limit);
    int n = store_run(s, reasons ? &list_reasons : &list, &p, &r);
    if (n != STORE_OK)
        return n;
    for (int i = 0; i < PQntuples(r); i++)
        each(arg, PQgetvalue(r, i, 0), (size_t)PQgetlength(r, i, 0));
    PQclear(r);
    return STORE_OK;
}

int
store_rejections_kept(struct store *s, const struct rejections_filter *filter, bool ripe,
                      struct rejections_place *place,
                      void (*each)(void *arg, const struct rejection_kept *kept), void *arg,
                      size_t *ret_n)
{
    struct store_params p = {0};
    PGresult *r = NULL;

    filter_params(&p, filter);
    param_flag(&p, ripe);
    if (place->recorded_us != 0) {
        store_param_time(&p, place->recorded_us);
        store_param_uuid(&p, &place->broker);
        store_param_bigint(&p, (int64_t)place->epoch);
        store_param_bigint(&p, (int64_t)place->seq);
    } else {
        for (int i = 0; i < 4; i++)
            store_param_null(&p);
    }
    store_param_bigint(&p, REJECTIONS_PAGE);
    store_param_bigint(&p, REJECTIONS_PAGE_BYTES);
    store_param_time(&p, place->until_us);
    int n = store_run(s, &kept, &p, &r);
    if (n != STORE_OK)
        return n;
    for (int i = 0; i < PQntuples(r); i++) {
        each(arg, &(struct rejection_kept){
                      .study = PQgetvalue(r, i, 0),
                      .study_len = (size_t)PQgetlength(r, i, 0),
                      .id = store_get_uuid(r, i, 1),
                      .sealed = (const uint8_t *)PQgetvalue(r, i, 2),
                      .sealed_len = (size_t)PQgetlength(r, i, 2),
                      .received_us = store_get_time(r, i, 3),
                  });
        place->recorded_us = store_get_time(r, i, 4);
        place->broker = store_get_uuid(r, i, 5);
        place->epoch = (uint64_t)store_get_bigint(r, i, 6);
        place->seq = (uint64_t)store_get_bigint(r, i, 7);
    }
    *ret_n = (size_t)PQntuples(r);
    PQclear(r);
    return STORE_OK;
}

int
store_rejections_enter(struct store *s, bool *ret_mine, struct rejections_place *ret_place)
{
    PGresult *r = NULL;
    int n = store_run(s, &enter, NULL, &r);

    if (n != STORE_OK)
        return n;
    *ret_mine = *PQgetvalue(r, 0, 0) != 0;
    *ret_place = (struct rejections_place){.until_us = store_get_time(r, 0, 1)};
    PQclear(r);
    return STORE_OK;
}

void
store_rejections_leave(struct store *s)
{
    if (store_is_open(s))
        store_run(s, &leave, NULL, NULL);
}
