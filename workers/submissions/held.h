/* What was held is validated again when what it missed may have been loaded: its sealed originals
 * go to a broker as new messages (clinical-rules "A rejection does not occupy an id"). One worker
 * at a time over the fleet, a page a step, in spare moments only; whatever becomes of them is the
 * next batch's. */
#ifndef SLUICE_WORKERS_SUBMISSIONS_HELD_H
#define SLUICE_WORKERS_SUBMISSIONS_HELD_H

#include <stdbool.h>
#include <stdint.h>

#include "store/connection.h"

struct held; /* opaque */

/* endpoints: brokers' client endpoints, separated by spaces. NULL: they are none. */
struct held *held_new(const char *endpoints, const char *name);
void held_free(struct held *h);
/* Something was loaded, or we begin: look at what is held. */
void held_wish(struct held *h);
/* When the next step is due; INT64_MAX: not before a wish. */
int64_t held_deadline(const struct held *h, int64_t now_us);
/* One page; does nothing before it is due. Blocks for the page's way to a
 * broker's disk, HELD_TIMEOUT_US at most. */
#define HELD_TIMEOUT_US ((int64_t)2000000)
void held_step(struct held *h, struct store *s, int64_t now_us);

#endif
