/* Messages that a worker could not do now. Delay classes 0.1 s, 0.2 s … 5 s; within a class
 * everyone waits equally long, so each class is a FIFO and the clock looks at seven heads only. */
#ifndef SLUICE_BROKER_CORE_RETRY_H
#define SLUICE_BROKER_CORE_RETRY_H

#include "broker/core/message.h"

#define RETRY_CLASSES 7

struct retry {
    struct msg_list classes[RETRY_CLASSES];
};

int64_t retry_delay_us(uint32_t delay_class);
void retry_init(struct retry *r);
void retry_link(struct messages *ms, struct retry *r, uint32_t handle, uint32_t delay_class,
                int64_t now_us);
void retry_unlink(struct messages *ms, struct retry *r, uint32_t handle);
/* A message whose time has come, or NO_HANDLE. */
uint32_t retry_due(const struct messages *ms, const struct retry *r, int64_t now_us);
int64_t retry_next_us(const struct messages *ms, const struct retry *r);

#endif
