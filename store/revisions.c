/* The statement of a new revision. FOR UPDATE makes the second of two corrections wait, and then
 * see that its revision is no longer the current one. */
#include "store/revisions.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "store/audit_data.h"
#include "store/identifiers_write.h"
#include "store/json_text.h"

#define SQL_CEILING ((size_t)32 << 10)
#define REVISION_PARAMS 30
#define AUDIT_PARAMS 3 /* writer, batch, previous */

#define COPIED                                                                                     \
    "study, submission_id, subject_id, questionnaire, version, answers, scores, authored_at,"      \
    " received_at, accepted_at, stored_at, content_hash, hash_key, broker, epoch, seq, revision,"  \
    " status, void, authored_zone, started_at, sent_at, skew_s, time_zone, site_id, visit,"        \
    " occasion, language, flags, originator, device, device_edits, actor, role, organisation,"     \
    " reason, source, normal, audit_number, audit_mac, data_mac"

static const char revise_sql[] =
    "WITH old AS (SELECT " COPIED " FROM sluice.submissions WHERE submission_id = $1::uuid"
    " AND study = $2::text AND revision = $3::int8 AND (NOT $4::bool OR status = 'in-progress')"
    " FOR UPDATE),"
    " moved AS (INSERT INTO sluice.submission_revisions (" COPIED ") SELECT " COPIED " FROM old),"
    " stored AS (UPDATE sluice.submissions s SET revision = o.revision + 1, stored_at = now(),"
    " status = coalesce($5::text, o.status), void = $6::bool,"
    " questionnaire = coalesce($7::text, o.questionnaire), version = coalesce($8::text, o.version),"
    " answers = coalesce($9::text::jsonb, o.answers), scores = $10::text::jsonb,"
    " content_hash = $11::bytea, hash_key = $12::int8,"
    " authored_at = coalesce($13::timestamptz, o.authored_at),"
    " received_at = coalesce($14::timestamptz, o.received_at),"
    " accepted_at = coalesce($15::timestamptz, o.accepted_at), sent_at = $16::timestamptz,"
    " actor = $17::text, role = $18::text, organisation = $19::text, reason = $20::text,"
    " source = $21::text, flags = string_to_array($22::text, E'\\n'), broker = $23::uuid,"
    " epoch = $24::int8, seq = $25::int8, audit_number = $26::int8, audit_mac = $27::bytea,"
    " data_mac = $29::bytea,"
    " normal = CASE WHEN $9::text IS NULL THEN o.normal ELSE $30::text::jsonb END"
    " FROM old o WHERE s.submission_id = o.submission_id AND s.study = o.study"
    " RETURNING s.study, s.submission_id, s.subject_id, s.revision, s.status, s.content_hash,"
    " s.actor, s.role, s.organisation, s.reason, s.audit_number, s.audit_mac, s.data_mac,"
    " s.stored_at), " AUDIT_SUBMISSIONS_SQL("$31", "$32", "$33", "$28") ", ";

struct revisions_writer {
    struct alerts_writer *alerts;
    struct identifiers_writer *identifiers;
    struct buf answers, sql;
    struct store_statement statement;
};

struct revisions_writer *
revisions_writer_new(size_t ceiling)
{
    struct revisions_writer *w = mem_new(1, sizeof(*w));
    int at = REVISION_PARAMS + AUDIT_PARAMS + 1;

    w->alerts = alerts_writer_new(ceiling);
    w->identifiers = identifiers_writer_new(ceiling);
    buf_init(&w->answers, ceiling);
    buf_init(&w->sql, SQL_CEILING);
    int full = buf_append_str(&w->sql, revise_sql) | identifiers_sql_write(&w->sql, at) |
               buf_append_str(&w->sql, ", ") |
               alerts_sql_write(&w->sql, at + IDENTIFIERS_PARAMS, ALERTS_STORED) |
               buf_append_str(&w->sql, " SELECT s.stored_at, s.revision, NULL::uuid AS alert_id,"
                                       " NULL::int8 AS seq, NULL::timestamptz AS raised_at,"
                                       " NULL::bool AS raised FROM stored s UNION ALL"
                                       " SELECT NULL, NULL, alert_id, seq, raised_at, raised"
                                       " FROM alert_results") |
               buf_append(&w->sql, "", 1);
    sluice_assert(full == BUF_OK);
    w->statement = (struct store_statement){"submission_revise", (const char *)w->sql.data};
    return w;
}

