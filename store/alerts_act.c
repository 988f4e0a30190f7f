/* What happens to an alert after it was told: nobody answers and it is escalated, or somebody does.
 * The escalation's row is where the two meet: whoever updates it first decides. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "store/alerts_delivery.h"
#include "store/alerts_inner.h"
#include "store/audit_write.h"

#define SQL_CEILING 8192

static const struct store_statement escalations_find = {
    "escalations_find", "SELECT " ALERT_FOUND_COLUMNS ", x.step FROM sluice.alert_escalations x"
                        " JOIN sluice.alerts a ON a.alert_id = x.alert_id"
                        " WHERE x.due_at <= now() ORDER BY x.due_at LIMIT $1::int8"};

/* A row that another worker has just escalated has another step once its lock is ours: it is left
 * alone. What was acknowledged without this row's knowledge is only ended. */
static const struct store_statement escalations_apply = {
    "escalations_apply",
    "WITH u AS (SELECT * FROM unnest($1::uuid[], $2::int8[], $3::int8[], $4::text[])"
    " AS u(id, step, again_us, contact)),"
    " e AS (UPDATE sluice.alert_escalations x SET"
    " step = x.step + (a.state = 'open' AND u.contact IS NOT NULL)::int,"
    " due_at = CASE WHEN a.state = 'open' AND u.again_us >= 0"
    " THEN now() + u.again_us * interval '1 microsecond' END"
    " FROM u JOIN sluice.alerts a ON a.alert_id = u.id"
    " WHERE x.alert_id = u.id AND x.step = u.step AND x.due_at <= now()"
    " RETURNING x.alert_id, x.step, u.contact, a.state),"
    " d AS (INSERT INTO sluice.alert_deliveries"
    " (delivery_id, alert_id, study, recipient, channel, step)"
    " SELECT v.id, v.alert, v.study, v.recipient, v.channel, v.step"
    " FROM unnest($5::uuid[], $6::uuid[], $7::text[], $8::text[], $9::text[], $10::int8[])"
    " AS v(id, alert, study, recipient, channel, step)"
    " JOIN e ON e.alert_id = v.alert AND e.state = 'open' ON CONFLICT DO NOTHING),"
    " h AS (INSERT INTO sluice.alert_events (alert_id, event, recipient, attempt, note)"
    " SELECT alert_id, CASE WHEN contact IS NULL THEN 'failed' ELSE 'escalated' END, contact, step,"
    " CASE WHEN contact IS NULL THEN 'no contact left' END FROM e WHERE state = 'open')"
    " SELECT count(contact), count(*) - count(contact), pg_notify('" ALERTS_CHANNEL "', '')"
    " FROM e WHERE state = 'open'"};

/* The event stands once for each act: a message that comes again has its origin recorded, one that
 * was sent again has the same actor and moment. The audit row stands and falls with the event. */
#define ACT_PARAMS 11
static const char act_sql[] =
    "WITH a AS MATERIALIZED (SELECT alert_id, state FROM sluice.alerts"
    " WHERE alert_id = $1::uuid AND study = $2::text FOR UPDATE),"
    " m AS (INSERT INTO sluice.alert_messages (broker, epoch, seq, outcome, study, alert_id, kind)"
    " SELECT $3::uuid, $4::int8, $5::int8,"
    " CASE WHEN EXISTS (SELECT FROM a) THEN 'stored' ELSE 'rejected' END, $2::text, $1::uuid,"
    " CASE $6::text WHEN 'closed' THEN 'close' ELSE 'acknowledge' END"
    " ON CONFLICT DO NOTHING RETURNING outcome),"
    " u AS (UPDATE sluice.alerts x SET state = $6::text FROM a WHERE x.alert_id = a.alert_id"
    " AND (x.state = 'open' OR (x.state = 'acknowledged' AND $6::text = 'closed'))"
    " RETURNING x.state),"
    " s AS (UPDATE sluice.alert_escalations x SET due_at = NULL FROM a"
    " WHERE x.alert_id = a.alert_id AND x.due_at IS NOT NULL),"
    " e AS (INSERT INTO sluice.alert_events (alert_id, at, event, actor, role, organisation, note)"
    " SELECT a.alert_id, $7::timestamptz, $6::text, $8::text, $9::text, $10::text, $11::text"
    " FROM a, m WHERE NOT EXISTS (SELECT FROM sluice.alert_events o"
    " WHERE o.alert_id = $1::uuid AND o.event = $6::text AND o.at = $7::timestamptz"
    " AND o.actor IS NOT DISTINCT FROM $8::text) RETURNING alert_id), ";
static const char acted_sql[] =
    " SELECT coalesce((SELECT outcome FROM m), (SELECT outcome FROM sluice.alert_messages"
    " WHERE broker = $3::uuid AND epoch = $4::int8 AND seq = $5::int8)) = 'stored',"
    " coalesce((SELECT state FROM u), (SELECT state FROM a), ''), EXISTS (SELECT FROM e)";

/* Of whom the alert is: it never changes. */
static const struct store_statement act_subject = {
    "alert_act_subject", "SELECT subject_id, submission_id, revision FROM sluice.alerts"
                         " WHERE alert_id = $1::uuid AND study = $2::text"};

