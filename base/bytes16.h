/* Sixteen bytes looked at together, by GNU C's vectors, which every processor of ours has: for
 * scans of text that nearly always find nothing, and for hex digits. Comparing one with a byte
 * gives all ones in the places where it holds. */
#ifndef SLUICE_BASE_BYTES16_H
#define SLUICE_BASE_BYTES16_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef uint8_t bytes16 __attribute__((vector_size(16)));
typedef int8_t bytes16_signed __attribute__((vector_size(16)));
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

/* The sixteen hex digits of eight bytes, in lower case. */
static inline void
bytes16_hex(const uint8_t bytes[8], char ret_digits[16])
{
    uint64_t eight;

    memcpy(&eight, bytes, sizeof(eight));
    bytes16 b = bytes16_of(eight, 0);
    bytes16 high = b >> 4, low = b & 0x0f;
    bytes16 digits = __builtin_shuffle(
        high, low, (bytes16){0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23});
    digits += '0' + ((bytes16)(digits > 9) & ('a' - '0' - 10));
    memcpy(ret_digits, &digits, sizeof(digits));
}

/* Whether a bit is set in any. */
static inline bool
bytes16_any(bytes16 b)
{
    return (((bytes16_words)b)[0] | ((bytes16_words)b)[1]) != 0;
}

#endif