void
revisions_writer_free(struct revisions_writer *w)
{
    if (w == NULL)
        return;
    alerts_writer_free(w->alerts);
    identifiers_writer_free(w->identifiers);
    buf_deinit(&w->answers);
    buf_deinit(&w->sql);
    free(w);
}

static void
text_param(struct store_params *p, struct slice text)
{
    if (text.at != NULL)
        store_param_text(p, text.at, text.len);
    else
        store_param_null(p);
}

static void
time_param(struct store_params *p, int64_t us)
{
    if (us != TIME_NONE)
        store_param_time(p, us);
    else
        store_param_null(p);
}

static void
bool_param(struct store_params *p, bool v)
{
    static const uint8_t bytes[] = {0, 1};

    store_param_bytes(p, &bytes[v], 1);
}

static void
row_params(struct store_params *p, const struct revision_row *row, struct slice answers)
{
    store_param_uuid(p, &row->id);
    text_param(p, row->study);
    store_param_bigint(p, row->expected);
    bool_param(p, row->only_in_progress);
    text_param(p, row->status);
    bool_param(p, row->is_void);
    text_param(p, row->questionnaire);
    text_param(p, row->version);
    text_param(p, answers);
    text_param(p, row->scores);
    store_param_bytes(p, row->content_hash, CONTENT_HASH_BYTES);
    store_param_bigint(p, row->hash_key);
    time_param(p, row->authored_us);
    time_param(p, row->received_us);
    time_param(p, row->accepted_us);
    time_param(p, row->sent_us);
    text_param(p, row->actor);
    text_param(p, row->role);
    text_param(p, row->organisation);
    text_param(p, row->reason);
    text_param(p, row->source);
    text_param(p, row->flags);
    store_param_uuid(p, &row->broker);
    store_param_bigint(p, (int64_t)row->epoch);
    store_param_bigint(p, (int64_t)row->seq);
}

/* The new answers as JSON text; none: they stay. */
static int
answers_text(struct revisions_writer *w, const struct revision_row *row, struct slice *ret_text)
{
    struct mp_cursor at = {row->answers.at, (const uint8_t *)row->answers.at + row->answers.len};

    *ret_text = (struct slice){NULL, 0};
    if (row->answers.at == NULL)
        return BUF_OK;
    buf_clear(&w->answers);
    if (json_text_write(&w->answers, &at) != BUF_OK)
        return BUF_FULL;
    *ret_text = (struct slice){w->answers.data, w->answers.size};
    return BUF_OK;
}

static struct slice
either(struct slice now, struct slice before)
{
    return now.at != NULL ? now : before;
}

static int64_t
time_either(int64_t now_us, const PGresult *r, int column)
{
    if (now_us != TIME_NONE)
        return now_us;
    return PQgetisnull(r, 0, column) ? TIME_NONE : store_get_time(r, 0, column);
}

/* What the new revision will say; what the statement above does not set stays as it was. */
static void
data_fill(const struct revision_row *row, struct slice answers, const PGresult *r,
          struct audit_data *ret_data)
{
    *ret_data = (struct audit_data){
        .submission = row->id,
        .broker = row->broker,
        .epoch = row->epoch,
        .seq = row->seq,
        .hash_key = row->hash_key,
        .revision = row->expected + 1,
        .is_void = row->is_void,
        .authored_us = time_either(row->authored_us, r, 4),
        .received_us = time_either(row->received_us, r, 9),
        .accepted_us = time_either(row->accepted_us, r, 10),
        .started_us = time_either(TIME_NONE, r, 11),
        .sent_us = row->sent_us,
        .skew = PQgetisnull(r, 0, 12) ? AUDIT_SKEW_NONE : (uint64_t)store_get_bigint(r, 0, 12),
        .study = row->study,
        .subject = store_get_slice(r, 0, 0),
        .questionnaire = either(row->questionnaire, store_get_slice(r, 0, 1)),
        .version = either(row->version, store_get_slice(r, 0, 2)),
        .status = either(row->status, store_get_slice(r, 0, 3)),
        .site = store_get_slice(r, 0, 13),
        .authored_zone = store_get_slice(r, 0, 5),
        .time_zone = store_get_slice(r, 0, 14),
        .visit = store_get_slice(r, 0, 6),
        .occasion = store_get_slice(r, 0, 7),
        .language = store_get_slice(r, 0, 15),
        .source = row->source,
        .flags = row->flags,
        .originator = store_get_slice(r, 0, 16),
        .device = store_get_slice(r, 0, 17),
        .device_edits = store_get_slice(r, 0, 18),
        .normal = answers.at != NULL ? row->normal : store_get_slice(r, 0, 19),
        .scores = row->scores,
        .answers = {either(answers, store_get_slice(r, 0, 8))},
    };
}

