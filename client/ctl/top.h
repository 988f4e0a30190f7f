/* What the screen shows: one look as JSON, rates against the look before, and as text. */
#ifndef SLUICE_CTL_TOP_H
#define SLUICE_CTL_TOP_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

/* Brokers' rows of "queues" and "workers" as one row a queue: sums, the oldest age, busy workers.
 */
json_t *top_queues(const json_t *queues, const json_t *workers);
/* Adds accepted_per_s and finished_per_s to the queues of now, where before (may be NULL) has the
 * queue, too, and no counter fell (a broker that restarted or does not answer). */
void top_rates(json_t *queues, const json_t *before, int64_t elapsed_us);
/* The look as text. interval_us 0: it is the only one. */
void top_write(FILE *out, const json_t *look, int64_t interval_us);
/* text's first lines (0: all) onto a terminal, each cleared to its end, then all below. */
void top_paint(FILE *out, const char *text, size_t lines);

#endif
