/* Subjects known to exist, bounded: a set-associative cache of keyed 128-bit hashes (about 8 MB
 * when full). Only positive entries; whoever is missing is asked for once a batch. Emptied whenever
 * the catalog changed. */
#ifndef SLUICE_WORKERS_SUBMISSIONS_SUBJECTS_H
#define SLUICE_WORKERS_SUBMISSIONS_SUBJECTS_H

#include <stdbool.h>
#include <stdint.h>

#include "store/submissions.h"

#define SUBJECTS_BUCKETS 65536u /* of SUBJECTS_WAYS each */
#define SUBJECTS_WAYS 4u

struct subjects; /* opaque */

struct subjects *subjects_new(void);
void subjects_free(struct subjects *s);
void subjects_clear(struct subjects *s);
void subjects_add(struct subjects *s, struct slice study, struct slice subject,
                  int64_t active_until_us);
bool subjects_find(const struct subjects *s, struct slice study, struct slice subject,
                   int64_t *ret_active_until_us);

#endif
