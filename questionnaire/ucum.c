/* A code is read to a factor: numerator / denominator × 10^ten of base units, and the exponents of
 * its dimensions. Comparing cross-multiplies in whole numbers wide enough for every factor that
 * fits; a factor that does not fit makes the unit incomparable. */
#include "questionnaire/ucum.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/error.h"
#include "questionnaire/wide.h"

enum { DIM_LENGTH, DIM_TIME, DIM_MASS, DIM_TEMPERATURE, DIM_AMOUNT, DIM_BASE };
#define ARBITRARY_MAX 5
#define DIMS (DIM_BASE + ARBITRARY_MAX)
#define EXPONENT_MAX 9 /* of an atom; after 10* up to two digits */
#define TEN_MAX 308    /* of a factor */
#define GAP_MAX 40     /* powers of ten between a temperature and its scale's offset */
#define ENDLESS_DIGITS 15

struct factor {
    uint64_t numerator, denominator;
    int ten;
    int8_t dims[DIMS];
    struct decimal offset; /* of a scale of temperature, which stands alone */
};

static const struct atom {
    const char *code;
    bool metric;
    uint64_t numerator, denominator;
    int ten;
    int8_t base[DIM_BASE];
    uint8_t arbitrary;
} atoms[] = {
#define UCUM_UNIT(code, metric, n, d, ten, length, time, mass, temperature, amount, arbitrary)     \
    {code, metric, n, d, ten, {length, time, mass, temperature, amount}, arbitrary},
#define UCUM_SCALE(code, n, d, offset)
#define UCUM_PREFIX(code, ten)
#include "questionnaire/ucum.def"
#undef UCUM_UNIT
#undef UCUM_SCALE
};

static const struct {
    const char *code;
    uint64_t numerator, denominator;
    const char *offset;
} scales[] = {
#define UCUM_UNIT(code, metric, n, d, ten, length, time, mass, temperature, amount, arbitrary)
#define UCUM_SCALE(code, n, d, offset) {code, n, d, offset},
#include "questionnaire/ucum.def"
#undef UCUM_UNIT
#undef UCUM_SCALE
#undef UCUM_PREFIX
};

static const struct {
    const char *code;
    int ten;
} prefixes[] = {
#define UCUM_UNIT(code, metric, n, d, ten, length, time, mass, temperature, amount, arbitrary)
#define UCUM_SCALE(code, n, d, offset)
#define UCUM_PREFIX(code, ten) {code, ten},
#include "questionnaire/ucum.def"
#undef UCUM_UNIT
#undef UCUM_SCALE
#undef UCUM_PREFIX
};

static bool
text_is(const char *text, size_t len, const char *code)
{
    return strlen(code) == len && memcmp(text, code, len) == 0;
}

static const struct atom *
atom_find(const char *text, size_t len)
{
    for (size_t i = 0; i < ARRAY_LEN(atoms); i++) {
        if (text_is(text, len, atoms[i].code))
            return &atoms[i];
    }
    return NULL;
}

/* An atom, or a prefix and a metric atom. */
static const struct atom *
symbol_find(const char *text, size_t len, int *ret_ten)
{
    const struct atom *a = atom_find(text, len);

    *ret_ten = 0;
    if (a != NULL)
        return a;
    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
        size_t n = strlen(prefixes[i].code);
        if (len <= n || memcmp(text, prefixes[i].code, n) != 0)
            continue;
        a = atom_find(text + n, len - n);
        if (a != NULL && a->metric) {
            *ret_ten = prefixes[i].ten;
            return a;
        }
    }
    return NULL;
}

static uint64_t
common_divisor(uint64_t a, uint64_t b)
{
    while (b != 0) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static bool
factor_scale(struct factor *f, uint64_t numerator, uint64_t denominator)
{
    uint64_t x = common_divisor(f->numerator, denominator);
    uint64_t y = common_divisor(numerator, f->denominator);

    return !__builtin_mul_overflow(f->numerator / x, numerator / y, &f->numerator) &&
           !__builtin_mul_overflow(f->denominator / y, denominator / x, &f->denominator);
}

static bool
factor_apply(struct factor *f, const struct atom *a, int prefix, int exponent)
{
    bool up = exponent > 0;
    int times = up ? exponent : -exponent;

    f->ten += (a->ten + prefix) * exponent;
    if (f->ten > TEN_MAX || f->ten < -TEN_MAX)
        return false;
    for (int i = 0; i < DIM_BASE; i++)
        f->dims[i] = (int8_t)(f->dims[i] + a->base[i] * exponent);
    if (a->arbitrary > 0)
        f->dims[DIM_BASE + a->arbitrary - 1] =
            (int8_t)(f->dims[DIM_BASE + a->arbitrary - 1] + exponent);
    for (int i = 0; i < times && (a->numerator != 1 || a->denominator != 1); i++) {
        if (!factor_scale(f, up ? a->numerator : a->denominator,
                          up ? a->denominator : a->numerator))
            return false;
    }
    return true;
}

static bool
digits_read(const char *text, size_t len, uint64_t *ret)
{
    uint64_t n = 0;

    if (len == 0 || len > 9)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        n = n * 10 + (uint64_t)(text[i] - '0');
    }
    *ret = n;
    return true;
}

