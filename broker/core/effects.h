/* The list of what net must do; grows as needed, cleared by net each turn. */
#ifndef SLUICE_BROKER_CORE_EFFECTS_H
#define SLUICE_BROKER_CORE_EFFECTS_H

#include "broker/core/core.h"

struct effects {
    struct effect *list;
    size_t n, cap;
};

/* A new effect at the end, zeroed, with client, worker, message CORE_NOBODY. Valid until the next
 * one. */
struct effect *effects_add(struct effects *e, enum effect_kind kind);
void effects_deinit(struct effects *e);

#endif
