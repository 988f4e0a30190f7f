/* Audit rows of statements other than the submissions batch: what people do with sluicectl, and
 * what services do besides storing. */
#ifndef SLUICE_STORE_AUDIT_WRITE_H
#define SLUICE_STORE_AUDIT_WRITE_H

#include "base/buf.h"
#include "store/audit.h"
#include "store/connection.h"

/* One row within another statement: appends "audit AS (INSERT …)" with parameters from $first on;
 * condition (may be NULL) is SQL that must hold, "EXISTS (SELECT FROM …)". */
#define AUDIT_ROW_PARAMS 16
int audit_sql_write(struct buf *sql, int first, const char *condition);
void audit_params_fill(struct store_params *p, const struct audit_chain *chain,
                       const struct audit_row *row);

/* Signs and inserts rows as one batch, in a statement of its own. After STORE_OK the chain has been
 * advanced; otherwise it has been restarted. */
int audit_write(struct store *s, struct audit_chain *chain, struct audit_row *row);

#endif
