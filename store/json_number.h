/* A JSON number as PostgreSQL's numeric prints it: no exponent, no sign of zero, and behind the
 * point the digits that were sent. */
#ifndef SLUICE_STORE_JSON_NUMBER_H
#define SLUICE_STORE_JSON_NUMBER_H

#include "base/buf.h"

/* Appends a literal of JSON's grammar. One whose exponent is past what any edge lets through is
 * written as it stands. BUF_OK or BUF_FULL. */
int json_number_write(struct buf *b, const char *text, size_t len);

#endif
