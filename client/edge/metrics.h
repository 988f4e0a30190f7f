/* Figures of one edge process, as Prometheus text. */
#ifndef SLUICE_EDGE_METRICS_H
#define SLUICE_EDGE_METRICS_H

#include <stdint.h>

#include "base/buf.h"

enum metric {
#define METRIC(NAME, kind, text, help) METRIC_##NAME,
#include "client/edge/metrics.def"
#undef METRIC
    METRIC_COUNT
};

#define METRICS_STATUS_LIMIT 600
#define METRICS_WAIT_BUCKETS 10

struct metrics {
    uint64_t values[METRIC_COUNT];
    uint64_t statuses[METRICS_STATUS_LIMIT];
    uint64_t waits[METRICS_WAIT_BUCKETS + 1]; /* the last one: longer */
    uint64_t wait_us;
};

static inline void
metric_add(struct metrics *m, enum metric which, uint64_t n)
{
    m->values[which] += n;
}

void metrics_answer(struct metrics *m, unsigned status);
/* A submission was answered after wait_us. */
void metrics_wait(struct metrics *m, int64_t wait_us);
void metrics_write(const struct metrics *m, struct buf *b);

#endif
