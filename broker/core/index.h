/* Two indexes over the messages: seq → handle and hash of id → handle(s).
 *
 * Linear hashing with chains through the messages themselves: 4 bytes of head a message, one bucket
 * is split for each message past the last high-water mark, so there is never a rehash, a pause or a
 * spike. Seqs hash to themselves (the broker gives them). Ids are hashed with a secret seed; their
 * chains are doubly linked, so that a million copies of one id are as quick to take out as one.
 * Heads never shrink: they are bounded by the largest backlog. */
#ifndef SLUICE_BROKER_CORE_INDEX_H
#define SLUICE_BROKER_CORE_INDEX_H

#include "base/uuid.h"
#include "broker/core/message.h"

struct index_heads {
    uint32_t **chunks;
    uint32_t n_chunks, chunks_cap;
    uint32_t buckets; /* in use */
    uint32_t n;
};

struct index {
    struct index_heads by_seq, by_id;
    uint64_t id_seed;
};

void index_init(struct index *ix, uint64_t id_seed);
void index_deinit(struct index *ix);
uint32_t index_id_hash(const struct index *ix, const struct uuid *id);

void index_seq_add(struct index *ix, struct messages *ms, uint32_t handle);
void index_seq_remove(struct index *ix, struct messages *ms, uint32_t handle);
uint32_t index_seq_find(const struct index *ix, const struct messages *ms, uint64_t seq);

void index_id_add(struct index *ix, struct messages *ms, uint32_t handle);
void index_id_remove(struct index *ix, struct messages *ms, uint32_t handle);
/* The first of the chain in which messages with this hash lie (go on by id_next). */
uint32_t index_id_chain(const struct index *ix, uint32_t id_hash);

uint64_t index_bytes(const struct index *ix);

#endif
