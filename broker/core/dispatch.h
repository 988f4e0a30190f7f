/* Who gets what: see dispatch.c. */
#ifndef SLUICE_BROKER_CORE_DISPATCH_H
#define SLUICE_BROKER_CORE_DISPATCH_H

#include "broker/core/message.h"

/* Would core_dispatch hand out anything now? */
bool dispatch_wanted(const struct core *c);

#endif
