/* The text of the batch statement. Inner header of store/.
 *
 * One variant for each shape of batch met: what a batch does not need (rejections, alerts, rare
 * columns, an array of equal values, a way for long texts) costs PostgreSQL microseconds a row, so
 * it is not in its statement. Reading order: kept (rejections), stored (submissions), audit,
 * resolved, identifiers, the alerts' CTEs, and one list of results.
 *
 * A fresh statement (without VARIANT_MET) inserts every row or fails. So its audit rows and what it
 * mends come of the parameters, not of rows handed back, and one answer may stand for all rows: a
 * tenth of what PostgreSQL does for a row. */
#ifndef SLUICE_STORE_SUBMISSIONS_SQL_H
#define SLUICE_STORE_SUBMISSIONS_SQL_H

#include <stdbool.h>

#include "store/array.h"

enum column {
#define COLUMN(name, oid, type, wanted, how) COLUMN_##name,
#include "store/submission_columns.def"
#undef COLUMN
    COLUMN_COUNT
};

/* Of rejections, in the order of the arrays in the statement. */
enum rejection_column {
    REJECTION_EPOCH,
    REJECTION_SEQ,
    REJECTION_KIND,
    REJECTION_STUDY,
    REJECTION_ID,
    REJECTION_SUBJECT,
    REJECTION_QUESTIONNAIRE,
    REJECTION_VERSION,
    REJECTION_REASONS,
    REJECTION_SEALED,
    REJECTION_HASH,
    REJECTION_RECEIVED,
    REJECTION_ACCEPTED,
    REJECTION_COUNT
};

/* The shape of a batch: a bit for each thing it has. */
enum variant {
    VARIANT_REJECTIONS = 1,   /* some */
    VARIANT_MIXED = 2,        /* SHARED columns that differ between rows */
    VARIANT_RARE = 4,         /* a row with RARE columns */
    VARIANT_LONG = 8,         /* a row whose long text goes beside its answers */
    VARIANT_SITED = 16,       /* a row with a site */
    VARIANT_SCORED = 32,      /* a row with scores */
    VARIANT_ALERTS = 64,      /* some */
    VARIANT_IDENTITIES = 128, /* some */
    VARIANT_MET = 256,        /* rows that may stand there already: ON CONFLICT DO NOTHING */
    VARIANT_UNLIKE = 512,     /* ALIKE columns that differ between rows */
    VARIANT_COUNT = 1024
};

/* Parameters, in order: broker, hash key, the audit's writer, batch, previous head and time; the
 * rejections' arrays, the columns that column_wanted, identifiers, alerts. */
#define SUBMISSIONS_FIRST_PARAM 7

enum store_oid column_oid(enum column c);
enum store_oid rejection_oid(enum rejection_column c);
bool column_wanted(enum column c, unsigned variant);
bool column_shared(enum column c, unsigned variant);
/* The statement's text, malloc'd. Results: study, submission_id, stored_at of a row inserted, or
 * once, without study and submission_id, for all rows; or alert_id, seq, raised_at, raised of an
 * alert (columns 3 to 6), the first three null. */
char *submissions_sql_make(unsigned variant);

#endif
