/* The CTEs that raise, count and confirm. Reading order: fired (what is to be raised), ranked (one
 * head a subject and rule, the worst), open_now (the alert that a head is counted on), hits (what
 * is updated, each once, locked in order), counted, raised, events. */
#include "store/alerts_write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "store/array.h"

/* COLUMN(name, "element type", OID) in the order of the parameters. */
#define ALERT_COLUMNS(X)                                                                           \
    X(alert_id, "uuid", UUID)                                                                      \
    X(study, "text", TEXT)                                                                         \
    X(subject_id, "text", TEXT)                                                                    \
    X(site_id, "text", TEXT)                                                                       \
    X(submission_id, "uuid", UUID)                                                                 \
    X(revision, "int8", INT8)                                                                      \
    X(questionnaire, "text", TEXT)                                                                 \
    X(version, "text", TEXT)                                                                       \
    X(rule_id, "text", TEXT)                                                                       \
    X(link_id, "text", TEXT)                                                                       \
    X(severity, "text", TEXT)                                                                      \
    X(always, "bool", BOOL)                                                                        \
    X(provisional, "bool", BOOL)                                                                   \
    X(late, "bool", BOOL)                                                                          \
    X(age_ms, "int8", INT8)                                                                        \
    X(authored_at, "timestamptz", TIMESTAMPTZ)                                                     \
    X(suppress_s, "int8", INT8)                                                                    \
    X(measure, "text", TEXT)                                                                       \
    X(recipients, "text", TEXT)                                                                    \
    X(origin, "text", TEXT)

enum column {
#define X(name, type, oid) COLUMN_##name,
    ALERT_COLUMNS(X)
#undef X
        COLUMN_COUNT
};
_Static_assert(COLUMN_COUNT == ALERTS_PARAMS, "the header says how many");

static const struct {
    const char *name, *type;
    enum store_oid oid;
} columns[COLUMN_COUNT] = {
#define X(name, type, oid) {#name, type, OID_##oid},
    ALERT_COLUMNS(X)
#undef X
};

#define SQL_CEILING ((size_t)16 << 10)
#define ORIGIN_SIZE 48

struct alerts_writer {
    struct array columns[COLUMN_COUNT];
    struct buf sql; /* of the statement of its own, made when first needed */
    struct store_statement statement;
};

struct alerts_writer *
alerts_writer_new(size_t ceiling)
{
    struct alerts_writer *w = mem_new(1, sizeof(*w));

    for (size_t c = 0; c < COLUMN_COUNT; c++)
        array_init(&w->columns[c], ceiling);
    buf_init(&w->sql, SQL_CEILING);
    return w;
}

void
alerts_writer_free(struct alerts_writer *w)
{
    if (w == NULL)
        return;
    for (size_t c = 0; c < COLUMN_COUNT; c++)
        array_deinit(&w->columns[c]);
    buf_deinit(&w->sql);
    free(w);
}

#define IS_KEPT                                                                                    \
    "u.provisional AND EXISTS (SELECT FROM kept k WHERE k.epoch || ' ' || k.seq = u.origin)"
#define IS_STORED                                                                                  \
    "NOT u.provisional AND EXISTS (SELECT FROM stored k WHERE k.study = u.study"                   \
    " AND k.submission_id = u.submission_id)"

/* Alerts of the same subject and rule are looked for in two branches: each has its partial index,
 * and an OR of the two conditions would have none. Plans are made while the table is empty and any
 * index looks as good as another; study || '' keeps alerts_by_seq out, which would be read for the
 * whole study. fired's measure has its sign turned where lower is worse (in the parameter), so that
 * greater is worse everywhere. */
