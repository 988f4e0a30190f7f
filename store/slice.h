/* Bytes that belong to someone else: what rows are handed over in. */
#ifndef SLUICE_STORE_SLICE_H
#define SLUICE_STORE_SLICE_H

#include <stddef.h>
#include <stdint.h>

/* at NULL: SQL null. */
struct slice {
    const void *at;
    size_t len;
};
#define TIME_NONE INT64_MIN /* SQL null */

#endif
