/* Claims and their ends. A claim is an attempt begun: the row's due_at then says when the claim is
 * void, so a worker that died needs no other trace, and whoever claims next records its attempt as
 * failed. */
#include "store/alerts_delivery.h"

#include <string.h>

#include "base/error.h"
#include "store/alerts_inner.h"

#define CLAIM_CEILING ((size_t)8 << 20)

/* The innermost query is asked once a target, by index; what another worker holds is passed over.
 * That a recipient wants no more counts until its study file is loaded again. */
static const struct store_statement claim = {
    "deliveries_claim",
    "WITH picked AS MATERIALIZED (SELECT d.delivery_id, d.claimed, d.alert_id, d.recipient,"
    " d.attempt FROM unnest($1::text[], $2::text[], $3::text[], $4::int8[])"
    " AS t(study, recipient, channel, free) CROSS JOIN LATERAL ("
    "SELECT x.delivery_id, x.claimed, x.alert_id, x.recipient, x.attempt"
    " FROM sluice.alert_deliveries x WHERE x.study = t.study AND x.recipient = t.recipient"
    " AND x.channel = t.channel AND x.state = 'pending' AND x.due_at <= now()"
    " ORDER BY x.due_at LIMIT t.free FOR UPDATE SKIP LOCKED) d LIMIT $5::int8),"
    " lost AS (INSERT INTO sluice.alert_events (alert_id, event, recipient, attempt, note)"
    " SELECT alert_id, 'failed', recipient, attempt, 'interrupted' FROM picked WHERE claimed)"
    " UPDATE sluice.alert_deliveries d SET attempt = d.attempt + 1, claimed = true,"
    " due_at = now() + $6::int8 * interval '1 microsecond'"
    " FROM picked p LEFT JOIN sluice.alerts a ON a.alert_id = p.alert_id"
    " WHERE d.delivery_id = p.delivery_id"
    " RETURNING d.delivery_id, d.alert_id, d.study, d.recipient, d.channel, d.step, d.attempt,"
    " coalesce(a.subject_id, ''), coalesce(a.severity, ''), coalesce(a.kind, ''),"
    " coalesce(a.provisional, false), a.submission_id, coalesce(a.raised_at, d.created_at),"
    " EXISTS (SELECT FROM sluice.alert_recipients_gone g JOIN sluice.studies s USING (study)"
    " WHERE g.study = d.study AND g.recipient = d.recipient AND g.channel = d.channel"
    " AND g.gone_at > s.loaded_at)"};

static const struct store_statement record = {
    "deliveries_record",
    "WITH r AS (SELECT * FROM unnest($1::uuid[], $2::int8[], $3::text[], $4::int8[], $5::text[],"
    " $6::bool[]) AS u(id, attempt, state, delay_us, note, gone)),"
    " d AS (UPDATE sluice.alert_deliveries d SET state = r.state, claimed = false,"
    " due_at = now() + r.delay_us * interval '1 microsecond' FROM r"
    " WHERE d.delivery_id = r.id AND d.attempt = r.attempt AND d.claimed AND d.state = 'pending'"
    " RETURNING d.alert_id, d.study, d.recipient, d.channel, r.attempt, r.state, r.note, r.gone),"
    " g AS (INSERT INTO sluice.alert_recipients_gone AS g (study, recipient, channel)"
    " SELECT DISTINCT study, recipient, channel FROM d WHERE gone"
    " ON CONFLICT (study, recipient, channel) DO UPDATE SET gone_at = now()),"
    " c AS (UPDATE sluice.alerts a SET state = 'closed' FROM d WHERE a.alert_id = d.alert_id"
    " AND a.kind = 'canary' AND a.state = 'open' AND d.state = 'delivered')"
    " INSERT INTO sluice.alert_events (alert_id, event, recipient, attempt, note)"
    " SELECT alert_id, CASE state WHEN 'delivered' THEN 'delivered' ELSE 'failed' END,"
    " recipient, attempt, note FROM d"};

