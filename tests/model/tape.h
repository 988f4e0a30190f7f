/* A tiny journal in memory for the model: segments of records, headers with totals, a durable mark,
 * reclaim by moving, a crash that tears off what was not durable. It keeps reclaimed records too,
 * so that the true totals can be counted from the whole history in the most naive way. */
#ifndef SLUICE_TESTS_MODEL_TAPE_H
#define SLUICE_TESTS_MODEL_TAPE_H

#include "broker/core/core.h"

struct tape_record {
    struct record r;
    struct place place;
};

struct tape_segment {
    uint32_t number;
    size_t first;         /* index of its first record */
    struct ledger header; /* totals before it */
};

struct tape {
    struct tape_record *records;
    size_t n, cap;
    size_t durable; /* records that survive any crash */
    struct tape_segment *segments;
    size_t n_segments, cap_segments;
    size_t head; /* the oldest kept segment */
};

void tape_init(struct tape *t);
void tape_deinit(struct tape *t);
struct place tape_append(struct tape *t, const struct record *r);
/* The end of a turn: begins a new segment if this one holds enough. */
void tape_hand_over(struct tape *t, const struct ledger *totals, size_t segment_records);
/* A sync of n more records; returns the highest durable seq of a message. */
uint64_t tape_sync(struct tape *t, size_t n);
/* Keeps a random number of the records that are not durable, loses the rest; returns the next seq.
 */
uint64_t tape_crash(struct tape *t, size_t keep);
void tape_replay(const struct tape *t, struct core *c, int64_t now_us);
/* The totals of the whole history, counted naively; live too. */
void tape_count(const struct tape *t, struct ledger *ret_ledger, uint64_t *ret_live);

#endif
