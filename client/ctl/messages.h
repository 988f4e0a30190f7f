/* The columns of a message as peek, trace and dead show it. */
#ifndef SLUICE_CTL_MESSAGES_H
#define SLUICE_CTL_MESSAGES_H

#include "client/ctl/table.h"

extern const struct column message_columns[];
extern const size_t message_columns_count; /* the last one, "reason", is for dead letters */

#endif