static const char tail_sql[] =
    ", ranked AS (SELECT f.*, row_number() OVER w AS nth, first_value(f.alert_id) OVER w AS head,"
    " count(*) OVER (PARTITION BY f.subject_id, f.rule_id, f.study, f.apart) AS times,"
    " bool_and(f.provisional) OVER (PARTITION BY f.alert_id) AS unsure FROM fired f"
    " WINDOW w AS (PARTITION BY f.subject_id, f.rule_id, f.study, f.apart"
    " ORDER BY f.rank DESC, f.measure DESC NULLS LAST, f.alert_id)),"
    " open_now AS (SELECT DISTINCT ON (r.alert_id) r.alert_id AS fired_id, a.alert_id, r.times"
    " FROM ranked r CROSS JOIN LATERAL ("
    " SELECT o.alert_id, o.measure, true AS is_open,"
    " array_position('{info,warning,urgent}'::text[], o.severity) AS rank FROM sluice.alerts o"
    " WHERE o.subject_id = r.subject_id AND o.rule_id = r.rule_id AND o.study || '' = r.study"
    " AND o.state = 'open' AND o.kind = 'clinical' AND NOT o.always"
    " UNION ALL SELECT o.alert_id, o.measure, false,"
    " array_position('{info,warning,urgent}'::text[], o.severity) FROM sluice.alerts o"
    " WHERE o.subject_id = r.subject_id AND o.rule_id = r.rule_id AND o.study || '' = r.study"
    " AND o.state <> 'open' AND o.kind = 'clinical' AND o.suppress_until > now()) a"
    " WHERE r.nth = 1 AND NOT r.always AND a.alert_id <> r.alert_id"
    " AND (a.rank > r.rank OR a.rank = r.rank"
    " AND (r.measure IS NULL OR a.measure IS NULL OR a.measure >= r.measure))"
    " ORDER BY r.alert_id, a.is_open DESC, a.rank DESC, a.measure DESC NULLS LAST),"
    " hits AS (SELECT alert_id, sum(n)::int AS n, bool_or(confirms) AS confirms FROM ("
    " SELECT alert_id, times AS n, false AS confirms FROM open_now UNION ALL"
    " SELECT a.alert_id, 0, true FROM ranked r JOIN sluice.alerts a ON a.alert_id = r.alert_id"
    " WHERE a.provisional AND NOT r.provisional) h GROUP BY alert_id),"
    " locked AS (SELECT a.alert_id, h.n, h.confirms FROM hits h JOIN sluice.alerts a"
    " ON a.alert_id = h.alert_id WHERE a.state = 'open' OR a.suppress_until > now() OR "
    "a.provisional"
    " ORDER BY a.alert_id FOR UPDATE OF a),"
    " counted AS (UPDATE sluice.alerts a SET count = a.count + l.n, last_at = now(),"
    " provisional = a.provisional AND NOT l.confirms FROM locked l WHERE a.alert_id = l.alert_id"
    " RETURNING a.alert_id, l.n, l.confirms),"
    " raised AS (INSERT INTO sluice.alerts (alert_id, seq, study, subject_id, site_id, "
    "submission_id,"
    " revision, questionnaire, version, rule_id, link_id, measure, severity, always, provisional,"
    " late, age_s, count, authored_at, suppress_until, recipients, supersedes)"
    " SELECT r.alert_id, (pg_current_xact_id()::text::int8 << 16) | row_number() OVER (ORDER BY "
    "r.n),"
    " r.study, r.subject_id, r.site_id, r.submission_id, r.revision, r.questionnaire, r.version,"
    " r.rule_id, r.link_id, r.measure, r.severity, r.always, r.unsure, r.late,"
    " r.age_ms / 1000.0, r.times::int, r.authored_at,"
    " CASE WHEN r.suppress_s > 0 THEN now() + r.suppress_s * interval '1 s' END,"
    " string_to_array(r.recipients, E'\\n'),"
    " CASE WHEN r.revision > 1 THEN (SELECT p.alert_id FROM sluice.alerts p"
    " WHERE p.submission_id = r.submission_id AND p.study = r.study AND p.rule_id = r.rule_id"
    " AND p.revision < r.revision ORDER BY p.revision DESC LIMIT 1) END"
    " FROM ranked r WHERE r.nth = 1 AND r.alert_id NOT IN"
    " (SELECT o.fired_id FROM open_now o JOIN locked l USING (alert_id))"
    " ORDER BY r.n ON CONFLICT DO NOTHING RETURNING alert_id, seq, raised_at),"
    " alert_marks AS (INSERT INTO sluice.alert_events (alert_id, event, note)"
    " SELECT alert_id, 'raised', NULL FROM raised"
    " UNION ALL SELECT alert_id, 'confirmed', NULL FROM counted WHERE confirms"
    " UNION ALL SELECT alert_id, 'counted', n::text FROM counted WHERE n > 0),"
    " alert_results AS (SELECT alert_id, seq, raised_at, true AS raised FROM raised"
    " UNION ALL SELECT r.alert_id, NULL, NULL, false FROM ranked r"
    " WHERE r.alert_id NOT IN (SELECT alert_id FROM raised)"
    " AND (r.alert_id IN (SELECT alert_id FROM counted) OR r.head IN (SELECT alert_id FROM raised)"
    " OR r.head IN (SELECT o.fired_id FROM open_now o JOIN counted c USING (alert_id))))";

