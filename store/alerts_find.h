/* The alerts that submissions raised: for the second attempt at a batch, whose first one may have
 * died before it told anyone (invariants 2). */
#ifndef SLUICE_STORE_ALERTS_FIND_H
#define SLUICE_STORE_ALERTS_FIND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/uuid.h"
#include "store/connection.h"
#include "store/slice.h"

/* Texts live during the call. */
struct alert_told {
    struct uuid id, submission;
    struct slice study, subject, rule, severity;
    bool provisional;
    int64_t seq, raised_us;
};
/* since_us: only those still open and raised since then; TIME_NONE: all. STORE_ outcomes. */
int alerts_of_submissions(struct store *s, const struct uuid *submissions, size_t n,
                          int64_t since_us, void (*each)(void *arg, const struct alert_told *alert),
                          void *arg);

#endif
