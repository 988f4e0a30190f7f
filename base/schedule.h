/* How the kernel shares the cores among our processes. */
#ifndef SLUICE_BASE_SCHEDULE_H
#define SLUICE_BASE_SCHEDULE_H

#include <stdbool.h>

/* For a process that gathers what arrives while it waits and does it at once (edge, broker): woken,
 * it takes no core from whoever is at work, neither from another process nor from its own threads,
 * but waits until that one sleeps or its slice is over. So it is woken less often, for more each
 * time. Same share of the cores, no right needed; threads made afterwards inherit it. A refusal
 * changes nothing.
 *
 * Tried before: the shortest slice, which takes the core at each wake. Against that the broker's
 * CPU a submission, measured in everybody else's, is 0.84 at 256 connections, 0.76 at 64 and 0.76
 * at 4; answers a second 1.10, 1.10 and 1.19 (medians of three to seven interleaved pairs, two
 * cores). */
void schedule_gathering(void);

/* Has fd something to read now? */
bool schedule_is_readable(int fd);

/* The same, and if not, once more after giving way: to those who may be about to send what the
 * caller gathers. Does not sleep: alone on its core it returns at once. */
bool schedule_give_way(int fd);

#endif
