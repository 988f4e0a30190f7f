/* The answers of one submission as jsonb likes them best: half of PostgreSQL's time for a row was
 * spent reading their text. Its sort of the members is over at once where they come in jsonb's own
 * order (length, then bytes); and its scanner (up to version 15) takes a string byte by byte, so
 * one long free text goes beside the JSON and is put in its place by jsonb_set. */
#ifndef SLUICE_STORE_ANSWERS_H
#define SLUICE_STORE_ANSWERS_H

#include "base/buf.h"
#include "store/submissions.h"

#define ANSWERS_SORTED_MAX 64 /* members; more are written as they stand */
#define ANSWERS_LONG_MIN 512  /* bytes; below, jsonb_set costs more than it saves */

/* Appends msgpack (one value that passed mp_check) as JSON text. *ret_key and *ret_text: the member
 * left out (null stands in its place) and its text; at NULL: none. BUF_OK or BUF_FULL. */
int answers_write(struct buf *b, struct slice msgpack, struct slice *ret_key,
                  struct slice *ret_text);

#endif
