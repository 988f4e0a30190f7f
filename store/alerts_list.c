/* One statement; the database makes the JSON. */
#include "store/alerts_list.h"

#include "store/catalog_inner.h"

#define MICROSECONDS(value) "(extract(epoch FROM " value ") * 1000000)::int8"

static const struct store_statement alerts_list = {
    "alerts_list",
    "SELECT (jsonb_build_object('seq', a.seq, 'id', a.alert_id, 'study', a.study, 'subject',"
    " a.subject_id, 'site', a.site_id, 'submission', a.submission_id, 'revision', a.revision,"
    " 'questionnaire', a.questionnaire, 'rule', a.rule_id, 'severity', a.severity, 'state',"
    " a.state, 'kind', a.kind, 'provisional', a.provisional, 'late', a.late, 'count', a.count,"
    " 'raised_us', " MICROSECONDS(
        "a.raised_at") ") || CASE WHEN a.state = 'open' THEN"
                       " jsonb_build_object('waits_us', " MICROSECONDS(
                           "now() - a.raised_at") ") ELSE '{}' END"
                                                  " || CASE WHEN $5::uuid IS NULL THEN '{}' ELSE "
                                                  "jsonb_build_object('events',"
                                                  " (SELECT "
                                                  "coalesce(jsonb_agg(jsonb_build_object('at_us',"
                                                  " " MICROSECONDS(
                                                      "e.at") ", 'event',"
                                                              " e.event, 'actor', e.actor, 'role', "
                                                              "e.role, 'organisation', "
                                                              "e.organisation, 'recipient',"
                                                              " e.recipient, 'attempt', e.attempt, "
                                                              "'note', e.note) ORDER BY e.n), '[]')"
                                                              " FROM sluice.alert_events e WHERE "
                                                              "e.alert_id = a.alert_id)) END)::text"
                                                              " FROM sluice.alerts a WHERE "
                                                              "($1::text IS NULL OR a.study = "
                                                              "$1::text)"
                                                              " AND ($2::text IS NULL OR a.state = "
                                                              "$2::text)"
                                                              " AND ($3::text IS NULL OR "
                                                              "a.severity = $3::text)"
                                                              " AND ($4::timestamptz IS NULL OR "
                                                              "a.raised_at >= $4::timestamptz)"
                                                              " AND ($5::uuid IS NULL OR "
                                                              "a.alert_id = $5::uuid)"
                                                              " AND (a.kind <> 'canary' OR "
                                                              "$5::uuid IS NOT NULL)"
                                                              " ORDER BY a.raised_at DESC, a.seq "
                                                              "DESC LIMIT $6::int8"};

int
store_alerts_list(struct store *s, const struct alerts_filter *filter, uint64_t limit,
                  void (*each)(void *arg, const char *json, size_t len), void *arg)
{
    struct store_params p = {0};
    PGresult *r = NULL;

    catalog_param(&p, filter->study);
    catalog_param(&p, filter->state);
    catalog_param(&p, filter->severity);
    if (filter->since_us != 0)
        store_param_time(&p, filter->since_us);
    else
        store_param_null(&p);
    if (filter->id != NULL)
        store_param_uuid(&p, filter->id);
    else
        store_param_null(&p);
    store_param_bigint(&p, (int64_t)limit);
    int n = store_run(s, &alerts_list, &p, &r);
    if (n != STORE_OK)
        return n;
    for (int i = 0; i < PQntuples(r); i++)
        each(arg, PQgetvalue(r, i, 0), (size_t)PQgetlength(r, i, 0));
    PQclear(r);
    return STORE_OK;
}
