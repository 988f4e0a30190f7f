/* A one-dimensional PostgreSQL array in binary form, built element by element. Values longer than a
 * piece can be written in place: array_open, append to a->bytes, array_close. */
#ifndef SLUICE_STORE_ARRAY_H
#define SLUICE_STORE_ARRAY_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* OIDs of pg_type, fixed for ever. */
enum store_oid {
    OID_BOOL = 16,
    OID_BYTEA = 17,
    OID_INT8 = 20,
    OID_INT4 = 23,
    OID_TEXT = 25,
    OID_TIMESTAMPTZ = 1184,
    OID_UUID = 2950,
    OID_JSONB = 3802,
};

struct array {
    struct buf bytes;
    uint32_t n;
    size_t open_at; /* where the open element's length stands */
};

void array_init(struct array *a, size_t ceiling);
void array_deinit(struct array *a);
void array_begin(struct array *a, enum store_oid element);
/* BUF_OK or BUF_FULL; after BUF_FULL begin anew. */
int array_add(struct array *a, const void *bytes, size_t len);
int array_add_null(struct array *a);
int array_add_bigint(struct array *a, int64_t v);
int array_add_time(struct array *a, int64_t wall_us);
int array_open(struct array *a);
void array_close(struct array *a);
/* Writes the counts in; afterwards bytes is the parameter. */
void array_end(struct array *a);

#endif
