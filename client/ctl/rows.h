/* msgpack rows of a REPLY as JSON objects. */
#ifndef SLUICE_CTL_ROWS_H
#define SLUICE_CTL_ROWS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* data: one msgpack array of maps. Appends them to rows; false (rows untouched) if it is anything
 * else. UUIDs (16 bytes) come as text, other bytes as hex, integers past int64 as decimal text. */
bool rows_read(const uint8_t *data, size_t size, json_t *rows);
/* A member of one row; "" and 0 where it has none of that type. */
const char *row_text(const json_t *row, const char *member);
json_int_t row_number(const json_t *row, const char *member);

#endif