/* What is out is let in; its end finds the recipient gone, and the next look forgets it. */
static const struct store_statement forget = {
    "deliveries_forget",
    "WITH d AS (UPDATE sluice.alert_deliveries d SET state = 'failed'"
    " WHERE d.state = 'pending' AND NOT d.claimed AND d.channel <> 'none'"
    " AND NOT EXISTS (SELECT FROM sluice.studies s WHERE s.study = d.study"
    " AND s.definition -> 'recipients' -> d.recipient ? d.channel)"
    " RETURNING d.alert_id, d.recipient, d.attempt),"
    " e AS (INSERT INTO sluice.alert_events (alert_id, event, recipient, attempt, note)"
    " SELECT alert_id, 'failed', recipient, attempt, 'not in the study file' FROM d)"
    " SELECT count(*) FROM d"};

/* Only what is to come: what is due and not claimed waits for a claim to end, not for time. */
static const struct store_statement due = {
    "alerts_due", "SELECT (SELECT (extract(epoch FROM min(due_at) - now()) * 1000000)::int8"
                  " FROM sluice.alert_deliveries WHERE state = 'pending' AND due_at > now()),"
                  " (SELECT (extract(epoch FROM min(due_at) - now()) * 1000000)::int8"
                  " FROM sluice.alert_escalations WHERE due_at > now()),"
                  " EXISTS (SELECT FROM sluice.alert_escalations WHERE due_at <= now())"};

static const struct store_statement canaries_late = {
    "canaries_late",
    "SELECT count(*) FROM sluice.alerts a WHERE a.kind = 'canary' AND a.state = 'open'"
    " AND a.raised_at < now() - $1::int8 * interval '1 microsecond'"
    " AND a.raised_at > now() - interval '1 hour'"
    " AND NOT EXISTS (SELECT FROM sluice.alert_events e"
    " WHERE e.alert_id = a.alert_id AND e.event = 'delivered')"};

static int64_t
left_us(const PGresult *r, int column)
{
    return PQgetisnull(r, 0, column) ? INT64_MAX : store_get_bigint(r, 0, column);
}

int
store_alerts_due(struct store *s, int64_t *ret_delivery_us, int64_t *ret_escalation_us,
                 bool *ret_due)
{
    struct store_params params = {0};
    PGresult *r = NULL;
    int n = store_run(s, &due, &params, &r);

    if (n == STORE_OK) {
        *ret_delivery_us = left_us(r, 0);
        *ret_escalation_us = left_us(r, 1);
        *ret_due = *PQgetvalue(r, 0, 2) != 0;
    }
    PQclear(r);
    return n;
}

static enum alert_channel
channel_of(const char *text)
{
    enum alert_channel c = CHANNEL_WEBHOOK;

    while (c < CHANNEL_NONE && strcmp(alert_channel_text(c), text) != 0)
        c++;
    return c;
}

static void
claimed_read(const PGresult *r, int i, struct delivery_claimed *ret_claimed)
{
    *ret_claimed = (struct delivery_claimed){
        .id = store_get_uuid(r, i, 0),
        .alert = store_get_uuid(r, i, 1),
        .study = PQgetvalue(r, i, 2),
        .recipient = PQgetvalue(r, i, 3),
        .channel = channel_of(PQgetvalue(r, i, 4)),
        .step = store_get_int(r, i, 5),
        .attempt = store_get_int(r, i, 6),
        .subject = PQgetvalue(r, i, 7),
        .severity = PQgetvalue(r, i, 8),
        .kind = PQgetvalue(r, i, 9),
        .provisional = *PQgetvalue(r, i, 10) != 0,
        .has_submission = !PQgetisnull(r, i, 11),
        .raised_us = store_get_time(r, i, 12),
        .gone = *PQgetvalue(r, i, 13) != 0,
    };
    if (ret_claimed->has_submission)
        ret_claimed->submission = store_get_uuid(r, i, 11);
}

#define TARGET_COLUMNS 4

