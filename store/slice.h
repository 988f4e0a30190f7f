/* Bytes that belong to someone else: what rows are handed over in. */
#ifndef SLUICE_STORE_SLICE_H
#define SLUICE_STORE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* at NULL: SQL null. */
struct slice {
    const void *at;
    size_t len;
};
#define TIME_NONE INT64_MIN /* SQL null */

/* NULL: null. */
static inline struct slice
slice_of(const char *text)
{
    return (struct slice){text, text != NULL ? strlen(text) : 0};
}

/* A null slice is no text, not even the empty one. */
static inline bool
slice_is(struct slice s, const char *text)
{
    return s.at != NULL && s.len == strlen(text) && memcmp(s.at, text, s.len) == 0;
}

#endif
