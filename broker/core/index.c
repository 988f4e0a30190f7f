/* Linear hashing (Litwin): buckets p … 2p-1 appear one by one by splitting 0 … p-1. */
#include "broker/core/index.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "schemas/wire/record.h"

#define CHUNK_BITS 12
#define CHUNK (1u << CHUNK_BITS)

static void
heads_grow(struct index_heads *h)
{
    if (h->n_chunks == h->chunks_cap) {
        h->chunks_cap = h->chunks_cap == 0 ? 16 : h->chunks_cap * 2;
        h->chunks = mem_grow(h->chunks, h->chunks_cap, sizeof(*h->chunks));
    }
    uint32_t *chunk = mem_new(CHUNK, sizeof(*chunk));
    memset(chunk, 0xff, CHUNK * sizeof(*chunk));
    h->chunks[h->n_chunks++] = chunk;
}

static void
heads_init(struct index_heads *h)
{
    *h = (struct index_heads){.buckets = 1};
    heads_grow(h);
}

static void
heads_deinit(struct index_heads *h)
{
    for (uint32_t i = 0; i < h->n_chunks; i++)
        free(h->chunks[i]);
    free(h->chunks);
}

static uint32_t *
head_at(const struct index_heads *h, uint32_t bucket)
{
    return &h->chunks[bucket >> CHUNK_BITS][bucket & (CHUNK - 1)];
}

/* The largest power of two that is not above n. */
static uint32_t
power_below(uint32_t n)
{
    return 1u << (31 - __builtin_clz(n));
}

static uint32_t *
head_of(const struct index_heads *h, uint32_t hash)
{
    uint32_t p = power_below(h->buckets);
    uint32_t bucket = hash & (2 * p - 1);

    return head_at(h, bucket < h->buckets ? bucket : hash & (p - 1));
}

/* Opens one more bucket; returns which one has to give: *ret_mask tells who moves to the new one.
 */
static uint32_t
heads_open(struct index_heads *h, uint32_t *ret_mask)
{
    uint32_t p = power_below(h->buckets);

    if (h->buckets == h->n_chunks << CHUNK_BITS)
        heads_grow(h);
    *ret_mask = p;
    return h->buckets++ - p;
}

static void
seq_split(struct index_heads *h, struct messages *ms)
{
    uint32_t bit, from = heads_open(h, &bit);
    uint32_t *link = head_at(h, from), *to = head_at(h, from + bit);

    while (*link != NO_HANDLE) {
        uint32_t handle = *link;
        struct msg *m = messages_at(ms, handle);
        if (((uint32_t)m->seq & bit) == 0) {
            link = &m->seq_next;
            continue;
        }
        *link = m->seq_next;
        m->seq_next = *to;
        *to = handle;
    }
}

static void
id_link(struct messages *ms, uint32_t *head, uint32_t handle)
{
    struct msg *m = messages_at(ms, handle);

    m->id_prev = NO_HANDLE;
    m->id_next = *head;
    if (*head != NO_HANDLE)
        messages_at(ms, *head)->id_prev = handle;
    *head = handle;
}

static void
id_unlink(struct messages *ms, uint32_t *head, uint32_t handle)
{
    struct msg *m = messages_at(ms, handle);

    if (m->id_prev == NO_HANDLE)
        *head = m->id_next;
    else
        messages_at(ms, m->id_prev)->id_next = m->id_next;
    if (m->id_next != NO_HANDLE)
        messages_at(ms, m->id_next)->id_prev = m->id_prev;
}

static void
id_split(struct index_heads *h, struct messages *ms)
{
    uint32_t bit, from = heads_open(h, &bit);
    uint32_t *head = head_at(h, from), *to = head_at(h, from + bit);

    for (uint32_t handle = *head, next; handle != NO_HANDLE; handle = next) {
        struct msg *m = messages_at(ms, handle);
        next = m->id_next;
        if ((m->id_hash & bit) == 0)
            continue;
        id_unlink(ms, head, handle);
        id_link(ms, to, handle);
    }
}

void
index_init(struct index *ix, uint64_t id_seed)
{
    heads_init(&ix->by_seq);
    heads_init(&ix->by_id);
    ix->id_seed = id_seed;
}

void
index_deinit(struct index *ix)
{
    heads_deinit(&ix->by_seq);
    heads_deinit(&ix->by_id);
}

/* Two rounds of multiply-fold over the halves: spreads, and the seed keeps it from being aimed at.
 */
uint32_t
index_id_hash(const struct index *ix, const struct uuid *id)
{
    __uint128_t x = (__uint128_t)(le64_get(id->bytes) ^ ix->id_seed ^ 0x9e3779b97f4a7c15u) *
                    (le64_get(id->bytes + 8) ^ 0xd1b54a32d192ed03u ^ (ix->id_seed >> 32));
    uint64_t y = (uint64_t)x ^ (uint64_t)(x >> 64);

    x = (__uint128_t)(y ^ ix->id_seed) * 0xa0761d6478bd642fu;
    y = (uint64_t)x ^ (uint64_t)(x >> 64);
    return (uint32_t)(y ^ y >> 32);
}

void
index_seq_add(struct index *ix, struct messages *ms, uint32_t handle)
{
    struct index_heads *h = &ix->by_seq;
    struct msg *m = messages_at(ms, handle);

    if (++h->n > h->buckets)
        seq_split(h, ms);
    uint32_t *head = head_of(h, (uint32_t)m->seq);
    m->seq_next = *head;
    *head = handle;
}

void
index_seq_remove(struct index *ix, struct messages *ms, uint32_t handle)
{
    struct index_heads *h = &ix->by_seq;
    struct msg *m = messages_at(ms, handle);
    uint32_t *link = head_of(h, (uint32_t)m->seq);

    while (*link != handle) {
        sluice_assert(*link != NO_HANDLE);
        link = &messages_at(ms, *link)->seq_next;
    }
    *link = m->seq_next;
    h->n--;
}

uint32_t
index_seq_find(const struct index *ix, const struct messages *ms, uint64_t seq)
{
    uint32_t handle = *head_of(&ix->by_seq, (uint32_t)seq);

    while (handle != NO_HANDLE) {
        const struct msg *m = messages_at(ms, handle);
        if (m->seq == seq)
            return handle;
        handle = m->seq_next;
    }
    return NO_HANDLE;
}

void
index_id_add(struct index *ix, struct messages *ms, uint32_t handle)
{
    struct index_heads *h = &ix->by_id;

    if (++h->n > h->buckets)
        id_split(h, ms);
    id_link(ms, head_of(h, messages_at(ms, handle)->id_hash), handle);
}

void
index_id_remove(struct index *ix, struct messages *ms, uint32_t handle)
{
    id_unlink(ms, head_of(&ix->by_id, messages_at(ms, handle)->id_hash), handle);
    ix->by_id.n--;
}

uint32_t
index_id_chain(const struct index *ix, uint32_t id_hash)
{
    return *head_of(&ix->by_id, id_hash);
}

static uint64_t
heads_bytes(const struct index_heads *h)
{
    return (uint64_t)h->n_chunks * CHUNK * sizeof(uint32_t) +
           (uint64_t)h->chunks_cap * sizeof(*h->chunks);
}

uint64_t
index_bytes(const struct index *ix)
{
    return heads_bytes(&ix->by_seq) + heads_bytes(&ix->by_id);
}
