/* The checks' limits, and the parts of "check". Inner header of health_*.c. */
#ifndef SLUICE_CTL_HEALTH_INNER_H
#define SLUICE_CTL_HEALTH_INNER_H

#include <stddef.h>
#include <stdint.h>

#include "client/ctl/health.h"
#include "client/ctl/health_look.h"

#define OBJECT_SIZE 320

struct health_limits {
    int64_t age_warning_us, age_critical_us, urgent_us;
    int64_t canary_us; /* 0: there is none */
    int64_t anchor_us;
    uint64_t held;
    const char *services; /* names, separated by spaces or commas */
};

void health_brokers(struct health *h, const struct health_limits *limits, struct look *l);
void health_stores(struct health *h, const struct health_limits *limits, struct look *l);
/* places: journals' folders and books. */
void health_anchors(struct health *h, const struct health_limits *limits, struct look *l,
                    const char *const *places, size_t n);

#endif
