/* The main thread: connect, take a batch, do it, report it, until told to drain. */
#ifndef SLUICE_WORKERS_RUNTIME_LOOP_H
#define SLUICE_WORKERS_RUNTIME_LOOP_H

#include "workers/runtime/hands.h"
#include "workers/runtime/service.h"

/* Returns the exit code. */
int loop_run(struct hands *h, struct store *store, const struct service *service, void *self);

#endif
