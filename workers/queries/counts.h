/* What Redis knows of a subject (store/cache.h): how many submissions, and the last one. Only a
 * short cut: where Redis is away, or has no whole picture, the database is asked. */
#ifndef SLUICE_WORKERS_QUERIES_COUNTS_H
#define SLUICE_WORKERS_QUERIES_COUNTS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/config.h"
#include "store/submissions.h"

struct counts; /* opaque */

/* worker/redis and its password; NULL, with a logged reason: they are wrong. */
struct counts *counts_new(const struct config *config);
void counts_free(struct counts *c);
/* {"submissions": n, "lastSubmission": {…}} into text; false: Redis can't say. */
bool counts_find(struct counts *c, struct slice study, struct slice subject, struct buf *text);

#endif
