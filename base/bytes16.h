/* Sixteen bytes looked at together, by GNU C's vectors, which every processor of ours has: for
 * scans of text that nearly always find nothing. Comparing one with a byte gives all ones in the
 * places where it holds. */
#ifndef SLUICE_BASE_BYTES16_H
#define SLUICE_BASE_BYTES16_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef uint8_t bytes16 __attribute__((vector_size(16)));
typedef uint64_t bytes16_words __attribute__((vector_size(16)));

/* From anywhere; sixteen bytes must be there. */
static inline bytes16
bytes16_load(const char *text)
{
    bytes16 b;

    memcpy(&b, text, sizeof(b));
    return b;
}

static inline bytes16
bytes16_of(uint64_t first, uint64_t last)
{
    return (bytes16)(bytes16_words){first, last};
}

/* Whether a bit is set in any. */
static inline bool
bytes16_any(bytes16 b)
{
    return (((bytes16_words)b)[0] | ((bytes16_words)b)[1]) != 0;
}

#endif