/* Much of a new revision stays as it is in the revision expected, which nobody changes.
 * REVISION_STALE: that is not the current one. */
static int
data_mac(struct store *s, const struct audit_key *key, const struct revision_row *row,
         struct slice answers, uint8_t ret_mac[AUDIT_DATA_BYTES])
{
    static const struct store_statement statement = {
        "revision_before",
        "SELECT subject_id, questionnaire, version, status, authored_at, authored_zone, visit,"
        " occasion, CASE WHEN $4::bool THEN answers::text END, received_at, accepted_at,"
        " started_at, skew_s, site_id, time_zone, language, originator::text, device::text,"
        " device_edits::text, normal::text FROM sluice.submissions"
        " WHERE submission_id = $1::uuid AND study = $2::text AND revision = $3::int8"};
    struct store_params p = {0};
    struct audit_data data;
    PGresult *r = NULL;

    store_param_uuid(&p, &row->id);
    text_param(&p, row->study);
    store_param_bigint(&p, row->expected);
    bool_param(&p, answers.at == NULL);
    int outcome = store_run(s, &statement, &p, &r);
    if (outcome != STORE_OK)
        return outcome;
    if (PQntuples(r) > 0) {
        data_fill(row, answers, r, &data);
        audit_data_mac(key, &data, ret_mac);
    } else {
        outcome = REVISION_STALE;
    }
    PQclear(r);
    return outcome;
}

static void
result_take(const PGresult *r, struct alert_row **alerts, size_t n_alerts,
            struct revision_written *ret_written, bool *ret_stored)
{
    for (int i = 0; i < PQntuples(r); i++) {
        if (!PQgetisnull(r, i, 2)) {
            alert_result_take(alerts, n_alerts, r, i, 2);
            continue;
        }
        ret_written->stored_us = store_get_time(r, i, 0);
        ret_written->revision = store_get_int(r, i, 1);
        *ret_stored = true;
    }
}

int
submission_revise(struct revisions_writer *w, struct store *s, struct audit_chain *chain,
                  const struct revision_row *row, struct audit_row *audit,
                  struct alert_row **alerts, size_t n_alerts,
                  const struct identifier_row *identifiers, size_t n_identifiers,
                  struct revision_written *ret_written)
{
    struct store_params p = {0};
    PGresult *r = NULL;
    uint8_t mac[AUDIT_DATA_BYTES];
    char detail[AUDIT_DETAIL_MAX];
    struct slice answers;
    bool stored = false;

