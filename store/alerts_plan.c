/* What is to be delivered, gathered into arrays and written in one statement. Ids are made from
 * what they name, so that writing the same plan again changes nothing. */
#include <sodium.h>
#include <string.h>

#include "base/error.h"
#include "store/alerts_inner.h"

#define PLAN_CEILING ((size_t)8 << 20)

static const struct store_statement studies_read = {
    "alert_studies",
    "SELECT study, (definition -> 'recipients')::text, (definition -> 'alerts')::text,"
    " (definition -> 'escalation')::text FROM sluice.studies ORDER BY study"};

static const struct store_statement studies_stamp = {
    "alert_studies_stamp",
    "SELECT count(*) * 31 + coalesce(extract(epoch FROM max(loaded_at)) * 1000000, 0)::int8"
    " FROM sluice.studies"};

static const struct store_statement alerts_find = {
    "alerts_find", "SELECT " ALERT_FOUND_COLUMNS " FROM unnest($1::uuid[]) u(id)"
                   " JOIN sluice.alerts a ON a.alert_id = u.id"};

static const struct store_statement alerts_raise = {
    "alerts_raise",
    "WITH a AS (INSERT INTO sluice.alerts"
    " (alert_id, seq, study, kind, rule_id, severity, subject_id, submission_id)"
    " SELECT id, (pg_current_xact_id()::text::bigint << 16) | n, study, kind, rule, severity,"
    " subject, submission FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[],"
    " $6::text[], $7::uuid[])"
    " WITH ORDINALITY u(id, study, kind, rule, severity, subject, submission, n)"
    " ON CONFLICT (alert_id) DO NOTHING RETURNING alert_id),"
    " e AS (INSERT INTO sluice.alert_events (alert_id, event) SELECT alert_id, 'raised' FROM a)"
    " SELECT count(*) FROM a"};

static const struct store_statement plan_write = {
    "alerts_plan",
    "WITH m AS (INSERT INTO sluice.alert_messages"
    " (broker, epoch, seq, outcome, study, alert_id, kind)"
    " SELECT $1::uuid, epoch, seq, 'stored', study, id, 'alert'"
    " FROM unnest($2::int8[], $3::int8[], $4::text[], $5::uuid[]) u(epoch, seq, study, id)"
    " ON CONFLICT DO NOTHING),"
    " d AS (INSERT INTO sluice.alert_deliveries"
    " (delivery_id, alert_id, study, recipient, channel, step)"
    " SELECT * FROM unnest($6::uuid[], $7::uuid[], $8::text[], $9::text[], $10::text[],"
    " $11::int8[]) ON CONFLICT DO NOTHING),"
    " e AS (INSERT INTO sluice.alert_escalations (alert_id, study, severity, due_at)"
    " SELECT * FROM unnest($12::uuid[], $13::text[], $14::text[], $15::timestamptz[])"
    " ON CONFLICT DO NOTHING)"
    " SELECT pg_notify('" ALERTS_CHANNEL "', '')"};

const char *
alert_channel_text(enum alert_channel channel)
{
    static const char *const texts[CHANNELS] = {"webhook", "email", "none"};

    return texts[channel];
}

void
alert_delivery_id(const struct uuid *alert, const char *study, const char *recipient,
                  enum alert_channel channel, int step, struct uuid *ret_id)
{
    crypto_generichash_state state;
    uint8_t hash[16], tail[2] = {(uint8_t)channel, (uint8_t)step};

    crypto_generichash_init(&state, NULL, 0, sizeof(hash));
    crypto_generichash_update(&state, alert->bytes, sizeof(alert->bytes));
    crypto_generichash_update(&state, (const uint8_t *)study, strlen(study) + 1);
    crypto_generichash_update(&state, (const uint8_t *)recipient, strlen(recipient) + 1);
    crypto_generichash_update(&state, tail, sizeof(tail));
    crypto_generichash_final(&state, hash, sizeof(hash));
    uuid_v8_from_hash(hash, ret_id);
}

/* ---- the plan ---- */

struct column {
    size_t offset;
    enum store_oid type;
};

#define COLUMN(name, type)                                                                         \
    {                                                                                              \
        offsetof(struct alert_plan, name), type                                                    \
    }
