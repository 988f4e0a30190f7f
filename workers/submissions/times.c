#include "workers/submissions/times.h"

#include "base/clock.h"

static const struct study usual = {
    .skew_limit_us = 120 * US_PER_S,
    .late_us = 24 * 3600 * US_PER_S,
    .future_us = 300 * US_PER_S,
    .started_us = INT64_MIN,
};

int64_t
times_skew(const struct times *t)
{
    return t->sent_us != TIME_NONE ? t->received_us - t->sent_us : TIME_NONE;
}

/* submitAt as our clock would have shown it. */
static int64_t
authored_corrected(const struct times *t)
{
    int64_t skew_us = times_skew(t);

    return skew_us != TIME_NONE ? t->authored_us + skew_us : t->authored_us;
}

bool
times_late(const struct times *t, const struct study *study)
{
    const struct study *s = study != NULL ? study : &usual;

    return t->authored_us != TIME_NONE && t->received_us - authored_corrected(t) > s->late_us;
}

void
times_flag(const struct times *t, const struct study *study, struct flags *flags)
{
    const struct study *s = study != NULL ? study : &usual;
    int64_t skew_us = times_skew(t);
    size_t before = flags->n;

    if (skew_us != TIME_NONE && (skew_us > s->skew_limit_us || skew_us < -s->skew_limit_us))
        flags_add(flags, "clock-skew");
    if (t->authored_us == TIME_NONE)
        return;
    if (times_late(t, study))
        flags_add(flags, "late");
    if (authored_corrected(t) - t->received_us > s->future_us)
        flags_add(flags, "future");
    if (authored_corrected(t) < s->started_us)
        flags_add(flags, "implausible-time");
    if (skew_us == TIME_NONE && flags->n > before)
        flags_add(flags, "skew-unknown");
}
