/* A growing byte buffer with a ceiling. One owner; not shared between threads.
 *
 * Invariants: size <= cap <= ceiling. A write that would pass the ceiling changes nothing and
 * returns BUF_FULL, so what a peer sizes can never make us allocate past it. */
#ifndef SLUICE_BASE_BUF_H
#define SLUICE_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/error.h"

enum buf_outcome { BUF_OK = 0, BUF_FULL = 1 };

struct buf {
    uint8_t *data;
    size_t size;
    size_t cap;
    size_t ceiling;
};

void buf_init(struct buf *b, size_t ceiling);
void buf_deinit(struct buf *b);
void buf_clear(struct buf *b);             /* size = 0, memory kept */
void buf_trim(struct buf *b, size_t keep); /* clears, and gives memory above keep bytes back */

/* buf_reserve and buf_append where memory must grow. */
int buf_grow(struct buf *b, size_t n);
int buf_append_slow(struct buf *b, const void *data, size_t n);
int buf_append_str(struct buf *b, const char *s);
int buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Room for n more bytes; *ret_p points at them; buf_commit says how many were written. ret_p is
 * handed on to no other function, so that the caller's pointer stays in a register. */
static inline int
buf_reserve(struct buf *b, size_t n, uint8_t **ret_p)
{
    if ((n == 0 || n > b->cap - b->size) && buf_grow(b, n) != BUF_OK)
        return BUF_FULL;
    *ret_p = b->data + b->size;
    return BUF_OK;
}

static inline void
buf_commit(struct buf *b, size_t n)
{
    sluice_assert(n <= b->cap - b->size);
    b->size += n;
}

/* Here, so that appending some constant bytes is a compare and a store. */
static inline int
buf_append(struct buf *b, const void *data, size_t n)
{
    if (n == 0 || n > b->cap - b->size)
        return buf_append_slow(b, data, n);
    memcpy(b->data + b->size, data, n);
    b->size += n;
    return BUF_OK;
}

#endif
