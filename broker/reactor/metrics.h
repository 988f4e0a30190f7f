/* Counters of net, by metrics.def. */
#ifndef SLUICE_BROKER_REACTOR_METRICS_H
#define SLUICE_BROKER_REACTOR_METRICS_H

#include <stdint.h>

enum metric {
#define METRIC(NAME, text, meaning) METRIC_##NAME,
#include "broker/reactor/metrics.def"
#undef METRIC
    METRIC_COUNT
};

struct metrics {
    uint64_t counts[METRIC_COUNT];
};

static inline void
metrics_add(struct metrics *m, enum metric metric, uint64_t n)
{
    m->counts[metric] += n;
}

const char *metric_text(enum metric metric);

#endif
