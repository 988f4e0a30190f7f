/* What the files of reads.h share. */
#ifndef SLUICE_STORE_READS_INNER_H
#define SLUICE_STORE_READS_INNER_H

#include "store/array.h"
#include "store/reads.h"

/* RFC 3339 in UTC, as everywhere else. */
#define READ_TIME(column)                                                                          \
    "to_char(" column " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"

/* The studies as the next parameter. The array must live until the statement was sent; array_deinit
 * it in any case. STORE_OK, or STORE_INVALID: too many. */
int read_studies_param(struct store_params *p, struct array *a, const struct read_studies *studies);
/* Runs a statement whose first column is the JSON text; a first row that is null is none. */
int read_run(struct store *s, const struct store_statement *statement, const struct store_params *p,
             read_take take, void *arg);
struct slice read_slice(const PGresult *r, int row, int column);

#endif
