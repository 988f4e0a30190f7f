/* Leases: one delivered batch each. Numbers count up through the epoch; a lease lives in slot
 * number & mask, and a number whose slot is still taken is skipped: so the number alone finds it
 * and a late report never meets another lease's messages. All leases last equally long, so the list
 * of expiry is a FIFO: extending moves to its end. A held lease (its report waits for durability)
 * is not in it. */
#ifndef SLUICE_BROKER_CORE_LEASE_H
#define SLUICE_BROKER_CORE_LEASE_H

#include "broker/core/message.h"

struct lease {
    uint32_t number; /* 0: free */
    uint32_t worker, service;
    uint32_t n, cap;
    uint32_t *messages;
    int64_t deadline_us;
    uint32_t next, prev;      /* slots, in the list of expiry */
    uint32_t credit_messages; /* what it was drawn on, for core_undeliver */
    uint64_t credit_bytes;
    bool alone, held;
};

struct leases {
    struct lease *slots;
    uint32_t mask, last_number, n;
    uint32_t head, tail; /* slots: who expires first */
};

enum lease_end {
    LEASE_RETURNED,    /* nobody's fault */
    LEASE_UNDELIVERED, /* never left: the attempt does not count, the credit is good again */
    LEASE_DIED,        /* the worker died with it: alone from now on, a kill if it was alone */
};

void leases_init(struct leases *ls, uint32_t max_workers);
void leases_deinit(struct leases *ls);
struct lease *lease_at(const struct leases *ls, uint32_t number); /* NULL: over */
struct lease *lease_find(struct core *c, uint32_t number);        /* must be there */
/* A new lease of this worker, drawing on its credit; room for cap messages. */
struct lease *lease_new(struct core *c, uint32_t worker, uint32_t cap, bool alone);
/* message_move's two ends; unlinking puts the last one into the gap. */
void lease_link(struct core *c, uint32_t message, uint32_t number);
void lease_unlink(struct core *c, uint32_t message);
/* Nothing is left in it (asserted). */
void lease_over(struct core *c, uint32_t number);
void lease_give_back(struct core *c, uint32_t number, enum lease_end how);
/* Not held any more; its time begins anew. */
void lease_unhold(struct core *c, struct lease *l);
void leases_expire(struct core *c);
void leases_shift(struct leases *ls, int64_t gap_us);

#endif
