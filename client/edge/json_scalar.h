/* Strings and numbers of the transcoder, and its scan of plain characters. Inner header of json.
 *
 * Each reads at *at (behind the opening quote; at the first character of the number), writes
 * msgpack at *out, and moves both on. The writer never needs more than twice what it read plus
 * eight bytes. On a fault *at points at what was wrong and *out is as it was. */
#ifndef SLUICE_EDGE_JSON_SCALAR_H
#define SLUICE_EDGE_JSON_SCALAR_H

#include <stdint.h>

#include "client/edge/json.h"

#define JSON_DIGITS_MAX 34
#define JSON_EXPONENT_MAX 308

/* The first byte at or behind p that a string can't hold as it is (control character, quote,
 * backslash) or that is not ASCII, or end. */
const uint8_t *json_plain_end(const uint8_t *p, const uint8_t *end);

/* A string's characters, as they were written. */
struct json_chars {
    const uint8_t *at;
    uint32_t len;
};

enum json_fault json_string(const uint8_t **at, const uint8_t *end, uint8_t **out,
                            struct json_chars *ret_chars);
enum json_fault json_number(const uint8_t **at, const uint8_t *end, uint8_t **out);

static inline uint8_t *
be16_write(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
    return p + 2;
}

static inline uint8_t *
be32_write(uint8_t *p, uint32_t v)
{
    return be16_write(be16_write(p, v >> 16), v & 0xffff);
}

#endif