int
store_escalations_find(struct store *s, unsigned limit,
                       void (*each)(void *arg, const struct escalation_due *due), void *arg)
{
    struct store_params params = {0};
    PGresult *r = NULL;

    store_param_bigint(&params, limit);
    int n = store_run(s, &escalations_find, &params, &r);
    for (int i = 0; n == STORE_OK && i < PQntuples(r); i++) {
        struct escalation_due due = {.step = store_get_int(r, i, ALERT_FOUND_COUNT)};
        alert_found_read(r, i, &due.found);
        each(arg, &due);
    }
    PQclear(r);
    return n;
}

int
alert_plan_escalate(struct alert_plan *p, const struct uuid *alert, int step, int64_t again_us,
                    const char *contact)
{
    return array_add(&p->escalated, alert->bytes, sizeof(alert->bytes)) |
           array_add_bigint(&p->at_steps, step) | array_add_bigint(&p->agains, again_us) |
           (contact != NULL ? array_add(&p->contacts, contact, strlen(contact))
                            : array_add_null(&p->contacts));
}

int
store_escalations_apply(struct store *s, struct alert_plan *p, size_t *ret_escalated,
                        size_t *ret_unheard)
{
    const struct array *const list[] = {&p->escalated, &p->at_steps, &p->agains,  &p->contacts,
                                        &p->ids,       &p->alerts,   &p->studies, &p->recipients,
                                        &p->channels,  &p->steps};
    struct store_params params = {0};
    PGresult *r = NULL;

    alert_plan_end(p);
    for (size_t i = 0; i < ARRAY_LEN(list); i++)
        alert_array_param(&params, list[i]);
    int n = store_run(s, &escalations_apply, &params, &r);
    if (n == STORE_OK) {
        *ret_escalated = (size_t)store_get_bigint(r, 0, 0);
        *ret_unheard = (size_t)store_get_bigint(r, 0, 1);
    }
    PQclear(r);
    return n;
}

static void
param_slice(struct store_params *params, struct slice text)
{
    if (text.at != NULL)
        store_param_text(params, text.at, text.len);
    else
        store_param_null(params);
}

/* The act as the trail has it. An alert that the study does not have gets no event, and so no row:
 * what is signed then is never sent on. */
static void
act_row(const struct alert_action *a, const PGresult *r, const char alert[UUID_TEXT_SIZE],
        struct audit_row *ret_row)
{
    *ret_row = (struct audit_row){
        .at_us = a->at_us,
        .actor = a->actor.at != NULL ? a->actor : slice_of(AUDIT_ACTOR_NONE),
        .role = a->role,
        .organisation = a->organisation,
        .action =
            slice_of(a->closes ? AUDIT_ACTION_ALERT "closed" : AUDIT_ACTION_ALERT "acknowledged"),
        .study = a->study,
        .reason = a->note,
        .detail = slice_of(alert),
    };
    if (PQntuples(r) == 0)
        return;
    ret_row->subject = store_get_slice(r, 0, 0);
    ret_row->has_submission = !PQgetisnull(r, 0, 1);
    if (ret_row->has_submission) {
        ret_row->submission = store_get_uuid(r, 0, 1);
        ret_row->revision = store_get_int(r, 0, 2);
    }
}

static void
act_params(struct store_params *params, const struct alert_action *a)
{
    const char *state = a->closes ? "closed" : "acknowledged";

    store_param_uuid(params, &a->alert);
    param_slice(params, a->study);
    store_param_uuid(params, &a->broker);
    store_param_bigint(params, (int64_t)a->epoch);
    store_param_bigint(params, (int64_t)a->seq);
    store_param_text(params, state, strlen(state));
    store_param_time(params, a->at_us);
    param_slice(params, a->actor);
    param_slice(params, a->role);
    param_slice(params, a->organisation);
    param_slice(params, a->note);
    sluice_assert(params->n == ACT_PARAMS);
}

static int
act_run(struct store *s, struct audit_chain *chain, const struct alert_action *a,
        struct audit_row *row, struct alert_acted *ret)
{
    struct store_params params = {0};
    PGresult *r = NULL;
    struct buf sql;

    buf_init(&sql, SQL_CEILING);
    int full = buf_append_str(&sql, act_sql) |
               audit_sql_write(&sql, ACT_PARAMS + 1, "EXISTS (SELECT FROM e)") |
               buf_append(&sql, acted_sql, sizeof(acted_sql));
    sluice_assert(full == BUF_OK);
    audit_row_sign(chain, row);
    act_params(&params, a);
    audit_params_fill(&params, chain, row);
    int n =
        store_run(s, &(struct store_statement){"alert_act", (const char *)sql.data}, &params, &r);
    buf_deinit(&sql);
    if (n == STORE_OK) {
        ret->known = *PQgetvalue(r, 0, 0) != 0;
        snprintf(ret->state, sizeof(ret->state), "%s", PQgetvalue(r, 0, 1));
        if (*PQgetvalue(r, 0, 2) != 0)
            audit_chain_advance(chain, &(const struct audit_row *){row}, 1);
    } else if (n != STORE_ROW) {
        audit_chain_restart(chain);
    }
    PQclear(r);
    return n;
}

int
store_alert_act(struct store *s, struct audit_chain *chain, const struct alert_action *a,
                struct alert_acted *ret)
{
    struct store_params params = {0};
    char alert[UUID_TEXT_SIZE];
    struct audit_row row;
    PGresult *r = NULL;

    store_param_uuid(&params, &a->alert);
    param_slice(&params, a->study);
    int n = store_run(s, &act_subject, &params, &r);
    if (n == STORE_OK) {
        uuid_format(&a->alert, alert);
        act_row(a, r, alert, &row);
        n = act_run(s, chain, a, &row, ret);
    }
    PQclear(r);
    return n;
}
