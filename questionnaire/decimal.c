#include "questionnaire/decimal.h"

#include <stdio.h>
#include <string.h>

static const int64_t powers[] = {
    1,
    10,
    100,
    1000,
    10000,
    100000,
    1000000,
    10000000,
    100000000,
    1000000000,
    10000000000,
    100000000000,
    1000000000000,
    10000000000000,
    100000000000000,
    1000000000000000,
    10000000000000000,
    100000000000000000,
    1000000000000000000,
};

#define COEFFICIENT_END 1000000000000000000 /* 10^DECIMAL_DIGITS_MAX */

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Digits from *i on into d; a fraction's lower the exponent. False: none, or too many. */
static bool
digits_take(const char *text, size_t len, size_t *i, bool fraction, struct decimal *d)
{
    size_t start = *i;

    for (; *i < len && is_digit(text[*i]); (*i)++) {
        if (d->coefficient >= COEFFICIENT_END / 10)
            return false;
        d->coefficient = d->coefficient * 10 + (text[*i] - '0');
        if (fraction && --d->exponent < -DECIMAL_EXPONENT_MAX)
            return false;
    }
    return *i > start;
}

static bool
exponent_take(const char *text, size_t len, size_t *i, struct decimal *d)
{
    bool minus = *i < len && text[*i] == '-';
    int32_t e = 0;

    if (*i < len && (text[*i] == '-' || text[*i] == '+'))
        ++*i;
    size_t start = *i;
    for (; *i < len && is_digit(text[*i]); (*i)++) {
        e = e * 10 + (text[*i] - '0');
        if (e > DECIMAL_EXPONENT_MAX)
            return false;
    }
    d->exponent += minus ? -e : e;
    return *i > start && d->exponent >= -DECIMAL_EXPONENT_MAX - DECIMAL_DIGITS_MAX &&
           d->exponent <= DECIMAL_EXPONENT_MAX;
}

bool
decimal_parse(const char *text, size_t len, struct decimal *ret)
{
    struct decimal d = {0, 0};
    bool minus = len > 0 && text[0] == '-';
    size_t i = minus ? 1 : 0, first = i;

    if (!digits_take(text, len, &i, false, &d) || (text[first] == '0' && i > first + 1))
        return false;
    if (i < len && text[i] == '.') {
        i++;
        if (!digits_take(text, len, &i, true, &d))
            return false;
    }
    if (i < len && (text[i] == 'e' || text[i] == 'E')) {
        i++;
        if (!exponent_take(text, len, &i, &d))
            return false;
    }
    if (i != len)
        return false;
    if (minus)
        d.coefficient = -d.coefficient;
    *ret = d;
    return true;
}

struct decimal
decimal_from_int(int64_t i)
{
    return (struct decimal){i, 0};
}

static int
sign(__int128 x)
{
    return (x > 0) - (x < 0);
}

int
decimal_compare(struct decimal a, struct decimal b)
{
    int64_t gap = (int64_t)a.exponent - b.exponent;
    int signs = sign(a.coefficient);

    if (signs != sign(b.coefficient) || signs == 0)
        return signs - sign(b.coefficient);
    if (gap < 0)
        return -decimal_compare(b, a);
    /* |b| has 19 digits at most: past that gap, a is the one with the greater magnitude. */
    if (gap > DECIMAL_DIGITS_MAX)
        return signs;
    return sign((__int128)a.coefficient * powers[gap] - b.coefficient);
}

unsigned
decimal_places(struct decimal d)
{
    return d.exponent < 0 ? (unsigned)-d.exponent : 0;
}

/* Drops trailing zeros until the coefficient fits; false if it never does. */
static bool
decimal_fit(__int128 coefficient, int64_t exponent, struct decimal *ret)
{
    while (coefficient >= COEFFICIENT_END || coefficient <= -COEFFICIENT_END) {
        if (coefficient % 10 != 0)
            return false;
        coefficient /= 10;
        exponent++;
    }
    if (exponent > DECIMAL_EXPONENT_MAX || exponent < -DECIMAL_EXPONENT_MAX - DECIMAL_DIGITS_MAX)
        return false;
    *ret = (struct decimal){(int64_t)coefficient, (int32_t)exponent};
    return true;
}

bool
decimal_add(struct decimal a, struct decimal b, struct decimal *ret)
{
    if (a.exponent < b.exponent) {
        struct decimal c = a;
        a = b;
        b = c;
    }
    if (a.coefficient == 0) {
        *ret = b;
        return true;
    }
    int64_t gap = (int64_t)a.exponent - b.exponent;
    if (gap > DECIMAL_DIGITS_MAX) {
        if (b.coefficient != 0)
            return false;
        *ret = a;
        return true;
    }
    return decimal_fit((__int128)a.coefficient * powers[gap] + b.coefficient, b.exponent, ret);
}

bool
decimal_multiply(struct decimal a, struct decimal b, struct decimal *ret)
{
    return decimal_fit((__int128)a.coefficient * b.coefficient, (int64_t)a.exponent + b.exponent,
                       ret);
}

size_t
decimal_format(struct decimal d, char ret_text[DECIMAL_TEXT_SIZE])
{
    char digits[24];
    uint64_t magnitude = d.coefficient < 0 ? -(uint64_t)d.coefficient : (uint64_t)d.coefficient;
    size_t n = (size_t)snprintf(digits, sizeof(digits), "%llu", (unsigned long long)magnitude);
    char *p = ret_text;

    if (d.coefficient < 0)
        *p++ = '-';
    if (d.exponent >= 0) {
        memcpy(p, digits, n);
        p += n;
        size_t zeros = d.coefficient != 0 ? (size_t)d.exponent : 0;
        memset(p, '0', zeros);
        p += zeros;
    } else {
        size_t places = (size_t)-d.exponent;
        size_t whole = n > places ? n - places : 0;
        if (whole > 0)
            memcpy(p, digits, whole);
        else
            *p = '0';
        p += whole > 0 ? whole : 1;
        *p++ = '.';
        size_t zeros = places > n ? places - n : 0;
        memset(p, '0', zeros);
        memcpy(p + zeros, digits + whole, n - whole);
        p += zeros + n - whole;
    }
    *p = '\0';
    return (size_t)(p - ret_text);
}