    sluice_assert(audit->revision == row->expected + 1);
    if (answers_text(w, row, &answers) != BUF_OK)
        return SUBMISSIONS_FULL;
    int outcome = data_mac(s, &chain->key, row, answers, mac);
    if (outcome != STORE_OK)
        return outcome;
    audit->detail =
        audit_submission_detail(detail, row->status, row->content_hash, CONTENT_HASH_BYTES, mac);
    audit_row_sign(chain, audit);
    audit->detail = (struct slice){NULL, 0}; /* it was on the stack */
    row_params(&p, row, answers);
    store_param_bigint(&p, audit->number);
    store_param_bytes(&p, audit->mac, sizeof(audit->mac));
    store_param_time(&p, audit->at_us);
    store_param_bytes(&p, mac, sizeof(mac));
    text_param(&p, row->normal);
    sluice_assert(p.n == REVISION_PARAMS);
    store_param_uuid(&p, &chain->writer);
    store_param_bigint(&p, chain->batch);
    store_param_bytes(&p, chain->head, sizeof(chain->head));
    if (identifiers_params_fill(w->identifiers, identifiers, n_identifiers, &p) != BUF_OK ||
        alerts_params_fill(w->alerts, alerts, n_alerts, &p) != BUF_OK)
        return SUBMISSIONS_FULL;
    outcome = store_run(s, &w->statement, &p, &r);
    if (outcome != STORE_OK) {
        if (outcome != STORE_ROW)
            audit_chain_restart(chain);
        return outcome;
    }
    result_take(r, alerts, n_alerts, ret_written, &stored);
    PQclear(r);
    if (!stored)
        return REVISION_STALE;
    audit_chain_advance(chain, &(const struct audit_row *){audit}, 1);
    return STORE_OK;
}

int
submission_current(struct store *s, struct slice study, const struct uuid *id,
                   void (*each)(void *arg, const struct revision_found *found), void *arg,
                   bool *ret_found_any)
{
    static const struct store_statement statement = {
        "submission_current",
        "SELECT subject_id, questionnaire, version, status, role, revision, void, authored_at,"
        " stored_at, content_hash, broker, epoch, seq, received_at, scores::text,"
        " array_to_string(flags, E'\\n') FROM sluice.submissions"
        " WHERE submission_id = $1::uuid AND study = $2::text"};
    struct store_params p = {0};
    PGresult *r = NULL;

    store_param_uuid(&p, id);
    text_param(&p, study);
    int outcome = store_run(s, &statement, &p, &r);
    if (outcome != STORE_OK)
        return outcome;
    *ret_found_any = PQntuples(r) > 0;
    if (*ret_found_any)
        each(arg, &(struct revision_found){
                      .subject = store_get_slice(r, 0, 0),
                      .told.questionnaire = store_get_slice(r, 0, 1),
                      .told.version = store_get_slice(r, 0, 2),
                      .told.status = store_get_slice(r, 0, 3),
                      .role = store_get_slice(r, 0, 4),
                      .told.revision = store_get_int(r, 0, 5),
                      .is_void = *PQgetvalue(r, 0, 6) != 0,
                      .authored_us = store_get_time(r, 0, 7),
                      .told.stored_us = store_get_time(r, 0, 8),
                      .content_hash = (const uint8_t *)PQgetvalue(r, 0, 9),
                      .broker = store_get_uuid(r, 0, 10),
                      .epoch = (uint64_t)store_get_bigint(r, 0, 11),
                      .seq = (uint64_t)store_get_bigint(r, 0, 12),
                      .told.received_us = store_get_time(r, 0, 13),
                      .told.scores = store_get_slice(r, 0, 14),
                      .told.flags = store_get_slice(r, 0, 15),
                  });
    PQclear(r);
    return STORE_OK;
}

int
revision_recorded(struct store *s, struct slice study, const struct uuid *id,
                  const struct uuid *broker, uint64_t epoch, uint64_t seq,
                  struct revision_written *ret_written, bool *ret_found)
{
    static const struct store_statement statement = {
        "revision_recorded",
        "SELECT stored_at, revision FROM sluice.submission_revisions"
        " WHERE submission_id = $1::uuid AND study = $2::text AND broker = $3::uuid"
        " AND epoch = $4::int8 AND seq = $5::int8"};
    struct store_params p = {0};
    PGresult *r = NULL;

    store_param_uuid(&p, id);
    text_param(&p, study);
    store_param_uuid(&p, broker);
    store_param_bigint(&p, (int64_t)epoch);
    store_param_bigint(&p, (int64_t)seq);
    int outcome = store_run(s, &statement, &p, &r);
    if (outcome != STORE_OK)
        return outcome;
    *ret_found = PQntuples(r) > 0;
    if (*ret_found)
        *ret_written = (struct revision_written){.stored_us = store_get_time(r, 0, 0),
                                                 .revision = store_get_int(r, 0, 1)};
    PQclear(r);
    return STORE_OK;
}
