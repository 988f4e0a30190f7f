/* Identifiers in the statement that stores the form they came with. */
#ifndef SLUICE_STORE_IDENTIFIERS_WRITE_H
#define SLUICE_STORE_IDENTIFIERS_WRITE_H

#include "base/buf.h"
#include "store/identity.h"
#include "store/values.h"

#define IDENTIFIERS_PARAMS 9

struct identifiers_writer; /* memory for one statement's parameters, reused */
struct identifiers_writer *identifiers_writer_new(size_t ceiling);
void identifiers_writer_free(struct identifiers_writer *w);

/* Appends the CTE "identifiers", parameters from $first on, for a statement with a CTE "stored"
 * (study, submission_id): only what was really stored brings its identifiers. */
int identifiers_sql_write(struct buf *sql, int first);
/* BUF_OK or BUF_FULL. */
int identifiers_params_fill(struct identifiers_writer *w, const struct identifier_row *rows,
                            size_t n, struct store_params *p);

#endif
