#include "questionnaire/wide.h"

#include "base/error.h"

bool
wide_is_zero(const struct wide *w)
{
    uint64_t any = 0;

    for (int i = 0; i < WIDE_LIMBS; i++)
        any |= w->limb[i];
    return any == 0;
}

int
wide_compare(const struct wide *a, const struct wide *b)
{
    for (int i = WIDE_LIMBS - 1; i >= 0; i--) {
        if (a->limb[i] != b->limb[i])
            return a->limb[i] < b->limb[i] ? -1 : 1;
    }
    return 0;
}

void
wide_multiply(struct wide *w, uint64_t by)
{
    unsigned __int128 carry = 0;

    for (int i = 0; i < WIDE_LIMBS; i++) {
        carry += (unsigned __int128)w->limb[i] * by;
        w->limb[i] = (uint64_t)carry;
        carry >>= 64;
    }
    sluice_assert(carry == 0);
}

void
wide_multiply_ten(struct wide *w, unsigned times)
{
    while (times-- > 0)
        wide_multiply(w, 10);
}

void
wide_add(struct wide *w, const struct wide *by)
{
    unsigned __int128 carry = 0;

    for (int i = 0; i < WIDE_LIMBS; i++) {
        carry += (unsigned __int128)w->limb[i] + by->limb[i];
        w->limb[i] = (uint64_t)carry;
        carry >>= 64;
    }
    sluice_assert(carry == 0);
}

void
wide_subtract(struct wide *w, const struct wide *by)
{
    uint64_t borrow = 0;

    for (int i = 0; i < WIDE_LIMBS; i++) {
        uint64_t less = by->limb[i] + borrow, was = w->limb[i];
        borrow = less < borrow || was < less;
        w->limb[i] = was - less;
    }
    sluice_assert(borrow == 0);
}
