/* The two clocks. Leases, deadlines and waits use the monotonic one; what people and rows see uses
 * the wall clock. Both are int64 microseconds. Code that decides (broker/core) never calls these:
 * time comes in as an argument. */
#ifndef SLUICE_BASE_CLOCK_H
#define SLUICE_BASE_CLOCK_H

#include <stdint.h>

#define US_PER_MS ((int64_t)1000)
#define US_PER_S ((int64_t)1000000)

int64_t clock_mono_us(void);
int64_t clock_wall_us(void);

/* RFC 3339 in UTC with microseconds, "2026-11-22T06:00:00.000000Z" (27 characters and NUL). */
#define CLOCK_TEXT_SIZE 28
void clock_format(int64_t wall_us, char ret_text[CLOCK_TEXT_SIZE]);

#endif
