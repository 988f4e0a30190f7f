#include "workers/submissions/flags.h"

#include <string.h>

#include "base/error.h"

void
flags_add(struct flags *f, const char *name)
{
    for (size_t i = 0; i < f->n; i++)
        if (strcmp(f->names[i], name) == 0)
            return;
    sluice_assert(f->n < FLAGS_MAX); /* there are not that many */
    f->names[f->n++] = name;
}

struct slice
flags_text(const struct flags *f, struct arena *arena)
{
    size_t size = 0, at = 0;

    if (f->n == 0)
        return (struct slice){NULL, 0};
    for (size_t i = 0; i < f->n; i++)
        size += strlen(f->names[i]) + 1;
    char *text = arena_new(arena, size);
    for (size_t i = 0; i < f->n; i++) {
        size_t len = strlen(f->names[i]);
        memcpy(text + at, f->names[i], len);
        at += len;
        if (i + 1 < f->n)
            text[at++] = '\n';
    }
    return (struct slice){text, at};
}
