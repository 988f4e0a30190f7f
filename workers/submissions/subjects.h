/* Subjects known to exist, bounded: a set-associative cache of keyed 128-bit hashes (about 10 MB
 * when full). Only positive entries; whoever is missing is asked for once a batch. Emptied whenever
 * the catalog changed. */
#ifndef SLUICE_WORKERS_SUBMISSIONS_SUBJECTS_H
#define SLUICE_WORKERS_SUBMISSIONS_SUBJECTS_H

#include <stdbool.h>
#include <stdint.h>

#include "store/catalog.h"
#include "store/slice.h"

#define SUBJECTS_BUCKETS 65536u /* of SUBJECTS_WAYS each */
#define SUBJECTS_WAYS 4u
#define SUBJECTS_SITES_MAX 4095u /* more are stored without their site */

/* What is kept of one. */
struct subject {
    int64_t active_until_us; /* INT64_MAX, or when it withdrew; INT64_MIN: not enrolled yet */
    uint16_t site;           /* subjects_site; 0: none */
    bool erased;
};

struct subjects; /* opaque */

struct subjects *subjects_new(void);
void subjects_free(struct subjects *s);
void subjects_clear(struct subjects *s);
void subjects_add(struct subjects *s, const struct catalog_subject *row);
/* NULL: not in the cache. Valid until the next add or clear. */
const struct subject *subjects_find(const struct subjects *s, struct slice study,
                                    struct slice subject);
/* The site's code; null for none. Lives until subjects_clear. */
struct slice subjects_site(const struct subjects *s, const struct subject *subject);

#endif
