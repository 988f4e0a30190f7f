/* Workers: who may be given work. A worker has credit for at most one batch and holds at most two
 * leases. With credit it stands in one list of its service: idle (no lease) or busy (one lease, may
 * prefetch), sorted by since when; worker_place puts it where it belongs after every change. */
#ifndef SLUICE_BROKER_CORE_WORKER_H
#define SLUICE_BROKER_CORE_WORKER_H

#include "broker/core/message.h"
#include "broker/core/service.h"

#define WORKER_NAME_MAX 64
#define WORKER_LEASES_MAX 2
#define LEASE_MESSAGES_MAX 4096 /* a larger credit is taken for this much */

struct worker {
    char name[WORKER_NAME_MAX + 1];
    uint64_t incarnation;
    uint64_t credit_bytes;
    uint64_t batches, messages_done;
    int64_t heard_us;
    int64_t since_us;         /* idle or busy since */
    uint32_t credit_messages; /* 0: none */
    uint32_t service;
    uint32_t leases[WORKER_LEASES_MAX]; /* numbers */
    uint32_t next, prev;                /* in list */
    struct worker_list *list;           /* NULL: in none */
    uint8_t n_leases;
    bool used, draining;
};

struct workers {
    struct worker *list;
    uint32_t max, used, n;
    uint32_t hint; /* where the search for a free slot goes on, so that none is reused soon */
    int64_t next_silent_us; /* none falls silent before */
};

enum worker_end {
    WORKER_DIED, /* its messages come again one by one */
    WORKER_LEFT, /* its messages go back */
};

void workers_init(struct workers *ws, uint32_t max);
void workers_deinit(struct workers *ws);
/* NULL: no such worker (any more). */
struct worker *worker_at(struct core *c, uint32_t worker);
/* Into the list it belongs to now. */
void worker_place(struct core *c, uint32_t worker);
void worker_forget(struct core *c, uint32_t worker, enum worker_end how);
/* Forgets whom nobody has heard for three heartbeats. */
void workers_expire(struct core *c);

#endif
