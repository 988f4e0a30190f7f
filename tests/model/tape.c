/* The model's tiny journal. */
#include "tests/model/tape.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

void
tape_init(struct tape *t)
{
    *t = (struct tape){.segments = mem_new(16, sizeof(*t->segments)), .cap_segments = 16};
    t->segments[t->n_segments++] = (struct tape_segment){.number = 1};
}

void
tape_deinit(struct tape *t)
{
    free(t->records);
    free(t->segments);
}

struct place
tape_append(struct tape *t, const struct record *r)
{
    const struct tape_segment *s = &t->segments[t->n_segments - 1];

    if (t->n == t->cap) {
        t->cap = t->cap == 0 ? 1024 : t->cap * 2;
        t->records = mem_grow(t->records, t->cap, sizeof(*t->records));
    }
    struct tape_record *rec = &t->records[t->n];
    *rec = (struct tape_record){.r = *r,
                                .place = {.segment = s->number,
                                          .offset = (uint32_t)(t->n - s->first),
                                          .length = r->length}};
    t->n++;
    return rec->place;
}

void
tape_hand_over(struct tape *t, const struct ledger *totals, size_t segment_records)
{
    const struct tape_segment *s = &t->segments[t->n_segments - 1];

    if (t->n - s->first < segment_records)
        return;
    if (t->n_segments == t->cap_segments) {
        t->cap_segments *= 2;
        t->segments = mem_grow(t->segments, t->cap_segments, sizeof(*t->segments));
        s = &t->segments[t->n_segments - 1];
    }
    struct tape_segment new = {.number = s->number + 1, .first = t->n, .header = *totals};
    new.header.by_outcome[OUTCOME_DEAD] = 0;
    t->segments[t->n_segments++] = new;
}

static uint64_t
seq_until(const struct tape *t, size_t n)
{
    uint64_t seq = 0;

    for (size_t i = 0; i < n; i++)
        if (t->records[i].r.kind == RECORD_MESSAGE && t->records[i].r.seq > seq)
            seq = t->records[i].r.seq;
    return seq;
}

uint64_t
tape_sync(struct tape *t, size_t n)
{
    t->durable = t->n - t->durable < n ? t->n : t->durable + n;
    return seq_until(t, t->durable);
}

uint64_t
tape_crash(struct tape *t, size_t keep)
{
    t->n = t->n - t->durable < keep ? t->n : t->durable + keep;
    t->durable = t->n;
    while (t->n_segments > 1 && t->segments[t->n_segments - 1].first > t->n)
        t->n_segments--;
    return seq_until(t, t->n) + 1;
}

void
tape_replay(const struct tape *t, struct core *c, int64_t now_us)
{
    const struct tape_segment *head = &t->segments[t->head];

    core_replay_begin(c, &head->header);
    for (size_t i = head->first; i < t->n; i++)
        core_replay(c, &t->records[i].r, t->records[i].place, now_us);
}

void
tape_count(const struct tape *t, struct ledger *ret_ledger, uint64_t *ret_live)
{
    uint64_t top = seq_until(t, t->n) + 1;
    uint8_t *fate = mem_new(top, 1); /* 0 unknown, 1 live, 2 dead, 3 over */
    struct ledger l = {0};

    *ret_live = 0;
    for (size_t i = 0; i < t->n; i++) {
        const struct record *r = &t->records[i].r;
        uint8_t *f = &fate[r->seq];
        if (r->kind == RECORD_MESSAGE && *f == 0) {
            *f = 1;
            l.accepted++;
            l.last_seq = r->seq;
        } else if (r->kind == RECORD_DONE && *f != 3) {
            *f = 3;
            l.by_outcome[r->attempt]++;
        } else if (r->kind == RECORD_PARKED && *f == 1) {
            *f = 2;
        } else if (r->kind == RECORD_UNPARKED && *f == 2) {
            *f = 1;
        }
    }
    for (uint64_t seq = 0; seq < top; seq++) {
        *ret_live += fate[seq] == 1;
        l.by_outcome[OUTCOME_DEAD] += fate[seq] == 2;
    }
    free(fate);
    *ret_ledger = l;
}
