/* Writes JSON text: what answers are made of. Bodies of answers are small; a buffer's ceiling is an
 * assertion, not an outcome. */
#ifndef SLUICE_EDGE_JSON_TEXT_H
#define SLUICE_EDGE_JSON_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/uuid.h"

/* Here, so that a constant text is some stores. */
static inline void
json_put_n(struct buf *b, const char *text, size_t len)
{
    int full = buf_append(b, text, len);
    sluice_assert(full == BUF_OK);
}

static inline void
json_put(struct buf *b, const char *text)
{
    json_put_n(b, text, strlen(text));
}

/* A string with its quotes; invalid UTF-8 comes out as U+FFFD. */
void json_put_string(struct buf *b, const char *s, size_t len);
void json_put_uint(struct buf *b, uint64_t v);
void json_put_uuid(struct buf *b, const struct uuid *u);
/* RFC 3339 in quotes. */
void json_put_time(struct buf *b, int64_t wall_us);

#endif
