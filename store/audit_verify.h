/* Holding the audit trail against its own chain, against what was written down elsewhere (anchors)
 * and against the record. Whole tables are read, one row at a time; memory stays flat. */
#ifndef SLUICE_STORE_AUDIT_VERIFY_H
#define SLUICE_STORE_AUDIT_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/audit.h"
#include "store/connection.h"

/* AUDIT_FAULT(NAME, "rule", "what it means"). */
#define AUDIT_FAULTS(FAULT)                                                                        \
    FAULT(CHANGED, "row-changed", "the row does not match its MAC: changed, or inserted by hand")  \
    FAULT(LINK, "chain-broken",                                                                    \
          "the rows before are not those that were signed: one is missing"                         \
          " or was inserted")                                                                      \
    FAULT(BATCH, "batch-missing", "a batch of the chain is not there")                             \
    FAULT(START, "start-missing", "the chain does not begin at its first batch")                   \
    FAULT(KEY, "key-unknown", "no key of ours began this chain")                                   \
    FAULT(ANCHOR, "anchor-differs",                                                                \
          "the journal remembers another head here: rows were removed"                             \
          " at the end, or the chain was written anew")                                            \
    FAULT(TAIL, "tail-missing", "the journal remembers later rows of this chain")                  \
    FAULT(WRITER, "chain-missing", "the journal remembers a chain of which no row is there")       \
    FAULT(NO_ROW, "audit-missing", "a stored revision has no audit row: inserted by hand")         \
    FAULT(DIFFERS, "record-differs", "a stored revision is not what its audit row says")           \
    FAULT(DATA, "data-changed", "a stored revision does not say what was written")                 \
    FAULT(TIME, "time-differs",                                                                    \
          "stored_at is over an hour from its audit row, or not when the revision before ended")   \
    FAULT(GONE, "record-missing", "the trail has this revision, the record has not: removed")      \
    FAULT(TWICE, "record-twice", "the current revision stands among the older ones, too")          \
    FAULT(ACT_NO_ROW, "act-unaudited", "what was done about an alert has no audit row: put in")    \
    FAULT(ACT_DIFFERS, "act-differs",                                                              \
          "what was done about an alert is not what its audit row says")                           \
    FAULT(ACT_GONE, "act-missing",                                                                 \
          "the trail has this act on an alert, its history has not: removed or changed")           \
    FAULT(STATE, "alert-state", "an alert's state is not what was done about it")

enum audit_fault {
#define FAULT(NAME, rule, text) AUDIT_FAULT_##NAME,
    AUDIT_FAULTS(FAULT)
#undef FAULT
        AUDIT_FAULT_COUNT
};
const char *audit_fault_rule(enum audit_fault fault);
const char *audit_fault_text(enum audit_fault fault);

struct audit_finding {
    enum audit_fault fault;
    enum { AUDIT_OF_CHAIN, AUDIT_OF_RECORD, AUDIT_OF_ALERT } of; /* which of these is named: */
    struct uuid writer;
    int64_t batch, number; /* 0: does not apply */
    struct uuid submission;
    int32_t revision;
    struct uuid alert;
};

/* One chain, told when its last row was read. */
struct audit_told {
    struct audit_anchor end; /* where it stands now: an anchor for another day */
    int64_t rows, batches;
    int64_t anchored_batch; /* newest batch that an anchor names; 0: none */
    int64_t unanchored;     /* rows that no anchor covers */
    int64_t first_us, last_us;
};

struct audit_hearer {
    void (*fault)(void *arg, const struct audit_finding *finding);
    void (*chain)(void *arg, const struct audit_told *chain);
    void *arg;
};

/* anchors: in any order (sorted here), doubles allowed. The connection's outcomes; faults are not
 * outcomes. */
int audit_verify(struct store *s, const struct audit_keys *keys, struct audit_anchor *anchors,
                 size_t n_anchors, const struct audit_hearer *hearer);
/* Of how many revisions what they say is under a MAC. */
struct audit_compared {
    int64_t revisions;
    int64_t without_mac;    /* from before data had one: a change would not be found */
    int64_t older_mac;      /* of the first form: a change of what it left out would not be found */
    int64_t acts;           /* what people did about alerts */
    int64_t acts_unaudited; /* from before acts had audit rows */
};
/* The record against the trail: faults of the record and of alerts. */
int audit_compare(struct store *s, const struct audit_keys *keys, const struct audit_hearer *hearer,
                  struct audit_compared *ret_compared);
/* Its second half: acts on alerts. Counts into compared. */
int audit_compare_acts(struct store *s, const struct audit_hearer *hearer,
                       struct audit_compared *compared);

#endif