int
alerts_sql_write(struct buf *sql, int first, enum alerts_source source)
{
    int full = buf_append_str(sql, "fired AS (SELECT u.alert_id, u.study, u.subject_id, u.site_id,"
                                   " u.submission_id, u.revision::int AS revision,"
                                   " u.questionnaire, u.version, u.rule_id, u.link_id,"
                                   " u.severity, u.always, u.provisional, u.late, u.age_ms,"
                                   " u.authored_at, u.suppress_s, u.measure::numeric AS measure,"
                                   " u.recipients, u.n, array_position("
                                   "'{info,warning,urgent}'::text[], u.severity) AS rank,"
                                   " CASE WHEN u.always THEN u.alert_id END AS apart FROM unnest(");
    for (int c = 0; c < COLUMN_COUNT; c++)
        full |= buf_printf(sql, "%s$%d::%s[]", c > 0 ? ", " : "", first + c, columns[c].type);
    full |= buf_append_str(sql, ") WITH ORDINALITY AS u(");
    for (int c = 0; c < COLUMN_COUNT; c++)
        full |= buf_printf(sql, "%s, ", columns[c].name);
    full |= buf_append_str(sql, "n)");
    if (source == ALERTS_STORED)
        full |= buf_append_str(sql, " WHERE " IS_STORED);
    else if (source == ALERTS_STORED_AND_KEPT)
        full |= buf_append_str(sql, " WHERE (" IS_STORED ") OR (" IS_KEPT ")");
    return full | buf_append_str(sql, ")") | buf_append_str(sql, tail_sql);
}

static int
slice_compare(struct slice a, struct slice b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int order = n > 0 ? memcmp(a.at, b.at, n) : 0;

    return order != 0 ? order : a.len < b.len ? -1 : a.len > b.len;
}

static int
row_compare(const void *x, const void *y)
{
    const struct alert_row *a = *(struct alert_row *const *)x, *b = *(struct alert_row *const *)y;
    int order = slice_compare(a->subject, b->subject);

    if (order == 0)
        order = slice_compare(a->rule, b->rule);
    if (order == 0)
        order = slice_compare(a->study, b->study);
    if (order == 0)
        order = slice_compare(a->severity, b->severity);
    return order != 0 ? order : memcmp(a->id.bytes, b->id.bytes, sizeof(a->id.bytes));
}

static int
slice_add(struct array *a, struct slice v)
{
    return v.at != NULL ? array_add(a, v.at, v.len) : array_add_null(a);
}

static int
bool_add(struct array *a, bool v)
{
    uint8_t byte = v;

    return array_add(a, &byte, 1);
}

static int
measure_add(struct array *a, const struct alert_row *r)
{
    const char *text = r->measure.at;

    if (text == NULL || !r->lower_is_worse)
        return slice_add(a, r->measure);
    if (r->measure.len > 0 && *text == '-')
        return array_add(a, text + 1, r->measure.len - 1);
    if (array_open(a) != BUF_OK || buf_append(&a->bytes, "-", 1) != BUF_OK ||
        buf_append(&a->bytes, text, r->measure.len) != BUF_OK)
        return BUF_FULL;
    array_close(a);
    return BUF_OK;
}

