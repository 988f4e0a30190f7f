/* msgpack back to JSON, for the parts of answers that the edge only passes on. */
#ifndef SLUICE_EDGE_JSON_VALUE_H
#define SLUICE_EDGE_JSON_VALUE_H

#include "base/buf.h"
#include "schemas/wire/mp.h"

/* Writes the value at c (let through by mp_check) and moves behind it. Decimals come out as the
 * literals they were; what JSON has no word for (bytes, other ext types, NaN) comes out as null, a
 * map's key that is no string as "". */
void json_put_value(struct buf *b, struct mp_cursor *c);

#endif
