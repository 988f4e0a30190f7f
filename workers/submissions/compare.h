/* What stood there already: rows that did not go in are compared with what stands under their id.
 */
#ifndef SLUICE_WORKERS_SUBMISSIONS_COMPARE_H
#define SLUICE_WORKERS_SUBMISSIONS_COMPARE_H

#include "workers/submissions/write.h"

/* Decides duplicates and what an earlier attempt stored; a form in progress gets its next revision;
 * the rest becomes rejections of kind conflict, to be written. STORE_ outcomes. */
int losers_compare(struct batch *b, const struct write_env *env);

#endif