int
store_deliveries_claim(struct store *s, const struct delivery_target *targets, size_t n,
                       unsigned limit, int64_t hold_us,
                       void (*each)(void *arg, const struct delivery_claimed *claimed), void *arg)
{
    static const enum store_oid types[TARGET_COLUMNS] = {OID_TEXT, OID_TEXT, OID_TEXT, OID_INT8};
    struct store_params params = {0};
    struct array a[TARGET_COLUMNS];
    PGresult *r = NULL;
    int full = BUF_OK;

    for (size_t c = 0; c < TARGET_COLUMNS; c++) {
        array_init(&a[c], CLAIM_CEILING);
        array_begin(&a[c], types[c]);
    }
    for (size_t i = 0; i < n; i++) {
        const char *channel = alert_channel_text(targets[i].channel);
        full |= array_add(&a[0], targets[i].study, strlen(targets[i].study));
        full |= array_add(&a[1], targets[i].recipient, strlen(targets[i].recipient));
        full |= array_add(&a[2], channel, strlen(channel));
        full |= array_add_bigint(&a[3], targets[i].free);
    }
    sluice_assert(full == BUF_OK); /* targets are bounded by whoever keeps them */
    for (size_t c = 0; c < TARGET_COLUMNS; c++) {
        array_end(&a[c]);
        alert_array_param(&params, &a[c]);
    }
    store_param_bigint(&params, limit);
    store_param_bigint(&params, hold_us);
    int outcome = store_run(s, &claim, &params, &r);
    for (int i = 0; outcome == STORE_OK && i < PQntuples(r); i++) {
        struct delivery_claimed claimed;
        claimed_read(r, i, &claimed);
        each(arg, &claimed);
    }
    PQclear(r);
    for (size_t c = 0; c < TARGET_COLUMNS; c++)
        array_deinit(&a[c]);
    return outcome;
}

#define RESULT_COLUMNS 6

int
store_deliveries_record(struct store *s, const struct delivery_result *results, size_t n)
{
    static const enum store_oid types[RESULT_COLUMNS] = {OID_UUID, OID_INT8, OID_TEXT,
                                                         OID_INT8, OID_TEXT, OID_BOOL};
    struct store_params params = {0};
    struct array a[RESULT_COLUMNS];
    int full = BUF_OK;

    for (size_t c = 0; c < RESULT_COLUMNS; c++) {
        array_init(&a[c], CLAIM_CEILING);
        array_begin(&a[c], types[c]);
    }
    for (size_t i = 0; i < n; i++) {
        const struct delivery_result *x = &results[i];
        full |= array_add(&a[0], x->id.bytes, sizeof(x->id.bytes));
        full |= array_add_bigint(&a[1], x->attempt);
        full |= array_add(&a[2], x->state, strlen(x->state));
        full |= array_add_bigint(&a[3], x->delay_us);
        full |=
            x->note != NULL ? array_add(&a[4], x->note, strlen(x->note)) : array_add_null(&a[4]);
        full |= array_add(&a[5], &(uint8_t){x->gone}, 1);
    }
    sluice_assert(full == BUF_OK); /* results are bounded by the claims */
    for (size_t c = 0; c < RESULT_COLUMNS; c++) {
        array_end(&a[c]);
        alert_array_param(&params, &a[c]);
    }
    int outcome = store_run(s, &record, &params, NULL);
    for (size_t c = 0; c < RESULT_COLUMNS; c++)
        array_deinit(&a[c]);
    return outcome;
}

int
store_deliveries_forget(struct store *s, size_t *ret_forgotten)
{
    struct store_params params = {0};
    PGresult *r = NULL;
    int n = store_run(s, &forget, &params, &r);

    if (n == STORE_OK)
        *ret_forgotten = (size_t)store_get_bigint(r, 0, 0);
    PQclear(r);
    return n;
}

int
store_canaries_late(struct store *s, int64_t late_us, int64_t *ret_count)
{
    struct store_params params = {0};
    PGresult *r = NULL;

    store_param_bigint(&params, late_us);
    int n = store_run(s, &canaries_late, &params, &r);
    if (n == STORE_OK)
        *ret_count = store_get_bigint(r, 0, 0);
    PQclear(r);
    return n;
}
