/* Alerts in the order of seq. seq is the writing transaction's number times 65536 plus a place, so
 * below the oldest transaction still under way (xmin of the statement's own snapshot) the list is
 * complete for ever: a reader who stays below it never misses a row that commits late. Each study
 * is read by its own index range. Canaries are no one's alerts and are left out. */
#include "store/reads_inner.h"

#include "base/error.h"

#define COMPLETE "(pg_snapshot_xmin(pg_current_snapshot())::text::int8 << 16)"
#define ALERT                                                                                      \
    "json_build_object('seq', a.seq, 'alertId', a.alert_id, 'study', a.study, 'subjectId',"        \
    " a.subject_id, 'siteId', a.site_id, 'submissionId', a.submission_id, 'revision', a.revision," \
    " 'questionnaire', a.questionnaire, 'version', a.version, 'ruleId', a.rule_id, 'linkId',"      \
    " a.link_id, 'severity', a.severity, 'state', a.state, 'kind', a.kind, 'provisional',"         \
    " a.provisional, 'late', a.late, 'ageSeconds', a.age_s, 'count', a.count, "                    \
    "'authoredAt', " READ_TIME("a.authored_at") ", 'raisedAt', " READ_TIME(                        \
        "a.raised_at") ", 'lastAt', " READ_TIME("a.last_at") ", 'supersedes', a.supersedes)"

static const struct store_statement page = {
    "read_alerts",
    "SELECT json_build_object('alerts', coalesce(json_agg(" ALERT " ORDER BY a.seq), '[]'),"
    " 'next', CASE WHEN count(*) = $3::int8"
    " THEN greatest($2::int8, least(max(a.seq), max(a.complete) - 1)) END)::text"
    " FROM (SELECT b.*, " COMPLETE " AS complete FROM unnest($1::text[]) AS s(study)"
    " CROSS JOIN LATERAL (SELECT * FROM sluice.alerts WHERE study = s.study AND seq > $2::int8"
    " AND kind <> 'canary' AND ($4::text IS NULL OR state = $4::text)"
    " ORDER BY seq LIMIT $3::int8) b ORDER BY b.seq LIMIT $3::int8) a"};

static const struct store_statement feed = {
    "read_feed",
    "SELECT c.complete, a.seq, " ALERT "::text FROM (SELECT " COMPLETE " AS complete) c"
    " LEFT JOIN LATERAL (SELECT b.* FROM unnest($1::text[]) AS s(study)"
    " CROSS JOIN LATERAL (SELECT * FROM sluice.alerts WHERE study = s.study AND seq > $2::int8"
    " AND seq < c.complete AND kind <> 'canary' ORDER BY seq LIMIT $3::int8) b"
    " ORDER BY b.seq LIMIT $3::int8) a ON true ORDER BY a.seq"};

int
store_alerts_read(struct store *s, const struct read_studies *studies,
                  const struct alerts_wanted *wanted, read_take take, void *arg)
{
    struct store_params p = {0};
    struct array codes;
    int n = read_studies_param(&p, &codes, studies);

    store_param_bigint(&p, wanted->after);
    store_param_bigint(&p, wanted->limit);
    if (wanted->state.at != NULL)
        store_param_text(&p, wanted->state.at, wanted->state.len);
    else
        store_param_null(&p);
    if (n == STORE_OK)
        n = read_run(s, &page, &p, take, arg);
    array_deinit(&codes);
    return n;
}

int
store_feed_read(struct store *s, const struct read_studies *studies, int64_t after, int64_t limit,
                void (*each)(void *arg, int64_t seq, struct slice json), void *arg,
                int64_t *ret_next, bool *ret_more)
{
    struct store_params p = {0};
    struct array codes;
    PGresult *r = NULL;
    int n = read_studies_param(&p, &codes, studies);

    store_param_bigint(&p, after < 0 ? INT64_MAX : after);
    store_param_bigint(&p, limit);
    if (n == STORE_OK)
        n = store_run(s, &feed, &p, &r);
    array_deinit(&codes);
    if (n != STORE_OK)
        return n;
    sluice_assert(PQntuples(r) > 0);
    int rows = PQgetisnull(r, 0, 1) ? 0 : PQntuples(r);
    int64_t next = store_get_bigint(r, 0, 0) - 1;
    for (int i = 0; i < rows; i++)
        each(arg, store_get_bigint(r, i, 1), read_slice(r, i, 2));
    *ret_more = rows == limit;
    if (*ret_more)
        next = store_get_bigint(r, rows - 1, 1);
    *ret_next = next > after ? next : after;
    PQclear(r);
    return STORE_OK;
}
