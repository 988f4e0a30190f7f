/* Volatile messages: not journaled, few, and over when their time is. They stand in their service's
 * queue or in a lease like others; this list, oldest first, is for the clock. */
#ifndef SLUICE_BROKER_CORE_VOLATILE_H
#define SLUICE_BROKER_CORE_VOLATILE_H

#include "broker/core/message.h"

struct volatiles {
    uint32_t head, tail, n; /* through id_next, id_prev */
};

void volatiles_init(struct volatiles *v);
void volatile_link(struct core *c, uint32_t message);
void volatile_unlink(struct core *c, uint32_t message);
void volatiles_expire(struct core *c);

#endif
