/* The list of what net must do. */
#include "broker/core/effects.h"

#include <stdlib.h>

#include "base/error.h"

struct effect *
effects_add(struct effects *e, enum effect_kind kind)
{
    if (e->n == e->cap) {
        e->cap = e->cap == 0 ? 256 : e->cap * 2;
        e->list = mem_grow(e->list, e->cap, sizeof(*e->list));
    }
    struct effect *f = &e->list[e->n++];
    *f = (struct effect){
        .kind = kind, .client = CORE_NOBODY, .worker = CORE_NOBODY, .message = CORE_NOBODY};
    return f;
}

void
effects_deinit(struct effects *e)
{
    free(e->list);
    *e = (struct effects){0};
}
