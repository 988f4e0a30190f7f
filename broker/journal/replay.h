/* Replay: every intact record of the live segments in order, and the account of what is missing.
 *
 * Numbers tell the gaps: a batch whose number is not the one expected means that batches are gone;
 * the difference of the message counts says how many messages. Bytes that are not valid and lie
 * before something that is are copied to SEGMENT.corrupt, at their own offsets, and searched for
 * intact records, which are replayed. */
#ifndef SLUICE_BROKER_JOURNAL_REPLAY_H
#define SLUICE_BROKER_JOURNAL_REPLAY_H

#include "base/buf.h"
#include "broker/journal/damage.h"
#include "broker/journal/journal.h"
#include "broker/journal/tail.h"

struct replay {
    const struct folder *folder;
    const struct layout_id *id;
    journal_replay_fn *fn;
    void *arg;
    struct layout_point expected;
    struct damage damage;
    uint64_t done[OUTCOME_LIMIT]; /* done records by outcome */
    struct buf *why;              /* a line for every place that was set aside */
};

/* Where replay begins: the head, or a kept segment before it if its header can't be read. Returns
 * the index in the list (l->begun: nothing to replay). *ret_ledger as for journal_begin_fn. */
size_t replay_start(struct replay *r, const struct found_list *l, const struct tail *t,
                    struct ledger *ret_ledger);
/* From segment index on, without the batch that the tail holds back. */
int replay_run(struct replay *r, const struct found_list *l, const struct tail *t, size_t index);
/* One record more (of the batch written again). */
void replay_record(struct replay *r, const struct record *record, struct place place);
/* The made-up done records of what stayed lost. */
void replay_losses(struct replay *r);

#endif
