/* One statement a question, each by an index or over a small table. */
#include "store/health.h"

/* Canaries belong to no study (workers/notifications/recipients.h). */
#define NOBODY_STUDY "-"
#define MICROSECONDS(age) "coalesce((extract(epoch FROM " age ") * 1000000)::int8, -1)"

static const struct store_statement alerts_open = {
    "health_alerts",
    "SELECT count(*), count(*) FILTER (WHERE a.severity = "
    "'urgent')," MICROSECONDS("now() - min(a.raised_at) FILTER (WHERE a.severity = "
                              "'urgent')") ", count(*) FILTER (WHERE "
                                           "a.severity = 'urgent' AND a.raised_at < "
                                           "now() - $1::int8 * interval '1 microsecond')"
                                           " FROM sluice.alerts a WHERE a.state = 'open' "
                                           "AND a.raised_at IS NOT NULL"
                                           " AND a.kind <> 'canary'"};

static const struct store_statement health = {
    "health",
    "SELECT (SELECT coalesce(max(version), 0)::int8 FROM sluice.migrations), h.n, h.age,"
    " coalesce((SELECT " MICROSECONDS(
        "now() - since") " FROM sluice.cache_stale), -1),"
                         " coalesce((SELECT " MICROSECONDS(
                             "now() - c.raised_at") " FROM sluice.alerts c"
                                                    " WHERE c.study = '" NOBODY_STUDY
                                                    "' AND c.kind = 'canary' AND c.state = 'closed'"
                                                    " ORDER BY c.seq DESC LIMIT 1), -1)"
                                                    " FROM (SELECT count(*) AS n, " MICROSECONDS(
                                                        "now() - min(recorded_at)") " AS age"
                                                                                    " FROM "
                                                                                    "sluice."
                                                                                    "rejections "
                                                                                    "WHERE kind = "
                                                                                    "'held' AND "
                                                                                    "recorded_at "
                                                                                    "IS NOT NULL"
                                                                                    " AND "
                                                                                    "resolved_by "
                                                                                    "IS NULL) h"};

static const struct store_statement anchored = {
    "health_anchored",
    "SELECT coalesce((SELECT batch FROM sluice.audit_events WHERE writer = $1::uuid"
    " ORDER BY number DESC LIMIT 1), 0), count(*), " MICROSECONDS(
        "now() - min(at)") " FROM sluice.audit_events WHERE writer = $1::uuid AND number > "
                           "$2::int8"};

int
store_alerts_open(struct store *s, int64_t urgent_limit_us, struct store_alerts_open *ret)
{
    struct store_params p = {0};
    PGresult *r = NULL;

    store_param_bigint(&p, urgent_limit_us);
    int n = store_run(s, &alerts_open, &p, &r);
    if (n != STORE_OK)
        return n;
    *ret = (struct store_alerts_open){.open = store_get_bigint(r, 0, 0),
                                      .urgent = store_get_bigint(r, 0, 1),
                                      .urgent_oldest_us = store_get_bigint(r, 0, 2),
                                      .urgent_late = store_get_bigint(r, 0, 3)};
    PQclear(r);
    return STORE_OK;
}

int
store_health(struct store *s, struct store_health *ret)
{
    struct store_params p = {0};
    PGresult *r = NULL;

    int n = store_run(s, &health, &p, &r);
    if (n != STORE_OK)
        return n;
    *ret = (struct store_health){.schema = store_get_bigint(r, 0, 0),
                                 .held = store_get_bigint(r, 0, 1),
                                 .held_oldest_us = store_get_bigint(r, 0, 2),
                                 .cache_stale_us = store_get_bigint(r, 0, 3),
                                 .canary_us = store_get_bigint(r, 0, 4)};
    PQclear(r);
    return STORE_OK;
}

int
store_anchored(struct store *s, const struct uuid *writer, int64_t number,
               struct store_anchored *ret)
{
    struct store_params p = {0};
    PGresult *r = NULL;

    store_param_uuid(&p, writer);
    store_param_bigint(&p, number);
    int n = store_run(s, &anchored, &p, &r);
    if (n != STORE_OK)
        return n;
    *ret = (struct store_anchored){.batch = store_get_bigint(r, 0, 0),
                                   .waiting = store_get_bigint(r, 0, 1),
                                   .waiting_us = store_get_bigint(r, 0, 2)};
    PQclear(r);
    return STORE_OK;
}
