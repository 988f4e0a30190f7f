/* How the kernel shares the cores among our processes. */
#ifndef SLUICE_BASE_SCHEDULE_H
#define SLUICE_BASE_SCHEDULE_H

/* For a process whose turns are short and that many others wait for (edge, broker): asks for the
 * shortest time slice, so that it runs as soon as it is woken instead of after a database backend's
 * whole slice. It gets no greater share of the cores for it, and needs no right. Threads made
 * afterwards inherit it. Kernels before 6.12 take no notice; a refusal changes nothing. */
void schedule_short_turns(void);

#endif
