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

/* The member left out, with ANSWERS_HOLE in its place; key.at NULL: none. */
#define ANSWERS_HOLE "null"
struct answers_beside {
    struct slice key, text;
    size_t at; /* of the hole, in the buffer */
};

/* Appends msgpack (one value that passed mp_check) as JSON text. BUF_OK or BUF_FULL. */
int answers_write(struct buf *b, struct slice msgpack, struct answers_beside *ret_beside);

#endif
