/* The names of the counters. */
#include "broker/reactor/metrics.h"

static const char *const texts[METRIC_COUNT] = {
#define METRIC(NAME, text, meaning) [METRIC_##NAME] = text,
#include "broker/reactor/metrics.def"
#undef METRIC
};

const char *
metric_text(enum metric metric)
{
    return texts[metric];
}
