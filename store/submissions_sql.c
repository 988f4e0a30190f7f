/* Rejections go first: who wakes up late may refuse what another attempt has stored meanwhile. */
#include "store/submissions_sql.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "store/alerts_write.h"
#include "store/audit.h"
#include "store/identifiers_write.h"

#define SQL_CEILING ((size_t)32 << 10)

enum shape { SHAPE_EACH, SHAPE_SHARED, SHAPE_RARE, SHAPE_SITED, SHAPE_SCORED };

static const struct {
    const char *name, *type;
    enum store_oid oid;
    enum shape shape;
} columns[] = {
#define COLUMN(name, oid, type, shape) [COLUMN_##name] = {#name, type, OID_##oid, SHAPE_##shape},
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

/* A rejection is mended when its id is stored: all ids of a study in one scan of the index over
 * (study, submission_id), a tenth of what a scan an id costs while the table is empty. The study is
 * compared in the index's collation, or the index is read from end to end. */
#define RESOLVED_SQL                                                                               \
    ", resolved AS (UPDATE sluice.rejections r SET resolved_by = r.submission_id FROM (SELECT"     \
    " study COLLATE \"default\" AS study, array_agg(submission_id) AS ids FROM stored GROUP BY 1)" \
    " AS s WHERE r.study = s.study AND r.submission_id = ANY(s.ids) AND r.kind <> 'conflict'"      \
    " AND r.resolved_by IS NULL)"

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
    switch (columns[c].shape) {
    case SHAPE_RARE:
        return (variant & VARIANT_RARE) != 0;
    case SHAPE_SITED:
        return (variant & VARIANT_SITED) != 0;
    case SHAPE_SCORED:
        return (variant & VARIANT_SCORED) != 0;
    case SHAPE_EACH:
    case SHAPE_SHARED:
        break;
    }
    return true;
}

bool
column_shared(enum column c, unsigned variant)
{
    return columns[c].shape == SHAPE_SHARED && (variant & VARIANT_MIXED) == 0;
}

/* How a column's value is made of the array element of the same name. */
static void
value_write(struct buf *values, enum column c, bool long_texts)
{
    if (c == COLUMN_answers && long_texts)
        buf_append_str(values,
                       ", CASE WHEN u.long_key IS NULL THEN u.answers ELSE jsonb_set(u.answers,"
                       " ARRAY[u.long_key], to_jsonb(u.long_text), false) END");
    else if (c == COLUMN_flags)
        buf_append_str(values, ", string_to_array(u.flags, E'\\n')");
    else if (c == COLUMN_skew_s)
        buf_append_str(values, ", u.skew_s / 1000000.0");
    else
        buf_printf(values, ", u.%s", columns[c].name);
}

/* INSERT … (names) SELECT values FROM (SELECT unnest(array) AS name, …) AS u …: functions in the
 * list of a SELECT run in step and hand on a row at a time; as FROM unnest(a, b, …) each would fill
 * a store of its own first (a sixteenth of the statement's instructions at 62 rows). */
static int
stored_write(struct buf *sql, unsigned variant, int param)
{
    struct buf names, values, arrays;
    struct buf *all[] = {&names, &values, &arrays};
    bool long_texts = (variant & VARIANT_LONG) != 0;
    const char *met = (variant & VARIANT_MET) != 0 ? " ON CONFLICT DO NOTHING" : "";

    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        buf_init(all[i], SQL_CEILING);
        buf_append_str(all[i], ""); /* so that data is never NULL */
    }
    for (enum column c = 0; c < COLUMN_COUNT; c++) {
        const char *comma = arrays.size > 0 ? ", " : "";
        if (!column_wanted(c, variant))
            continue;
        buf_printf(&names, ", %s", columns[c].name);
        if (column_shared(c, variant)) {
            buf_printf(&values, ", $%d::%s", param++, columns[c].type);
            continue;
        }
        value_write(&values, c, long_texts);
        buf_printf(&arrays, "%sunnest($%d::%s[]) AS %s", comma, param++, columns[c].type,
                   columns[c].name);
    }
    if (long_texts) {
        buf_printf(&arrays, ", unnest($%d::text[]) AS long_key, unnest($%d::text[]) AS long_text",
                   param, param + 1);
        param += 2;
    }
    buf_printf(sql,
               "stored AS (INSERT INTO sluice.submissions (broker, hash_key%.*s) SELECT $1::uuid,"
               " $2::int8%.*s FROM (SELECT %.*s) AS u%s RETURNING study,"
               " submission_id, subject_id, revision, status, content_hash, actor, role,"
               " organisation, reason, audit_number, audit_mac, data_mac, stored_at), ",
               (int)names.size, (const char *)names.data, (int)values.size,
               (const char *)values.data, (int)arrays.size, (const char *)arrays.data, met);
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        buf_deinit(all[i]);
    return param;
}

char *
submissions_sql_make(unsigned variant)
{
    struct buf sql;
    int param = SUBMISSIONS_FIRST_PARAM;
    bool kept = (variant & VARIANT_REJECTIONS) != 0;

    buf_init(&sql, SQL_CEILING);
    buf_append_str(&sql, "WITH ");
    if (kept) {
        buf_append_str(&sql, KEPT_SQL);
        param += REJECTION_COUNT;
    }
    param = stored_write(&sql, variant, param);
    buf_append_str(&sql, AUDIT_SUBMISSIONS_SQL("$3", "$4", "$5", "$6"));
    buf_append_str(&sql, RESOLVED_SQL);
    if ((variant & VARIANT_IDENTITIES) != 0) {
        buf_append_str(&sql, ", ");
        identifiers_sql_write(&sql, param);
        param += IDENTIFIERS_PARAMS;
    }
    if ((variant & VARIANT_ALERTS) != 0) {
        buf_append_str(&sql, ", ");
        alerts_sql_write(&sql, param, kept ? ALERTS_STORED_AND_KEPT : ALERTS_STORED);
    }
    buf_append_str(&sql, " SELECT study, submission_id, stored_at");
    if ((variant & VARIANT_ALERTS) != 0)
        buf_append_str(&sql, ", NULL::uuid AS alert_id, NULL::int8 AS alert_seq,"
                             " NULL::timestamptz AS raised_at, NULL::bool AS raised FROM stored"
                             " UNION ALL SELECT NULL, NULL, NULL, alert_id, seq, raised_at, raised"
                             " FROM alert_results");
    else
        buf_append_str(&sql, " FROM stored");
    int full = buf_append(&sql, "", 1);
    sluice_assert(full == BUF_OK && sql.size < SQL_CEILING);
    return (char *)sql.data; /* malloc'd; a buf holds nothing else */
}
