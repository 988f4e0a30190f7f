/* Memory of one batch whose pieces never move and are forgotten all at once. */
#ifndef SLUICE_WORKERS_SUBMISSIONS_ARENA_H
#define SLUICE_WORKERS_SUBMISSIONS_ARENA_H

#include <stddef.h>

#include "store/slice.h"

struct arena_block;

struct arena {
    struct arena_block *block; /* the one being filled; older ones behind it */
};

void arena_deinit(struct arena *a);
/* Forgets everything; one block's memory is kept. */
void arena_clear(struct arena *a);
/* Zeroed, aligned for any type; lives until arena_clear. */
void *arena_new(struct arena *a, size_t size);
struct slice arena_keep(struct arena *a, const void *bytes, size_t len);

#endif
