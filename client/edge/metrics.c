/* Writes the exposition format 0.0.4. */
#include "client/edge/metrics.h"

#include "base/error.h"
#include "base/log.h"

static const struct {
    const char *kind, *name, *help;
} metrics[METRIC_COUNT] = {
#define METRIC(NAME, what, text, words) [METRIC_##NAME] = {#what, text, words},
#include "client/edge/metrics.def"
#undef METRIC
};

static const struct {
    int64_t us;
    const char *seconds;
} buckets[METRICS_WAIT_BUCKETS] = {
    {1000, "0.001"}, {2500, "0.0025"}, {5000, "0.005"}, {10000, "0.01"},  {25000, "0.025"},
    {100000, "0.1"}, {250000, "0.25"}, {1000000, "1"},  {2500000, "2.5"}, {10000000, "10"},
};

void
metrics_answer(struct metrics *m, unsigned status)
{
    if (status < METRICS_STATUS_LIMIT)
        m->statuses[status]++;
}

void
metrics_wait(struct metrics *m, int64_t wait_us)
{
    unsigned i = 0;

    while (i < METRICS_WAIT_BUCKETS && wait_us > buckets[i].us)
        i++;
    m->waits[i]++;
    m->wait_us += wait_us > 0 ? (uint64_t)wait_us : 0;
}

static void
waits_write(const struct metrics *m, struct buf *b)
{
    static const char name[] = "sluice_edge_submission_seconds";
    uint64_t sum = 0;

    buf_printf(b,
               "# HELP %s time from a submission's last byte to its answer\n# TYPE %s histogram\n",
               name, name);
    for (unsigned i = 0; i < METRICS_WAIT_BUCKETS; i++) {
        sum += m->waits[i];
        buf_printf(b, "%s_bucket{le=\"%s\"} %lu\n", name, buckets[i].seconds, (unsigned long)sum);
    }
    sum += m->waits[METRICS_WAIT_BUCKETS];
    buf_printf(b, "%s_bucket{le=\"+Inf\"} %lu\n%s_sum %.6f\n%s_count %lu\n", name,
               (unsigned long)sum, name, (double)m->wait_us / 1e6, name, (unsigned long)sum);
}

void
metrics_write(const struct metrics *m, struct buf *b)
{
    static const char *const levels[] = {"debug", "info", "warning", "error"};

    for (unsigned i = 0; i < METRIC_COUNT; i++)
        buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n%s %lu\n", metrics[i].name, metrics[i].help,
                   metrics[i].name, metrics[i].kind, metrics[i].name, (unsigned long)m->values[i]);
    buf_printf(b, "# HELP sluice_edge_answers_total answers by HTTP status\n"
                  "# TYPE sluice_edge_answers_total counter\n");
    for (unsigned i = 0; i < METRICS_STATUS_LIMIT; i++)
        if (m->statuses[i] > 0)
            buf_printf(b, "sluice_edge_answers_total{status=\"%u\"} %lu\n", i,
                       (unsigned long)m->statuses[i]);
    waits_write(m, b);
    buf_printf(b, "# HELP sluice_edge_log_events_total log lines by level\n"
                  "# TYPE sluice_edge_log_events_total counter\n");
    for (unsigned i = 0; i < ARRAY_LEN(levels); i++)
        buf_printf(b, "sluice_edge_log_events_total{level=\"%s\"} %lu\n", levels[i],
                   (unsigned long)log_count((enum log_level)i));
}
