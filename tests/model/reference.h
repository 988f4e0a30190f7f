/* The naive reference: what should be so, kept in plain arrays and searched from end to end. It is
 * told each command and each effect; it checks that the effect was right and follows it. */
#ifndef SLUICE_TESTS_MODEL_REFERENCE_H
#define SLUICE_TESTS_MODEL_REFERENCE_H

#include "broker/core/core.h"

#define REF_CLIENTS 4
#define REF_WORKERS 6
#define REF_SERVICES 2

struct ref_message {
    bool live; /* it exists: waiting, leased or dead */
    bool is_volatile, alone, accept_now, was_dead;
    bool unannounced;
    uint64_t epoch, seq, counter, incarnation; /* incarnation 0: nobody waits */
    uint32_t service, length, handle, lease;
    enum message_state state;
    unsigned attempt, kills;
    int64_t due_us;     /* DELAYED: not before; volatile: over then */
    int64_t durable_us; /* since when it is durable; 0: not yet */
};

struct ref_worker {
    bool used, draining;
    uint32_t handle, service;
    uint32_t credit;
    uint64_t credit_bytes;
    int64_t since_us, heard_us;
    uint32_t leases[2];
    bool lease_alone[2], held[2];
    int64_t deadline_us[2];
    unsigned n_leases;
};

struct reference {
    struct core_limits limits;
    struct ref_message *messages;
    size_t n, cap;
    struct ref_worker workers[REF_WORKERS];
    bool paused[REF_SERVICES], last_alone[REF_SERVICES];
    uint64_t durable_seq;
    int64_t now_us;
    uint64_t seed, step; /* for the message of a failure */
};

#define ref_check(ref, expr) ((expr) ? (void)0 : ref_failed(ref, #expr, __FILE__, __LINE__))
_Noreturn void ref_failed(const struct reference *ref, const char *expr, const char *file,
                          int line);

struct ref_message *ref_add(struct reference *ref);
struct ref_message *ref_find(struct reference *ref, uint64_t epoch, uint64_t seq);
struct ref_worker *ref_worker_of(struct reference *ref, uint32_t handle);
/* The lease ends: its messages go back; died: alone, with kills counted. attempts: the delivery
 * counts. */
void ref_lease_end(struct reference *ref, struct ref_worker *w, unsigned i, bool died);
void ref_worker_end(struct reference *ref, struct ref_worker *w, bool died);
/* A DELIVER: is it the right batch for the right worker? */
void ref_deliver(struct reference *ref, const struct core *c, const struct effect *e);
/* After core_dispatch: is there nobody left who should have got something? */
void ref_dispatched(struct reference *ref);
/* Time passes: what core_tick must have done. */
void ref_tick(struct reference *ref);
/* Drops messages that are over. */
void ref_sweep(struct reference *ref);
/* Compares all that lives with what core says. */
void ref_compare(struct reference *ref, const struct core *c);

#endif
