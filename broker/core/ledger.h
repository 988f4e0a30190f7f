/* The ledger: how many messages this broker ever accepted and what became of them (invariants 11).
 *   accepted = sum of counted outcomes (dead: those that lie dead now) + live
 * Totals since the journal was made; they stand in every segment header.
 *
 * A ledger is a fold over the journal's records: ledger_count. What it has counted is known by two
 * cursors that belong to the totals and must be stored and read with them:
 *   next_seq     messages below it are counted. Seqs are gapless over all epochs (the next epoch goes on
 *                after the last one found), so a jump means lost messages: they count as accepted.
 *   next_change  done, parked and unparked records carry a change number in their `counter` field (core
 *                gives it, effect.change, 1 upwards); those below the cursor are counted. Change 0
 *                restates (a dead letter's parked record written again by moving) and is never counted.
 * So a record that comes twice (a survivor moved to the tail, a tail appended again at a start, a header
 * that already knows its own batch) is counted once. A header's totals may stand for any point from the last
 * record before the segment to the hand-over that writes the header, with one duty for the journal: a head
 * segment is freed only when all that was appended until then is durable.
 *
 * Headers never hold damaged: after a replay, core takes accepted - outcomes - live for it (core_start). A message
 * that damage swallowed has been counted as accepted, by its header or by the jump, and has no outcome. */
#ifndef SLUICE_BROKER_CORE_LEDGER_H
#define SLUICE_BROKER_CORE_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "schemas/wire/message.h"
#include "schemas/wire/record.h"

struct ledger {
    uint64_t accepted;
    uint64_t by_outcome[OUTCOME_LIMIT]; /* only counted outcomes move; DEAD goes down on requeue/discard */
    uint64_t next_seq;                  /* 0: nothing yet; the first seq is 1 */
    uint64_t next_change;
};

/* Sum of all counted outcomes. */
static inline uint64_t
ledger_outcomes(const struct ledger *l)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < OUTCOME_LIMIT; i++)
        sum += l->by_outcome[i];
    return sum;
}

/* Is this the first sight of message seq? Then it is accepted now (and all that the jump left out). */
static inline bool
ledger_sees_message(struct ledger *l, uint64_t seq)
{
    if (l->next_seq == 0)
        l->next_seq = 1;
    if (seq < l->next_seq)
        return false;
    l->accepted += seq - l->next_seq + 1;
    l->next_seq = seq + 1;
    return true;
}

static inline bool
ledger_sees_change(struct ledger *l, uint64_t change)
{
    if (change == 0 || change < l->next_change)
        return false;
    l->next_change = change + 1;
    return true;
}

/* One record in the order of the journal. true: the totals changed. */
static inline bool
ledger_count(struct ledger *l, const struct record *r)
{
    if (r->kind == RECORD_MESSAGE)
        return ledger_sees_message(l, r->seq);
    if (r->kind != RECORD_DONE && r->kind != RECORD_PARKED && r->kind != RECORD_UNPARKED)
        return false;
    if (!ledger_sees_change(l, r->counter))
        return false;
    if (r->kind == RECORD_DONE && r->attempt < OUTCOME_LIMIT)
        l->by_outcome[r->attempt]++;
    if (r->kind == RECORD_PARKED)
        l->by_outcome[OUTCOME_DEAD]++;
    else if (r->kind == RECORD_UNPARKED || r->attempt == OUTCOME_DISCARDED) /* it lay dead */
        l->by_outcome[OUTCOME_DEAD]--;
    return true;
}

#endif