/* One factor between points and slashes; sign −1 behind a slash. */
static bool
component_apply(struct factor *f, const char *text, size_t len, int sign)
{
    uint64_t n = 1;
    int prefix;

    const char *note = memchr(text, '{', len);
    if (note != NULL) {
        if (text[len - 1] != '}' || memchr(note + 1, '{', len - (size_t)(note + 1 - text)) != NULL)
            return false;
        if (note == text)
            return len > 2;
        len = (size_t)(note - text);
    }
    if (digits_read(text, len, &n))
        return n > 0 && factor_scale(f, sign > 0 ? n : 1, sign > 0 ? 1 : n);
    size_t symbol = len;
    while (symbol > 0 && text[symbol - 1] >= '0' && text[symbol - 1] <= '9')
        symbol--;
    n = 1;
    if (symbol < len && !digits_read(text + symbol, len - symbol, &n))
        return false;
    if (symbol < len && symbol > 0 && (text[symbol - 1] == '-' || text[symbol - 1] == '+'))
        sign *= text[--symbol] == '-' ? -1 : 1;
    const struct atom *a = symbol_find(text, symbol, &prefix);
    if (a == NULL)
        return false;
    bool ten = strcmp(a->code, "10*") == 0 || strcmp(a->code, "10^") == 0;
    return n <= (ten ? 99 : EXPONENT_MAX) && factor_apply(f, a, prefix, sign * (int)n);
}

static bool
scale_find(const char *text, size_t len, struct factor *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(scales); i++) {
        if (!text_is(text, len, scales[i].code))
            continue;
        *ret = (struct factor){scales[i].numerator, scales[i].denominator, 0, {0}, {0, 0}};
        ret->dims[DIM_TEMPERATURE] = 1;
        return decimal_parse(scales[i].offset, strlen(scales[i].offset), &ret->offset);
    }
    return false;
}

static bool
unit_read(const char *text, size_t len, struct factor *ret)
{
    size_t at = 0;
    int sign = 1;

    if (len == 0 || len > UCUM_CODE_MAX)
        return false;
    if (scale_find(text, len, ret))
        return true;
    *ret = (struct factor){1, 1, 0, {0}, {0, 0}};
    if (text[0] == '/') {
        sign = -1;
        at = 1;
    }
    for (;;) {
        size_t end = at;
        bool note = false;
        while (end < len && (note || (text[end] != '.' && text[end] != '/'))) {
            note = text[end] == '{' || (note && text[end] != '}');
            end++;
        }
        if (end == at || !component_apply(ret, text + at, end - at, sign))
            return false;
        if (end == len)
            return true;
        sign = text[end] == '/' ? -1 : 1;
        at = end + 1;
    }
}

static uint64_t
magnitude(int64_t i)
{
    return i < 0 ? -(uint64_t)i : (uint64_t)i;
}

/* |a| in fa against |b| in fb, neither zero. */
static int
magnitude_compare(struct decimal a, const struct factor *fa, struct decimal b,
                  const struct factor *fb)
{
    int ten_a = a.exponent + fa->ten, ten_b = b.exponent + fb->ten;
    long double log_a = log10l((long double)magnitude(a.coefficient)) +
                        log10l((long double)fa->numerator / (long double)fa->denominator) + ten_a;
    long double log_b = log10l((long double)magnitude(b.coefficient)) +
                        log10l((long double)fb->numerator / (long double)fb->denominator) + ten_b;
    struct wide x = {{magnitude(a.coefficient)}}, y = {{magnitude(b.coefficient)}};

    if (log_a > log_b + 1 || log_b > log_a + 1)
        return log_a < log_b ? -1 : 1;
    /* So near one another that the powers of ten differ by less than the digits of both. */
    wide_multiply(&x, fa->numerator);
    wide_multiply(&x, fb->denominator);
    wide_multiply(&y, fb->numerator);
    wide_multiply(&y, fa->denominator);
    wide_multiply_ten(&x, ten_a > ten_b ? (unsigned)(ten_a - ten_b) : 0);
    wide_multiply_ten(&y, ten_b > ten_a ? (unsigned)(ten_b - ten_a) : 0);
    return wide_compare(&x, &y);
}

static bool
pair_read(const char *a, size_t a_len, const char *b, size_t b_len, struct factor *ret_a,
          struct factor *ret_b)
{
    return unit_read(a, a_len, ret_a) && unit_read(b, b_len, ret_b) &&
           memcmp(ret_a->dims, ret_b->dims, sizeof(ret_a->dims)) == 0;
}

