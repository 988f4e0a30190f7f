/* What the service "notifications" has finished leaves in small steps. Of a message one bit stays
 * (sluice.alert_messages_done), because the books hold every origin against the broker's ledger for
 * ever; of a delivery nothing does: its history is the alert's. */
#include "base/error.h"
#include "store/alerts_delivery.h"

#define PRUNE_LOCK "7315004" /* of several workers one prunes, the others find nothing to do */

static const struct store_statement prune = {
    "alerts_prune",
    "WITH mine AS MATERIALIZED (SELECT pg_try_advisory_xact_lock(" PRUNE_LOCK ") AS yes),"
    " old AS MATERIALIZED (SELECT x.broker, x.epoch, x.seq FROM mine CROSS JOIN LATERAL"
    " (SELECT broker, epoch, seq FROM sluice.alert_messages WHERE mine.yes"
    " AND recorded_at < now() - $1::int8 * interval '1 microsecond'"
    " ORDER BY recorded_at LIMIT $2::int8) x),"
    " gone AS (DELETE FROM sluice.alert_messages m USING old WHERE m.broker = old.broker"
    " AND m.epoch = old.epoch AND m.seq = old.seq RETURNING m.broker, m.epoch, m.seq, m.outcome),"
    " noted AS (INSERT INTO sluice.alert_messages_done AS d (broker, epoch, part, outcome, seqs)"
    " SELECT broker, epoch, seq >> 12, outcome,"
    " bit_or(set_bit(B'0'::bit(4096), (seq & 4095)::int, 1))"
    " FROM gone GROUP BY broker, epoch, seq >> 12, outcome"
    " ON CONFLICT (broker, epoch, part, outcome) DO UPDATE SET seqs = d.seqs | excluded.seqs),"
    " ended AS MATERIALIZED (SELECT x.delivery_id FROM mine CROSS JOIN LATERAL"
    " (SELECT delivery_id FROM sluice.alert_deliveries WHERE mine.yes AND state <> 'pending'"
    " AND due_at < now() - $1::int8 * interval '1 microsecond'"
    " ORDER BY due_at LIMIT $2::int8) x),"
    " swept AS (DELETE FROM sluice.alert_deliveries d USING ended"
    " WHERE d.delivery_id = ended.delivery_id RETURNING d.delivery_id)"
    " SELECT (SELECT count(*) FROM gone), (SELECT count(*) FROM swept)"};

int
store_alerts_prune(struct store *s, int64_t keep_us, unsigned limit, struct alerts_pruned *ret)
{
    struct store_params params = {0};
    PGresult *r = NULL;

    store_param_bigint(&params, keep_us);
    store_param_bigint(&params, limit);
    int n = store_run(s, &prune, &params, &r);
    if (n == STORE_OK)
        *ret = (struct alerts_pruned){.messages = (size_t)store_get_bigint(r, 0, 0),
                                      .deliveries = (size_t)store_get_bigint(r, 0, 1)};
    PQclear(r);
    return n;
}
