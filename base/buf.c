/* The growing buffer: doubles until its ceiling, refuses past it and leaves what it holds alone. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

#define BUF_FIRST_CAP ((size_t)64)

void
buf_init(struct buf *b, size_t ceiling)
{
    *b = (struct buf){.ceiling = ceiling};
}

void
buf_deinit(struct buf *b)
{
    free(b->data);
    *b = (struct buf){.ceiling = b->ceiling};
}

void
buf_clear(struct buf *b)
{
    b->size = 0;
}

void
buf_trim(struct buf *b, size_t keep)
{
    b->size = 0;
    if (b->cap <= keep)
        return;
    if (keep == 0) {
        free(b->data);
        b->data = NULL;
    } else {
        b->data = mem_grow(b->data, keep, 1);
    }
    b->cap = keep;
}

int
buf_grow(struct buf *b, size_t n)
{
    if (n > b->ceiling - b->size)
        return BUF_FULL;

    size_t wanted = b->size + n;
    if (wanted > b->cap || b->data == NULL) {
        size_t cap = b->cap > BUF_FIRST_CAP ? b->cap : BUF_FIRST_CAP;
        while (cap < wanted)
            cap = cap > b->ceiling / 2 ? b->ceiling : cap * 2;
        if (cap > b->ceiling)
            cap = b->ceiling;
        b->data = mem_grow(b->data, cap, 1);
        b->cap = cap;
    }
    return BUF_OK;
}

int
buf_append_slow(struct buf *b, const void *data, size_t n)
{
    uint8_t *p;

    int r = buf_reserve(b, n, &p);
    if (r != BUF_OK)
        return r;
    if (n > 0)
        memcpy(p, data, n);
    buf_commit(b, n);
    return BUF_OK;
}

int
buf_append_str(struct buf *b, const char *s)
{
    return buf_append(b, s, strlen(s));
}

int
buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    char *text = NULL;
    int n = vasprintf(&text, fmt, args);
    va_end(args);
    sluice_assert(n >= 0); /* fails only for want of memory or for a wrong format of ours */

    int r = buf_append(b, text, (size_t)n);
    free(text);
    return r;
}