static const struct column columns[] = {
    COLUMN(epochs, OID_INT8),
    COLUMN(seqs, OID_INT8),
    COLUMN(message_studies, OID_TEXT),
    COLUMN(message_alerts, OID_UUID),
    COLUMN(ids, OID_UUID),
    COLUMN(alerts, OID_UUID),
    COLUMN(studies, OID_TEXT),
    COLUMN(recipients, OID_TEXT),
    COLUMN(channels, OID_TEXT),
    COLUMN(steps, OID_INT8),
    COLUMN(escalated, OID_UUID),
    COLUMN(escalated_studies, OID_TEXT),
    COLUMN(severities, OID_TEXT),
    COLUMN(moments, OID_TIMESTAMPTZ),
    COLUMN(at_steps, OID_INT8),
    COLUMN(agains, OID_INT8),
    COLUMN(contacts, OID_TEXT),
};
#undef COLUMN

static struct array *
column_of(struct alert_plan *p, size_t i)
{
    return (struct array *)(void *)((uint8_t *)p + columns[i].offset);
}

void
alert_plan_init(struct alert_plan *p)
{
    memset(p, 0, sizeof(*p));
    for (size_t i = 0; i < ARRAY_LEN(columns); i++)
        array_init(column_of(p, i), PLAN_CEILING);
}

void
alert_plan_deinit(struct alert_plan *p)
{
    for (size_t i = 0; i < ARRAY_LEN(columns); i++)
        array_deinit(column_of(p, i));
}

void
alert_plan_begin(struct alert_plan *p)
{
    for (size_t i = 0; i < ARRAY_LEN(columns); i++)
        array_begin(column_of(p, i), columns[i].type);
}

void
alert_plan_end(struct alert_plan *p)
{
    for (size_t i = 0; i < ARRAY_LEN(columns); i++)
        array_end(column_of(p, i));
}

int
alert_plan_message(struct alert_plan *p, uint64_t epoch, uint64_t seq, struct slice study,
                   const struct uuid *alert)
{
    return array_add_bigint(&p->epochs, (int64_t)epoch) | array_add_bigint(&p->seqs, (int64_t)seq) |
           array_add(&p->message_studies, study.at, study.len) |
           array_add(&p->message_alerts, alert->bytes, sizeof(alert->bytes));
}

int
alert_plan_delivery(struct alert_plan *p, const struct uuid *alert, const char *study,
                    const char *recipient, enum alert_channel channel, int step)
{
    const char *text = alert_channel_text(channel);
    struct uuid id;

    alert_delivery_id(alert, study, recipient, channel, step, &id);
    return array_add(&p->ids, id.bytes, sizeof(id.bytes)) |
           array_add(&p->alerts, alert->bytes, sizeof(alert->bytes)) |
           array_add(&p->studies, study, strlen(study)) |
           array_add(&p->recipients, recipient, strlen(recipient)) |
           array_add(&p->channels, text, strlen(text)) | array_add_bigint(&p->steps, step);
}

int
alert_plan_escalation(struct alert_plan *p, const struct uuid *alert, const char *study,
                      const char *severity, int64_t due_us)
{
    return array_add(&p->escalated, alert->bytes, sizeof(alert->bytes)) |
           array_add(&p->escalated_studies, study, strlen(study)) |
           array_add(&p->severities, severity, strlen(severity)) |
           array_add_time(&p->moments, due_us);
}

void
alert_array_param(struct store_params *params, const struct array *a)
{
    store_param_bytes(params, a->bytes.data, a->bytes.size);
}

int
store_alerts_plan(struct store *s, struct alert_plan *p, const struct uuid *broker)
{
    static const struct uuid nobody;
    struct store_params params = {0};

    alert_plan_end(p);
    store_param_uuid(&params, broker != NULL ? broker : &nobody);
    for (size_t i = 0; column_of(p, i) != &p->at_steps; i++)
        alert_array_param(&params, column_of(p, i));
    return store_run(s, &plan_write, &params, NULL);
}

/* ---- what planning reads ---- */

static const char *
text_or_null(const PGresult *r, int row, int column)
{
    return PQgetisnull(r, row, column) ? NULL : PQgetvalue(r, row, column);
}

int
store_alert_studies_stamp(struct store *s, int64_t *ret_stamp)
{
    PGresult *r = NULL;
    int n = store_run(s, &studies_stamp, NULL, &r);

    if (n == STORE_OK)
        *ret_stamp = store_get_bigint(r, 0, 0);
    PQclear(r);
    return n;
}

