/* What the device's clock said, held against ours (clinical-rules "Audit and time"). Recorded times
 * are never altered; what is strange is flagged. */
#ifndef SLUICE_WORKERS_SUBMISSIONS_TIMES_H
#define SLUICE_WORKERS_SUBMISSIONS_TIMES_H

#include <stdbool.h>

#include "workers/submissions/flags.h"
#include "workers/submissions/study.h"

struct times {
    int64_t authored_us; /* submitAt; TIME_NONE */
    int64_t sent_us;     /* the device's clock at this attempt; TIME_NONE */
    int64_t received_us; /* ours */
};

/* received − sent, TIME_NONE where the device did not say. */
int64_t times_skew(const struct times *t);
/* study may be NULL: the usual limits. skew-unknown is flagged only beside a flag that a known skew
 * could have explained: a form whose times are in order needs none. */
void times_flag(const struct times *t, const struct study *study, struct flags *flags);
bool times_late(const struct times *t, const struct study *study);

#endif
