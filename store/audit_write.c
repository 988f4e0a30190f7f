/* One audit row a statement: who writes many at once carries them in its own
 * (AUDIT_SUBMISSIONS_SQL). */
#include "store/audit_write.h"

#include "base/error.h"

#define SQL_CEILING 4096

static const char *const columns[AUDIT_ROW_PARAMS] = {
    "writer",        "number",   "batch",        "previous", "mac",   "at",
    "actor",         "role",     "organisation", "action",   "study", "subject_id",
    "submission_id", "revision", "reason",       "detail"};
static const char *const types[AUDIT_ROW_PARAMS] = {
    "uuid", "int8", "int8", "bytea", "bytea", "timestamptz", "text", "text",
    "text", "text", "text", "text",  "uuid",  "int8",        "text", "text"};

int
audit_sql_write(struct buf *sql, int first, const char *condition)
{
    int full = buf_append_str(sql, "audit AS (INSERT INTO sluice.audit_events (");

    for (int c = 0; c < AUDIT_ROW_PARAMS; c++)
        full |= buf_printf(sql, "%s%s", c > 0 ? ", " : "", columns[c]);
    full |= buf_append_str(sql, ") SELECT ");
    for (int c = 0; c < AUDIT_ROW_PARAMS; c++)
        full |= buf_printf(sql, "%s$%d::%s", c > 0 ? ", " : "", first + c, types[c]);
    if (condition != NULL)
        full |= buf_printf(sql, " WHERE %s", condition);
    return full | buf_append_str(sql, ")");
}

static void
text_param(struct store_params *p, struct slice text)
{
    if (text.at != NULL)
        store_param_text(p, text.at, text.len);
    else
        store_param_null(p);
}

void
audit_params_fill(struct store_params *p, const struct audit_chain *chain,
                  const struct audit_row *row)
{
    store_param_uuid(p, &chain->writer);
    store_param_bigint(p, row->number);
    store_param_bigint(p, chain->batch);
    store_param_bytes(p, chain->head, sizeof(chain->head));
    store_param_bytes(p, row->mac, sizeof(row->mac));
    store_param_time(p, row->at_us);
    text_param(p, row->actor);
    text_param(p, row->role);
    text_param(p, row->organisation);
    text_param(p, row->action);
    text_param(p, row->study);
    text_param(p, row->subject);
    if (row->has_submission)
        store_param_uuid(p, &row->submission);
    else
        store_param_null(p);
    if (row->revision != 0)
        store_param_bigint(p, row->revision);
    else
        store_param_null(p);
    text_param(p, row->reason);
    text_param(p, row->detail);
}

int
audit_write(struct store *s, struct audit_chain *chain, struct audit_row *row)
{
    struct store_params p = {0};
    struct buf sql;

    buf_init(&sql, SQL_CEILING);
    int full = buf_append_str(&sql, "WITH ") | audit_sql_write(&sql, 1, NULL) |
               buf_append(&sql, " SELECT", sizeof(" SELECT"));
    sluice_assert(full == BUF_OK);
    audit_row_sign(chain, row);
    audit_params_fill(&p, chain, row);
    int n =
        store_run(s, &(struct store_statement){"audit_write", (const char *)sql.data}, &p, NULL);
    if (n == STORE_OK)
        audit_chain_advance(chain, &(const struct audit_row *){row}, 1);
    else
        audit_chain_restart(chain);
    buf_deinit(&sql);
    return n;
}
