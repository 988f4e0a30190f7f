/* Services: named queues, made on first sight. */
#ifndef SLUICE_BROKER_CORE_SERVICE_H
#define SLUICE_BROKER_CORE_SERVICE_H

#include "broker/core/message.h"
#include "broker/core/queue.h"

/* A service whose workers merely have no credit at this moment is not yet stalled: a report and the
 * next pull may come in two messages. */
#define STALL_GRACE_US 100000

/* Workers of one service that can be given a batch: idle ones, or busy ones that may prefetch.
 * Sorted by since when; links are worker numbers. */
struct worker_list {
    uint32_t head, tail, n;
};

struct service {
    char name[RECORD_SERVICE_MAX + 1];
    uint8_t name_len;
    struct queue ready, alone;
    struct msg_list volatiles, parked;
    uint32_t in_state[MESSAGE_STATES]; /* volatile messages too; FREE: of no meaning */
    uint32_t volatile_n;
    uint32_t unannounced; /* messages whose clients were not told ACCEPTED yet */
    struct worker_list idle, busy;
    uint32_t workers, draining, leases;
    uint64_t accepted, finished;
    int64_t starved_since_us; /* 0: somebody has credit or a lease */
    bool paused;
    bool last_alone; /* the last lease was of one ALONE message: volatile ones go before the next */
    bool stalled;    /* as service_review found it */
};

void service_init(struct service *s, const char *name, size_t len);
/* Looks whether anybody can take work; sets and returns stalled. */
bool service_review(struct service *s, int64_t now_us);
uint32_t service_waiting(const struct service *s);

#endif
