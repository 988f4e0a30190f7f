/* The limits are those of the header, in mmol/L. */
#include "questionnaire/glucose.h"

#include <stddef.h>

#include "base/error.h"

static const struct decimal mg_per_mmol = {18016, -3};

static int
compare(struct glucose g, struct decimal limit)
{
    if (g.mg_per_dl) {
        bool fits = decimal_multiply(limit, mg_per_mmol, &limit);
        sluice_assert(fits); /* ours are short, and a ULN was checked */
    }
    return decimal_compare(g.value, limit);
}

static bool
above(struct glucose g, int64_t tenths)
{
    return compare(g, (struct decimal){tenths, -1}) > 0;
}

static bool
below(struct glucose g, int64_t tenths)
{
    return compare(g, (struct decimal){tenths, -1}) < 0;
}

bool
glucose_uln_valid(struct decimal uln)
{
    return uln.coefficient > 0 && uln.coefficient < INT64_C(10000000000) && uln.exponent <= 3 &&
           uln.exponent >= -10;
}

/* What a fasting value would be: GLUCOSE_NONE where only the unknown ULN could say. */
static int
high_fasting(struct glucose g, const struct decimal *uln)
{
    if (above(g, 89))
        return 2;
    if (uln == NULL)
        return GLUCOSE_NONE;
    return compare(g, *uln) > 0 ? 1 : 0;
}

int
glucose_high(struct glucose g, enum glucose_fasting fasting, const struct decimal *uln)
{
    if (above(g, 278))
        return 4;
    if (above(g, 139))
        return 3;
    if (fasting == GLUCOSE_NOT_FASTING)
        return 0;
    int grade = high_fasting(g, uln);
    return fasting == GLUCOSE_FASTING || grade == 0 ? grade : GLUCOSE_NONE;
}

int
glucose_low(struct glucose g)
{
    return below(g, 30) ? 2 : below(g, 39) ? 1 : 0;
}
