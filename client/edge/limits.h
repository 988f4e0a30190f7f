/* What bounds the intake: submissions not yet accepted, requests that wait, connections, and the
 * rate of each token. Counters only; the decision what to answer is the caller's. */
#ifndef SLUICE_EDGE_LIMITS_H
#define SLUICE_EDGE_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

#include "client/edge/token.h"

/* A count with a ceiling. */
struct limit {
    int64_t now, max;
};

/* Takes one unless the ceiling is reached. */
bool limit_take(struct limit *l);
void limit_give(struct limit *l);

/* A token bucket that holds one second's worth. rate 0: no limit. */
bool rate_take(struct token *t, int64_t rate, int64_t now_us);

#endif
