/* Clients: who waits for what. A client is its incarnation; it keeps its place (and its waiting
 * messages) over reconnects and, through replay, over the broker's restart.
 *
 * Window: messages accepted from it of which it knows nothing yet. Their seqs wait in a ring until
 * they are announced (ACCEPTED) or finished (OUTCOME implies accepted). The ring is less than four
 * windows; what was finished out of order is swept out when it is full. */
#ifndef SLUICE_BROKER_CORE_CLIENT_H
#define SLUICE_BROKER_CORE_CLIENT_H

#include "broker/core/message.h"

struct client {
    uint64_t incarnation;
    int64_t heard_us;
    uint64_t *ring;
    uint32_t ring_first, ring_n, ring_cap;
    uint32_t waiting; /* live messages whose outcome it is owed */
    uint32_t window_n;
    uint64_t window_bytes;
    uint64_t urgent_first,
        urgent_last;         /* seqs with flag accept-now that are unannounced; 0: none */
    int64_t announce_due_us; /* a heartbeat after the ring's first was taken */
    bool used, gone;
};

struct clients {
    struct client *list;
    uint32_t max, used;       /* used: slots ever taken; beyond are untouched */
    uint32_t n, last;         /* last: found last */
    uint32_t *by_incarnation; /* open addressing, slots of list + 1; 0: free */
    uint32_t mask;
    int64_t next_announce_us; /* none is due before */
};

void clients_init(struct clients *cs, uint32_t max);
void clients_deinit(struct clients *cs);
/* NO_HANDLE: not known. */
uint32_t clients_find(struct clients *cs, uint64_t incarnation);
/* Finds or makes; forgets silent ones if need be; NO_HANDLE: no place. */
uint32_t clients_get(struct core *c, uint64_t incarnation, int64_t now_us);

/* The message is accepted for this client: counts in waiting and, if it is to be announced, in the
 * window. */
void client_take(struct core *c, uint32_t client, uint32_t message, bool announce);
/* Its client knows of it (announced or finished): it leaves the window. */
void client_knows(struct core *c, struct msg *m);
/* Nobody waits for it any more. */
void client_leave(struct core *c, struct msg *m);
/* Sees to it that what is durable gets announced in time: at once where that is due. */
void clients_review(struct core *c);

#endif
