/* Ceilings and token buckets. */
#include "client/edge/limits.h"

#include "base/clock.h"
#include "base/error.h"

#define WHOLE ((int64_t)1000000)

bool
limit_take(struct limit *l)
{
    if (l->now >= l->max)
        return false;
    l->now++;
    return true;
}

void
limit_give(struct limit *l)
{
    sluice_assert(l->now > 0);
    l->now--;
}

bool
rate_take(struct token *t, int64_t rate, int64_t now_us)
{
    if (rate == 0)
        return true;
    int64_t passed_us = now_us - t->level_us;
    if (t->level_us == 0 || passed_us >= US_PER_S)
        t->level = rate * WHOLE;
    else
        t->level += passed_us * rate; /* WHOLE a unit, US_PER_S a second: the same number */
    t->level_us = now_us;
    if (t->level > rate * WHOLE)
        t->level = rate * WHOLE;
    if (t->level < WHOLE)
        return false;
    t->level -= WHOLE;
    return true;
}