static int
row_add(struct array *c, const struct alert_row *r)
{
    char origin[ORIGIN_SIZE];
    int n = snprintf(origin, sizeof(origin), "%lld %lld", (long long)r->epoch, (long long)r->seq);

    return array_add(&c[COLUMN_alert_id], r->id.bytes, sizeof(r->id.bytes)) |
           slice_add(&c[COLUMN_study], r->study) | slice_add(&c[COLUMN_subject_id], r->subject) |
           slice_add(&c[COLUMN_site_id], r->site) |
           array_add(&c[COLUMN_submission_id], r->submission.bytes, sizeof(r->submission.bytes)) |
           array_add_bigint(&c[COLUMN_revision], r->revision) |
           slice_add(&c[COLUMN_questionnaire], r->questionnaire) |
           slice_add(&c[COLUMN_version], r->version) | slice_add(&c[COLUMN_rule_id], r->rule) |
           slice_add(&c[COLUMN_link_id], r->link_id) | slice_add(&c[COLUMN_severity], r->severity) |
           bool_add(&c[COLUMN_always], r->always) |
           bool_add(&c[COLUMN_provisional], r->provisional) | bool_add(&c[COLUMN_late], r->late) |
           (r->late ? array_add_bigint(&c[COLUMN_age_ms], (int64_t)(r->age_s * 1000))
                    : array_add_null(&c[COLUMN_age_ms])) |
           (r->authored_us != TIME_NONE ? array_add_time(&c[COLUMN_authored_at], r->authored_us)
                                        : array_add_null(&c[COLUMN_authored_at])) |
           array_add_bigint(&c[COLUMN_suppress_s], r->suppress_s) |
           measure_add(&c[COLUMN_measure], r) | slice_add(&c[COLUMN_recipients], r->recipients) |
           array_add(&c[COLUMN_origin], origin, (size_t)n);
}

int
alerts_params_fill(struct alerts_writer *w, struct alert_row **rows, size_t n,
                   struct store_params *p)
{
    int full = BUF_OK;

    if (n > 0)
        qsort(rows, n, sizeof(*rows), row_compare);
    for (size_t c = 0; c < COLUMN_COUNT; c++)
        array_begin(&w->columns[c], columns[c].oid);
    for (size_t i = 0; i < n && full == BUF_OK; i++) {
        rows[i]->raised = rows[i]->counted = false;
        full = row_add(w->columns, rows[i]);
    }
    for (size_t c = 0; c < COLUMN_COUNT && full == BUF_OK; c++) {
        array_end(&w->columns[c]);
        store_param_bytes(p, w->columns[c].bytes.data, w->columns[c].bytes.size);
    }
    return full;
}

void
alert_result_take(struct alert_row **rows, size_t n, const PGresult *r, int row, int column)
{
    struct uuid id = store_get_uuid(r, row, column);

    for (size_t i = 0; i < n; i++) {
        if (!uuid_equal(&rows[i]->id, &id))
            continue;
        if (*PQgetvalue(r, row, column + 3) != 0) {
            rows[i]->raised = true;
            rows[i]->seq_no = store_get_bigint(r, row, column + 1);
            rows[i]->raised_us = store_get_time(r, row, column + 2);
        } else {
            rows[i]->counted = true;
        }
    }
}

int
alerts_write(struct alerts_writer *w, struct store *s, struct alert_row **rows, size_t n)
{
    struct store_params p = {0};
    PGresult *r = NULL;

    if (w->statement.sql == NULL) {
        int full =
            buf_append_str(&w->sql, "WITH ") | alerts_sql_write(&w->sql, 1, ALERTS_UNCONDITIONAL) |
            buf_append(&w->sql, " SELECT alert_id, seq, raised_at, raised FROM alert_results",
                       sizeof(" SELECT alert_id, seq, raised_at, raised FROM alert_results"));
        sluice_assert(full == BUF_OK);
        w->statement = (struct store_statement){"alerts_write", (const char *)w->sql.data};
    }
    if (alerts_params_fill(w, rows, n, &p) != BUF_OK)
        return STORE_INVALID;
    int outcome = store_run(s, &w->statement, &p, &r);
    if (outcome != STORE_OK)
        return outcome;
    for (int i = 0; i < PQntuples(r); i++)
        alert_result_take(rows, n, r, i, 0);
    PQclear(r);
    return STORE_OK;
}
