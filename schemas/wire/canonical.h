/* The canonical form of a msgpack map: keys sorted bytewise at every level, shortest heads. Inner
 * header of schemas/wire (identity). */
#ifndef SLUICE_SCHEMAS_WIRE_CANONICAL_H
#define SLUICE_SCHEMAS_WIRE_CANONICAL_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum canonical_outcome { CANONICAL_OK = 0, CANONICAL_TOO_LARGE = 1, CANONICAL_MALFORMED = 2 };

/* data: a map that mp_check let through. Members of the top level named in omit (NULL-terminated)
 * are left out. scratch is cleared; the form lies in it at *ret_form. */
int canonical_form(const uint8_t *data, size_t size, const char *const *omit, struct buf *scratch,
                   const uint8_t **ret_form, size_t *ret_size);

#endif