int
store_alert_studies(struct store *s, void (*each)(void *arg, const struct alert_study *study),
                    void *arg)
{
    struct store_params params = {0};
    PGresult *r = NULL;
    int n = store_run(s, &studies_read, &params, &r);

    for (int i = 0; n == STORE_OK && i < PQntuples(r); i++)
        each(arg, &(struct alert_study){.study = PQgetvalue(r, i, 0),
                                        .recipients = text_or_null(r, i, 1),
                                        .alerts = text_or_null(r, i, 2),
                                        .escalation = text_or_null(r, i, 3)});
    PQclear(r);
    return n;
}

void
alert_found_read(const PGresult *r, int row, struct alert_found *ret_found)
{
    *ret_found = (struct alert_found){
        .id = store_get_uuid(r, row, 0),
        .study = PQgetvalue(r, row, 1),
        .rule = PQgetvalue(r, row, 2),
        .severity = PQgetvalue(r, row, 3),
        .state = PQgetvalue(r, row, 4),
        .kind = PQgetvalue(r, row, 5),
        .site = PQgetvalue(r, row, 6),
        .recipients = text_or_null(r, row, 7),
    };
}

int
store_alerts_find(struct store *s, const struct uuid *ids, size_t n,
                  void (*each)(void *arg, const struct alert_found *found), void *arg)
{
    struct store_params params = {0};
    PGresult *r = NULL;
    struct array a;
    int full = BUF_OK;

    array_init(&a, PLAN_CEILING);
    array_begin(&a, OID_UUID);
    for (size_t i = 0; i < n; i++)
        full |= array_add(&a, ids[i].bytes, sizeof(ids[i].bytes));
    sluice_assert(full == BUF_OK); /* a batch has at most 4096 records */
    array_end(&a);
    alert_array_param(&params, &a);
    int outcome = store_run(s, &alerts_find, &params, &r);
    for (int i = 0; outcome == STORE_OK && i < PQntuples(r); i++) {
        struct alert_found found;
        alert_found_read(r, i, &found);
        each(arg, &found);
    }
    PQclear(r);
    array_deinit(&a);
    return outcome;
}

/* ---- alerts of our own ---- */

#define RAISE_COLUMNS 7

int
store_alerts_raise(struct store *s, const struct alert_raise *alerts, size_t n, size_t *ret_new)
{
    static const enum store_oid types[RAISE_COLUMNS] = {OID_UUID, OID_TEXT, OID_TEXT, OID_TEXT,
                                                        OID_TEXT, OID_TEXT, OID_UUID};
    struct store_params params = {0};
    struct array a[RAISE_COLUMNS];
    PGresult *r = NULL;
    int full = BUF_OK;

    for (size_t c = 0; c < RAISE_COLUMNS; c++) {
        array_init(&a[c], PLAN_CEILING);
        array_begin(&a[c], types[c]);
    }
    for (size_t i = 0; i < n && i < ALERTS_AT_ONCE; i++) {
        const struct alert_raise *x = &alerts[i];
        full |= array_add(&a[0], x->id.bytes, sizeof(x->id.bytes));
        full |= array_add(&a[1], x->study, strlen(x->study));
        full |= array_add(&a[2], x->kind, strlen(x->kind));
        full |= array_add(&a[3], x->rule, strlen(x->rule));
        full |= array_add(&a[4], x->severity, strlen(x->severity));
        full |= x->subject != NULL ? array_add(&a[5], x->subject, strlen(x->subject))
                                   : array_add_null(&a[5]);
        full |= x->submission != NULL
                    ? array_add(&a[6], x->submission->bytes, sizeof(x->submission->bytes))
                    : array_add_null(&a[6]);
    }
    sluice_assert(full == BUF_OK);
    for (size_t c = 0; c < RAISE_COLUMNS; c++) {
        array_end(&a[c]);
        alert_array_param(&params, &a[c]);
    }
    int outcome = store_run(s, &alerts_raise, &params, &r);
    if (outcome == STORE_OK && ret_new != NULL)
        *ret_new = (size_t)store_get_bigint(r, 0, 0);
    PQclear(r);
    for (size_t c = 0; c < RAISE_COLUMNS; c++)
        array_deinit(&a[c]);
    return outcome;
}
