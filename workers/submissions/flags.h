/* The flags of one submission: names that go to its row (clinical-rules "Audit and time") and into
 * its answer. Few, each once. */
#ifndef SLUICE_WORKERS_SUBMISSIONS_FLAGS_H
#define SLUICE_WORKERS_SUBMISSIONS_FLAGS_H

#include <stddef.h>

#include "workers/submissions/arena.h"

#define FLAGS_MAX 16

struct flags {
    const char *names[FLAGS_MAX]; /* constants */
    size_t n;
};

void flags_add(struct flags *f, const char *name);
/* One a line, in the arena; null for none. */
struct slice flags_text(const struct flags *f, struct arena *arena);

#endif
