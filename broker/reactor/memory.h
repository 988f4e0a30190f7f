/* How much memory this process occupies. */
#ifndef SLUICE_BROKER_REACTOR_MEMORY_H
#define SLUICE_BROKER_REACTOR_MEMORY_H

#include <stdint.h>

/* From /proc/self/statm; 0 if that can't be read. */
uint64_t memory_resident_bytes(void);

#endif
