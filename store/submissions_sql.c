/* The text of the batch statement. Who wakes up late may refuse what another attempt has stored
 * meanwhile: a rejection is not written beside a row of its own origin (KEPT_SQL). */
#include "store/submissions_sql.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "store/alerts_write.h"
#include "store/audit.h"
#include "store/identifiers_write.h"

#define SQL_CEILING ((size_t)32 << 10)

enum wanted { ALWAYS, SITED, SCORED, RARE, LONG, FRESH };
enum how { EACH, SHARED, ALIKE };

static const struct {
    const char *name, *type;
    enum store_oid oid;
    enum wanted wanted;
    enum how how;
} columns[] = {
#define COLUMN(name, oid, type, wanted, how)                                                       \
    [COLUMN_##name] = {#name, type, OID_##oid, wanted, how},
#include "store/submission_columns.def"
#undef COLUMN
};

static const enum store_oid rejection_oids[REJECTION_COUNT] = {
    OID_INT8, OID_INT8,  OID_TEXT,  OID_TEXT,  OID_UUID,        OID_TEXT,        OID_TEXT,
    OID_TEXT, OID_JSONB, OID_BYTEA, OID_BYTEA, OID_TIMESTAMPTZ, OID_TIMESTAMPTZ,
};

/* No origin in both tables (invariants 11). */
#define KEPT_SQL                                                                                   \
    "kept AS (INSERT INTO sluice.rejections (broker, epoch, seq, kind, study, submission_id,"      \
    " subject_id, questionnaire, version, reasons, sealed, content_hash, received_at,"             \
    " accepted_at) SELECT $1::uuid, u.* FROM unnest($7::int8[], $8::int8[], $9::text[],"           \
    " $10::text[], $11::uuid[], $12::text[], $13::text[], $14::text[], $15::jsonb[],"              \
    " $16::bytea[], $17::bytea[], $18::timestamptz[], $19::timestamptz[]) AS u(epoch, seq, kind,"  \
    " study, id, subject, questionnaire, version, reasons, sealed, hash, received, accepted)"      \
    " WHERE NOT EXISTS (SELECT FROM sluice.submissions s WHERE s.study = u.study"                  \
    " AND s.submission_id = u.id AND s.broker = $1::uuid AND s.epoch = u.epoch"                    \
    " AND s.seq = u.seq) ON CONFLICT DO NOTHING RETURNING epoch, seq), "

/* A text in the making. */
struct making {
    struct buf sql;
    unsigned variant;
    int params[COLUMN_COUNT]; /* numbers of those that are wanted */
};

enum store_oid
column_oid(enum column c)
{
    return columns[c].oid;
}

enum store_oid
rejection_oid(enum rejection_column c)
{
    return rejection_oids[c];
}

bool
column_wanted(enum column c, unsigned variant)
{
    switch (columns[c].wanted) {
    case SITED:
        return (variant & VARIANT_SITED) != 0;
    case SCORED:
        return (variant & VARIANT_SCORED) != 0;
    case RARE:
        return (variant & VARIANT_RARE) != 0;
    case LONG:
        return (variant & VARIANT_LONG) != 0;
    case FRESH:
        return (variant & VARIANT_MET) == 0;
    case ALWAYS:
        break;
    }
    return true;
}

bool
column_shared(enum column c, unsigned variant)
{
    return (columns[c].how == SHARED && (variant & VARIANT_MIXED) == 0) ||
           (columns[c].how == ALIKE && (variant & VARIANT_UNLIKE) == 0);
}

static bool
column_stored(enum column c, unsigned variant)
{
    return column_wanted(c, variant) && columns[c].wanted != LONG && columns[c].wanted != FRESH;
}

/* Whether each row inserted is told of; else one answer stands for all. */
static bool
rows_told(unsigned variant)
{
    return (variant & (VARIANT_MET | VARIANT_ALERTS | VARIANT_IDENTITIES)) != 0;
}

/* FROM (SELECT unnest(array) AS name, …) AS u: functions in the list of a SELECT run in step and
 * hand on a row at a time; as FROM unnest(a, b, …) each would fill a store of its own first (a
 * sixteenth of the statement's instructions at 62 rows). */
static void
source_write(struct making *m, const enum column *list, size_t n)
{
    const char *comma = "";

    buf_append_str(&m->sql, " FROM (SELECT ");
    for (size_t i = 0; i < n; i++) {
        if (column_shared(list[i], m->variant))
            continue;
        buf_printf(&m->sql, "%sunnest($%d::%s[]) AS %s", comma, m->params[list[i]],
                   columns[list[i]].type, columns[list[i]].name);
        comma = ", ";
    }
    buf_append_str(&m->sql, ") AS u");
}

/* A column's value as it was given. */
static void
value_write(struct making *m, enum column c)
{
    if (column_shared(c, m->variant))
        buf_printf(&m->sql, "$%d::%s", m->params[c], columns[c].type);
    else
        buf_printf(&m->sql, "u.%s", columns[c].name);
}

/* As it will stand in the row. */
static void
stored_value_write(struct making *m, enum column c)
{
    if (c == COLUMN_answers && (m->variant & VARIANT_LONG) != 0) {
        buf_append_str(&m->sql, "CASE WHEN u.long_text IS NULL THEN u.answers"
                                " ELSE jsonb_set(u.answers, ARRAY[");
        value_write(m, COLUMN_long_key);
        buf_append_str(&m->sql, "], to_jsonb(u.long_text), false) END");
    } else if (c == COLUMN_flags) {
        buf_append_str(&m->sql, "string_to_array(u.flags, E'\\n')");
    } else if (c == COLUMN_skew_s) {
        buf_append_str(&m->sql, "u.skew_s / 1000000.0");
    } else {
        value_write(m, c);
    }
}

static void
stored_write(struct making *m)
{
    enum column list[COLUMN_COUNT];
    size_t n = 0;

    buf_append_str(&m->sql, "stored AS (INSERT INTO sluice.submissions (broker, hash_key");
    for (enum column c = 0; c < COLUMN_COUNT; c++) {
        if (column_stored(c, m->variant))
            buf_printf(&m->sql, ", %s", columns[c].name);
        if (column_wanted(c, m->variant) && columns[c].wanted != FRESH)
            list[n++] = c;
    }
    buf_append_str(&m->sql, ") SELECT $1::uuid, $2::int8");
    for (enum column c = 0; c < COLUMN_COUNT; c++) {
        if (!column_stored(c, m->variant))
            continue;
        buf_append_str(&m->sql, ", ");
        stored_value_write(m, c);
    }
    source_write(m, list, n);
    if ((m->variant & VARIANT_MET) != 0)
        buf_append_str(&m->sql, " ON CONFLICT DO NOTHING RETURNING study, submission_id,"
                                " subject_id, revision, status, content_hash, actor, role,"
                                " organisation, reason, audit_number, audit_mac, data_mac,"
                                " stored_at)");
    else if (rows_told(m->variant))
        buf_append_str(&m->sql, " RETURNING study, submission_id, stored_at)");
    else
        buf_append_str(&m->sql, ")");
}

/* The rows that AUDIT_SUBMISSIONS_SQL would make of a fresh statement's CTE "stored". */
static void
audit_fresh_write(struct making *m)
{
    static const struct {
        enum column column;
        const char *name;
    } audited[] = {
        {COLUMN_audit_number, "number"}, {COLUMN_audit_mac, "mac"},
        {COLUMN_study, "study"},         {COLUMN_subject_id, "subject_id"},
        {COLUMN_role, "role"},           {COLUMN_submission_id, "submission_id"},
        {COLUMN_detail, "detail"},       {COLUMN_organisation, "organisation"},
    };
    enum column list[ARRAY_LEN(audited) + 1];
    size_t n = 0;
    bool actors = column_wanted(COLUMN_actor, m->variant);

    buf_append_str(&m->sql, "audit AS (INSERT INTO sluice.audit_events (writer, batch, previous,"
                            " at, action, revision, actor");
    for (size_t i = 0; i < ARRAY_LEN(audited); i++) {
        if (!column_wanted(audited[i].column, m->variant))
            continue;
        buf_printf(&m->sql, ", %s", audited[i].name);
        list[n++] = audited[i].column;
    }
    buf_printf(&m->sql, ") SELECT $3::uuid, $4::int8, $5::bytea, $6::timestamptz, '%s', 1, %s",
               AUDIT_ACTION_STORED,
               actors ? "coalesce(u.actor, '" AUDIT_ACTOR_NONE "')" : "'" AUDIT_ACTOR_NONE "'");
    for (size_t i = 0; i < n; i++) {
        buf_append_str(&m->sql, ", ");
        value_write(m, list[i]);
    }
    if (actors)
        list[n++] = COLUMN_actor;
    source_write(m, list, n);
    buf_append_str(&m->sql, ")");
}

/* A rejection is mended when its id is stored: all ids of a study in one scan of the index over
 * (submission_id, study), a tenth of what a scan an id costs while the table is empty. The study is
 * compared in the index's collation, or it is no condition of the index. */
static void
resolved_write(struct making *m)
{
    static const enum column pair[] = {COLUMN_study, COLUMN_submission_id};

    buf_append_str(&m->sql, "resolved AS (UPDATE sluice.rejections r SET resolved_by ="
                            " r.submission_id FROM (SELECT ");
    if ((m->variant & VARIANT_MET) != 0) {
        buf_append_str(&m->sql, "study COLLATE \"default\" AS study, array_agg(submission_id) AS"
                                " ids FROM stored GROUP BY 1");
    } else if (column_shared(COLUMN_study, m->variant)) {
        buf_printf(&m->sql, "$%d::text AS study, $%d::uuid[] AS ids OFFSET 0",
                   m->params[COLUMN_study], m->params[COLUMN_submission_id]);
    } else {
        buf_append_str(&m->sql, "u.study, array_agg(u.submission_id) AS ids");
        source_write(m, pair, ARRAY_LEN(pair));
        buf_append_str(&m->sql, " GROUP BY 1");
    }
    buf_append_str(&m->sql, ") AS s WHERE r.study = s.study AND r.submission_id = ANY(s.ids)"
                            " AND r.kind <> 'conflict' AND r.resolved_by IS NULL)");
}

/* PostgreSQL runs CTEs that nothing reads from the last to the first. So in both forms submissions
 * go before rejections: with opposite orders two workers with one id could wait for each other. */
static void
rows_write(struct making *m)
{
    if ((m->variant & VARIANT_MET) != 0) {
        stored_write(m);
        buf_append_str(&m->sql, ", " AUDIT_SUBMISSIONS_SQL("$3", "$4", "$5", "$6") ", ");
        resolved_write(m);
    } else {
        resolved_write(m);
        buf_append_str(&m->sql, ", ");
        audit_fresh_write(m);
        buf_append_str(&m->sql, ", ");
        stored_write(m);
    }
}

char *
submissions_sql_make(unsigned variant)
{
    struct making m = {.variant = variant};
    int param = SUBMISSIONS_FIRST_PARAM;
    bool kept = (variant & VARIANT_REJECTIONS) != 0;

    buf_init(&m.sql, SQL_CEILING);
    buf_append_str(&m.sql, "WITH ");
    if (kept) {
        buf_append_str(&m.sql, KEPT_SQL);
        param += REJECTION_COUNT;
    }
    for (enum column c = 0; c < COLUMN_COUNT; c++)
        if (column_wanted(c, variant))
            m.params[c] = param++;
    rows_write(&m);
    if ((variant & VARIANT_IDENTITIES) != 0) {
        buf_append_str(&m.sql, ", ");
        identifiers_sql_write(&m.sql, param);
        param += IDENTIFIERS_PARAMS;
    }
    if ((variant & VARIANT_ALERTS) != 0) {
        buf_append_str(&m.sql, ", ");
        alerts_sql_write(&m.sql, param, kept ? ALERTS_STORED_AND_KEPT : ALERTS_STORED);
    }
    if (rows_told(variant))
        buf_append_str(&m.sql, " SELECT study, submission_id, stored_at");
    else
        buf_append_str(&m.sql, " SELECT NULL AS study, NULL AS submission_id, now() AS stored_at");
    if ((variant & VARIANT_ALERTS) != 0)
        buf_append_str(&m.sql, ", NULL::uuid AS alert_id, NULL::int8 AS alert_seq,"
                               " NULL::timestamptz AS raised_at, NULL::bool AS raised FROM stored"
                               " UNION ALL SELECT NULL, NULL, NULL, alert_id, seq, raised_at,"
                               " raised FROM alert_results");
    else if (rows_told(variant))
        buf_append_str(&m.sql, " FROM stored");
    int full = buf_append(&m.sql, "", 1);
    sluice_assert(full == BUF_OK && m.sql.size < SQL_CEILING);
    return (char *)m.sql.data; /* malloc'd; a buf holds nothing else */
}
