/* The model's parts: core, reference, tape and the dice, and the commands that are thrown. */
#ifndef SLUICE_TESTS_MODEL_MODEL_H
#define SLUICE_TESTS_MODEL_MODEL_H

#include "tests/model/reference.h"
#include "tests/model/tape.h"

#define LIVE_MAX 150
#define VOLATILE_MAX 6
#define SEGMENT_RECORDS 40
#define VOLATILE_SLOTS 64

extern const char *const model_services[REF_SERVICES];

struct model {
    struct core *core;
    struct reference ref;
    struct tape tape;
    uint64_t random, epoch, counter, volatile_seq;
    uint64_t incarnations[REF_CLIENTS];
    uint32_t clients[REF_CLIENTS];
    uint64_t worker_incarnations[REF_WORKERS];
    bool slots[VOLATILE_SLOTS];
    size_t free_head_at; /* a head being freed: when so many records are durable; 0: none */
    uint64_t crashes, outcomes, deliveries, stale, moved; /* that the run did something */
};

/* A random number below. */
uint64_t model_draw(struct model *m, uint64_t below);
/* Over or not. */
struct ref_message *model_message(struct reference *ref, uint64_t epoch, uint64_t seq);
/* Appends a record about a message to the tape. */
void model_mark(struct model *m, uint8_t kind, const struct effect *e);
/* Paused, or nobody there who takes work. */
bool model_service_is_dead(const struct reference *ref, uint32_t service);
/* Checks and carries out what core decided; the ledger must balance after it. */
void model_effects(struct model *m);
/* The totals against the whole history. */
void model_ledger(struct model *m);
/* What core_durable and core_tick must have announced. */
void model_announced(struct model *m);
/* intake.c: messages come, become durable, are moved; time and admins. */
void model_accept(struct model *m, bool is_volatile);
void model_sync(struct model *m);
void model_move(struct model *m);
void model_time(struct model *m);
void model_admin(struct model *m);
/* A random one, NULL: that place is empty. */
struct ref_worker *model_worker(struct model *m);
/* work.c: workers and leases. */
void model_ready(struct model *m);
void model_pull(struct model *m, struct ref_worker *w);
void model_report(struct model *m, struct ref_worker *w);
void model_lease(struct model *m, struct ref_worker *w);
void model_worker_end(struct model *m, struct ref_worker *w);
void model_dispatch(struct model *m);

#endif
