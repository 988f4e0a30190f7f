/* Replay: the journal's records, oldest first, make the core's state again. ledger.h says what
 * counts. While it runs, READY messages of all services stand in one list; core_replay_end queues
 * them. */
#ifndef SLUICE_BROKER_CORE_REPLAY_H
#define SLUICE_BROKER_CORE_REPLAY_H

#include "broker/core/message.h"

/* A set of seqs, one bit each in pages of 512 found by hashing: a dense journal costs a bit a
 * message. */
struct seq_page {
    uint64_t number; /* seq / 512, + 1; 0: free slot */
    uint64_t bits[8];
};

struct seq_set {
    struct seq_page *pages;
    uint32_t n, mask;
};

struct replay {
    uint64_t base_seq;   /* counted before the first record */
    struct seq_set done; /* done records seen: what comes again after that is over */
    struct msg_list ready;
    uint32_t moved; /* a dead letter whose copy was the last message seen, and where that lies */
    struct place moved_to;
};

bool seq_set_has(const struct seq_set *s, uint64_t seq);
void seq_set_add(struct seq_set *s, uint64_t seq);
void seq_set_deinit(struct seq_set *s);

#endif
