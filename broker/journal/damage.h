/* What a damaged journal lost: ranges of seqs with how many messages of them are gone.
 *
 * Found by replay (a gap in batch numbers or a bad record), written down in the file "damage" until
 * someone acknowledges it. A message of such a range of which a later record knows (its done
 * record, its moved copy) is not lost after all. Ranges do not overlap. */
#ifndef SLUICE_BROKER_JOURNAL_DAMAGE_H
#define SLUICE_BROKER_JOURNAL_DAMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/journal/folder.h"
#include "broker/journal/journal.h"

struct damage_range {
    uint64_t first, after; /* seqs [first, after) */
    uint64_t lost;
    uint8_t *known; /* bitmap: seqs that are accounted for; NULL: the range is too wide for one */
};

struct damage {
    struct damage_range *ranges;
    size_t n;
};

void damage_deinit(struct damage *d);
/* lost of the messages with seqs in [first, after) are gone. */
void damage_add(struct damage *d, uint64_t first, uint64_t after, uint64_t lost);
/* This seq of the range added last is intact: it is none of the lost ones. */
void damage_intact(struct damage *d, uint64_t seq);
/* A record tells of this seq: if it was thought lost, it is not. */
void damage_told(struct damage *d, uint64_t seq);
uint64_t damage_lost(const struct damage *d);
/* Walks the lost seqs (as many as are lost; holes in a range can't be told from them). Start with
 * *range = 0 and *seq = 0; false at the end. */
bool damage_next(const struct damage *d, size_t *range, uint64_t *seq, uint64_t *given);

/* The file: losses not yet acknowledged. */
struct losses {
    struct journal_loss *list;
    size_t n;
};
int losses_load(const struct folder *f, struct losses *ret);
/* Adds what is new in d (ranges not written down before, acknowledged or not). */
int losses_add(const struct folder *f, const struct damage *d);
int losses_acknowledge(const struct folder *f, const char *who);
void losses_deinit(struct losses *l);

#endif