int
ucum_compare(struct decimal a, const char *unit_a, size_t unit_a_len, struct decimal b,
             const char *unit_b, size_t unit_b_len, int *ret_order)
{
    struct factor fa, fb;

    if (!pair_read(unit_a, unit_a_len, unit_b, unit_b_len, &fa, &fb) ||
        !decimal_add(a, fa.offset, &a) || !decimal_add(b, fb.offset, &b))
        return UCUM_INCOMPARABLE;
    int sign_a = (a.coefficient > 0) - (a.coefficient < 0);
    int sign_b = (b.coefficient > 0) - (b.coefficient < 0);
    if (sign_a != sign_b || sign_a == 0)
        *ret_order = sign_a - sign_b;
    else
        *ret_order = sign_a * magnitude_compare(a, &fa, b, &fb);
    return UCUM_OK;
}

bool
ucum_convertible(const char *from, size_t from_len, const char *to, size_t to_len)
{
    struct factor a, b;

    return pair_read(from, from_len, to, to_len, &a, &b);
}

/* n / d × 10^ten, its first digits; both above zero, each below 2^400. *ret_endless: there are
 * more, and the last one is rounded, half to even. */
static struct decimal
quotient(struct wide n, struct wide d, int64_t ten, int digits, bool *ret_endless)
{
    struct wide twice;
    int64_t coefficient = 0;
    int taken = 0;

    for (; wide_compare(&n, &d) >= 0; ten++)
        wide_multiply(&d, 10);
    for (; taken < digits && !wide_is_zero(&n); taken++) {
        wide_multiply(&n, 10);
        int digit = 0;
        for (; wide_compare(&n, &d) >= 0; digit++)
            wide_subtract(&n, &d);
        coefficient = coefficient * 10 + digit;
        ten--;
        taken -= coefficient == 0; /* zeros in front are no digits */
    }
    *ret_endless = !wide_is_zero(&n);
    twice = n;
    wide_add(&twice, &n);
    int half = wide_compare(&twice, &d);
    coefficient += half > 0 || (half == 0 && coefficient % 2 != 0);
    for (; coefficient % 10 == 0; ten++)
        coefficient /= 10;
    return (struct decimal){coefficient, (int32_t)ten};
}

/* *n × 10^*ten less offset × d, where n and offset have signs; false where they lie so far apart
 * that no decimal holds the difference. */
static bool
offset_take(struct wide *n, bool *minus, int64_t *ten, const struct wide *d, struct decimal offset)
{
    struct wide off = *d;
    int64_t gap = *ten - offset.exponent;

    if (offset.coefficient == 0)
        return true;
    if (gap > GAP_MAX || gap < -GAP_MAX)
        return false;
    wide_multiply(&off, magnitude(offset.coefficient));
    wide_multiply_ten(n, gap > 0 ? (unsigned)gap : 0);
    wide_multiply_ten(&off, gap < 0 ? (unsigned)-gap : 0);
    *ten = gap > 0 ? offset.exponent : *ten;
    bool off_minus = offset.coefficient > 0; /* it is taken away */
    if (*minus == off_minus) {
        wide_add(n, &off);
    } else if (wide_compare(n, &off) >= 0) {
        wide_subtract(n, &off);
    } else {
        wide_subtract(&off, n);
        *n = off;
        *minus = off_minus;
    }
    return true;
}

int
ucum_convert(struct decimal value, const char *from, size_t from_len, const char *to, size_t to_len,
             struct decimal *ret_value)
{
    struct factor a, b;
    bool endless;

    if (!pair_read(from, from_len, to, to_len, &a, &b) || !decimal_add(value, a.offset, &value))
        return UCUM_INCOMPARABLE;
    struct wide n = {{magnitude(value.coefficient)}}, d = {{a.denominator}};
    bool minus = value.coefficient < 0;
    int64_t ten = (int64_t)value.exponent + a.ten - b.ten;
    wide_multiply(&n, a.numerator);
    wide_multiply(&n, b.denominator);
    wide_multiply(&d, b.numerator);
    if (wide_is_zero(&n))
        ten = 0;
    if (!offset_take(&n, &minus, &ten, &d, b.offset))
        return UCUM_INCOMPARABLE;
    struct decimal x = {0, 0};
    if (!wide_is_zero(&n)) {
        x = quotient(n, d, ten, DECIMAL_DIGITS_MAX, &endless);
        if (endless)
            x = quotient(n, d, ten, ENDLESS_DIGITS, &endless);
    }
    if (x.exponent > DECIMAL_EXPONENT_MAX - DECIMAL_DIGITS_MAX ||
        x.exponent < -DECIMAL_EXPONENT_MAX)
        return UCUM_INCOMPARABLE;
    x.coefficient = minus ? -x.coefficient : x.coefficient;
    *ret_value = x;
    return UCUM_OK;
}
