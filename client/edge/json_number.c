/* JSON numbers. An integer becomes a msgpack integer and must fit; anything with a fraction or an
 * exponent keeps its literal, so that no digit is lost on the way to the row. */
#include "client/edge/json_scalar.h"

#include <stdbool.h>
#include <string.h>

struct literal {
    const uint8_t *start, *end;
    bool negative, is_integer, overflows;
    uint64_t magnitude; /* of the digits before the point */
    int digits;         /* significant ones, from the first that is not zero */
    int exponent;       /* as written */
    int leading; /* decimal exponent of the first significant digit, before the written one */
};

static bool
is_digit(const uint8_t *p, const uint8_t *end)
{
    return p < end && *p >= '0' && *p <= '9';
}

static const uint8_t *
integer_part(struct literal *l, const uint8_t *p, const uint8_t *end)
{
    const uint8_t *first = p;

    for (; is_digit(p, end); p++) {
        uint64_t d = (uint64_t)(*p - '0');
        if (__builtin_mul_overflow(l->magnitude, 10, &l->magnitude) ||
            __builtin_add_overflow(l->magnitude, d, &l->magnitude))
            l->overflows = true;
        if (p - first > JSON_EXPONENT_MAX + JSON_DIGITS_MAX)
            return NULL;
    }
    if (*first != '0') {
        l->digits = (int)(p - first);
        l->leading = l->digits - 1;
    }
    return p;
}

static const uint8_t *
fraction_part(struct literal *l, const uint8_t *p, const uint8_t *end)
{
    const uint8_t *first = p;

    for (; is_digit(p, end); p++) {
        if (l->digits > 0) {
            l->digits++;
        } else if (*p != '0') {
            l->digits = 1;
            l->leading = -(int)(p - first) - 1;
        }
        if (p - first > JSON_EXPONENT_MAX + JSON_DIGITS_MAX)
            return NULL;
    }
    return p;
}

static const uint8_t *
exponent_part(struct literal *l, const uint8_t *p, const uint8_t *end)
{
    bool negative = false;
    const uint8_t *first;

    if (p < end && (*p == '+' || *p == '-'))
        negative = *p++ == '-';
    for (first = p; is_digit(p, end); p++) {
        if (l->exponent <= JSON_EXPONENT_MAX)
            l->exponent = l->exponent * 10 + (*p - '0');
        if (p - first > JSON_EXPONENT_MAX)
            return NULL;
    }
    if (negative)
        l->exponent = -l->exponent;
    return p;
}

/* Reads the literal by RFC 8259's grammar; on a fault l->end is where. */
static enum json_fault
literal_read(struct literal *l, const uint8_t *end)
{
    const uint8_t *p = l->start, *next;

    if (*p == '-') {
        l->negative = true;
        p++;
    }
    l->end = p;
    if (!is_digit(p, end) || (*p == '0' && is_digit(p + 1, end)))
        return JSON_SYNTAX;
    if ((next = integer_part(l, p, end)) == NULL)
        return JSON_RANGE;
    p = l->end = next;
    l->is_integer = true;
    if (p < end && *p == '.') {
        l->is_integer = false;
        if (!is_digit(++p, end))
            return JSON_SYNTAX;
        if ((next = fraction_part(l, p, end)) == NULL)
            return JSON_RANGE;
        p = l->end = next;
    }
    if (p < end && (*p | 0x20) == 'e') {
        l->is_integer = false;
        p++;
        if (p < end && !is_digit(p, end) && !((*p == '+' || *p == '-') && is_digit(p + 1, end)))
            return JSON_SYNTAX;
        if (p == end)
            return JSON_SYNTAX;
        if ((next = exponent_part(l, p, end)) == NULL)
            return JSON_RANGE;
        p = l->end = next;
    }
    return JSON_OK;
}

static uint8_t *
uint_write(uint8_t *p, uint64_t v)
{
    if (v < 0x80) {
        *p++ = (uint8_t)v;
    } else if (v < 0x100) {
        *p++ = 0xcc;
        *p++ = (uint8_t)v;
    } else if (v < 0x10000) {
        *p++ = 0xcd;
        p = be16_write(p, (uint32_t)v);
    } else if (v < 0x100000000) {
        *p++ = 0xce;
        p = be32_write(p, (uint32_t)v);
    } else {
        *p++ = 0xcf;
        p = be32_write(p, (uint32_t)(v >> 32));
        p = be32_write(p, (uint32_t)v);
    }
    return p;
}

/* v < 0 */
static uint8_t *
negative_write(uint8_t *p, int64_t v)
{
    if (v >= -32) {
        *p++ = (uint8_t)v;
    } else if (v >= INT8_MIN) {
        *p++ = 0xd0;
        *p++ = (uint8_t)v;
    } else if (v >= INT16_MIN) {
        *p++ = 0xd1;
        p = be16_write(p, (uint32_t)v & 0xffff);
    } else if (v >= INT32_MIN) {
        *p++ = 0xd2;
        p = be32_write(p, (uint32_t)v);
    } else {
        *p++ = 0xd3;
        p = be32_write(p, (uint32_t)((uint64_t)v >> 32));
        p = be32_write(p, (uint32_t)v);
    }
    return p;
}

static uint8_t *
decimal_write(uint8_t *p, const uint8_t *literal, size_t len)
{
    switch (len) {
    case 1:
    case 2:
    case 4:
    case 8:
    case 16:
        *p++ = (uint8_t)(0xd4 + __builtin_ctzll(len));
        break;
    default:
        if (len < 0x100) {
            *p++ = 0xc7;
            *p++ = (uint8_t)len;
        } else {
            *p++ = 0xc8;
            p = be16_write(p, (uint32_t)len);
        }
        break;
    }
    *p++ = MP_DECIMAL;
    memcpy(p, literal, len);
    return p + len;
}

static bool
is_out_of_range(const struct literal *l)
{
    if (l->exponent > JSON_EXPONENT_MAX || l->exponent < -JSON_EXPONENT_MAX)
        return true;
    int adjusted = l->leading + l->exponent;
    return l->digits > 0 && (adjusted > JSON_EXPONENT_MAX || adjusted < -JSON_EXPONENT_MAX);
}

enum json_fault
json_number(const uint8_t **at, const uint8_t *end, uint8_t **out)
{
    struct literal l = {.start = *at};

    enum json_fault fault = literal_read(&l, end);
    if (fault != JSON_OK) {
        *at = l.end;
        return fault;
    }
    if (l.digits > JSON_DIGITS_MAX)
        return JSON_DIGITS;
    if (!l.is_integer) {
        if (is_out_of_range(&l))
            return JSON_RANGE;
        *out = decimal_write(*out, l.start, (size_t)(l.end - l.start));
    } else if (l.overflows || (l.negative && l.magnitude > (uint64_t)INT64_MAX + 1)) {
        return JSON_RANGE;
    } else if (l.negative && l.magnitude > 0) {
        *out = negative_write(*out, (int64_t)(0 - l.magnitude));
    } else {
        *out = uint_write(*out, l.magnitude);
    }
    *at = l.end;
    return JSON_OK;
}
