/* What "check" found: rows, their worst, and the four ways to say it. Pure: looks at nothing. */
#ifndef SLUICE_CTL_HEALTH_H
#define SLUICE_CTL_HEALTH_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

/* As monitoring plugins number them. */
enum health_status { HEALTH_OK, HEALTH_WARNING, HEALTH_CRITICAL, HEALTH_UNKNOWN };

enum health_check {
#define CHECK(NAME, name, unit, metric, meaning) HEALTH_##NAME,
#include "client/ctl/health_checks.def"
#undef CHECK
    HEALTH_CHECKS
};

struct health; /* opaque */

struct health *health_new(void);
void health_free(struct health *h);

/* One row. object: what of several, or "". text: why, for people. */
void health_add(struct health *h, enum health_check check, const char *object,
                enum health_status status, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
/* The last row's value in its unit (microseconds where that is s), and the limits beyond which it
 * is a warning or critical; HEALTH_NO_LIMIT: there is none. */
#define HEALTH_NO_LIMIT INT64_MIN
void health_value(struct health *h, int64_t value, int64_t warning, int64_t critical);

/* Critical before warning before unknown before ok. */
enum health_status health_worst(const struct health *h);

void health_text(const struct health *h, FILE *out);
void health_json(const struct health *h, FILE *out); /* a line a row */
void health_prometheus(const struct health *h, FILE *out);
void health_nagios(const struct health *h, FILE *out);

#endif
