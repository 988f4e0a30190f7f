/* msgpack → JSON text exactly as PostgreSQL prints the same value as jsonb: members by length and
 * bytes of their keys, ", " and ": " between, numbers without exponent. What is written can then be
 * told from what stands there later without asking PostgreSQL to compare (audit_data.h). */
#ifndef SLUICE_STORE_JSON_TEXT_H
#define SLUICE_STORE_JSON_TEXT_H

#include "base/buf.h"
#include "schemas/wire/mp.h"

/* Appends the value at the cursor and moves it on. The bytes must have passed mp_check; bin,
 * foreign ext types and floats that are no number become null. BUF_OK or BUF_FULL. */
int json_text_write(struct buf *b, struct mp_cursor *at);
/* The same of a value that was read, neither array nor map. */
int json_text_scalar(struct buf *b, const struct mp_value *v);
/* One string with its quotes. */
int json_text_string(struct buf *b, const char *text, size_t len);
/* The same with the colon of a member behind it. */
int json_text_key(struct buf *b, const char *key, size_t len);

#endif
