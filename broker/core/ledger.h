/* The ledger: how many messages this broker ever accepted and what became of them (invariants 11).
 *   accepted = sum of counted outcomes (dead: those that lie dead now) + live
 * Totals since the journal was made; they stand in every segment header. */
#ifndef SLUICE_BROKER_CORE_LEDGER_H
#define SLUICE_BROKER_CORE_LEDGER_H

#include <stdint.h>

#include "schemas/wire/message.h"

struct ledger {
    uint64_t accepted;
    uint64_t last_seq; /* the highest seq counted in accepted; stands in the segment header too */
    uint64_t by_outcome[OUTCOME_LIMIT]; /* only counted outcomes move; DEAD goes down on requeue/discard */
};

#endif
