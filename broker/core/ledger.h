/* The ledger: how many messages this broker ever accepted and what became of them (invariants 11).
 *   accepted = sum of counted outcomes (dead: those that lie dead now) + live
 * Totals since the journal was made; they stand in every segment header: the totals of everything
 * appended before that segment, neither less nor more, without DEAD.
 *
 * Replay begins with such a header (base) and counts (replay.c):
 *   message   accepted, the first time its seq is seen, unless seq <= base.last_seq (counted
 * before; this is a survivor written again). The later place wins. done      its outcome, the first
 * time; if the message was never seen: accepted too, unless seq <= base.last_seq. A message seen
 * after its done record is over. parked, unparked   state only: DEAD is how many lie dead now.
 * Unknown messages: nothing, since a moved dead letter has a parked record behind its copy. */
#ifndef SLUICE_BROKER_CORE_LEDGER_H
#define SLUICE_BROKER_CORE_LEDGER_H

#include <stdint.h>

#include "schemas/wire/codes.h"

struct ledger {
    uint64_t accepted;
    uint64_t last_seq; /* the highest seq counted in accepted; stands in the segment header too */
    uint64_t by_outcome[OUTCOME_LIMIT]; /* only counted outcomes move; DEAD goes down on
                                           requeue/discard */
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

#endif
