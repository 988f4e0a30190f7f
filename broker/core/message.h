/* Messages: a chunked array of 80-byte slots, named by 32-bit handles, and the one state table.
 *
 *            accept            dispatch            report (final)
 *     FREE ─────────▶ READY ◀──────────▶ LEASED ─────────────────▶ FREE
 *      ▲               │ ▲   lease ends   │ │                        ▲
 *      │ volatile      │ │                │ └──▶ PARKED ─────────────┤ discard
 *      └── expires ────┘ └── DELAYED ◀────┘        │ │ requeue
 *                           (retry)                └─┴──▶ READY
 *
 * A message is in exactly one list, the one of its state: READY in a queue of its service, DELAYED
 * in the list of its delay class, LEASED in its lease's array, PARKED in its service's list of dead
 * letters. Only message_move writes the state; it unlinks, links and counts. Everything else about
 * a message (who waits for it, what it counts in the ledger) belongs to the callers. */
#ifndef SLUICE_BROKER_CORE_MESSAGE_H
#define SLUICE_BROKER_CORE_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/core/core.h"

#define NO_HANDLE UINT32_MAX
#define NO_CLIENT UINT16_MAX

#define MESSAGE_CHUNK_BITS 12
#define MESSAGE_CHUNK (1u << MESSAGE_CHUNK_BITS)

enum msg_bit {
    MSG_UNANNOUNCED =
        1 << 0, /* its client has not been told ACCEPTED yet; it counts in the window */
    MSG_WAITED_FOR = 1 << 1, /* counts in its client's waiting */
};

struct msg {
    uint64_t seq; /* 0: free */
    uint64_t counter;
    int64_t accepted_us; /* wall clock; of a volatile message: when it expires, monotonic */
    union {
        int64_t due_us; /* DELAYED */
        struct {
            uint32_t lease; /* LEASED: number, and where in its array */
            uint32_t at;
        };
    };
    struct place place; /* volatile: segment 0, offset = slot of the body */
    uint32_t epoch;
    uint32_t id_hash;
    uint32_t next, prev;       /* in the list of its state */
    uint32_t seq_next;         /* index chains */
    uint32_t id_next, id_prev; /* volatile: the list of expiry instead */
    uint16_t client;
    uint8_t state, flags, attempt, kills, service,
        bits; /* flags: enum record_flag; bits: msg_bit */
};
_Static_assert(sizeof(struct msg) == 80, "80 bytes + 8 of index heads stay below 96");

struct messages {
    struct msg **chunks;
    uint32_t n_chunks, chunks_cap;
    uint32_t used; /* handles ever given */
    uint32_t free; /* first of the free list */
    uint32_t n;
};

/* A doubly linked list through next and prev. */
struct msg_list {
    uint32_t head, tail, n;
};

static inline struct msg *
messages_at(const struct messages *ms, uint32_t handle)
{
    return &ms->chunks[handle >> MESSAGE_CHUNK_BITS][handle & (MESSAGE_CHUNK - 1)];
}

static inline bool
msg_is_volatile(const struct msg *m)
{
    return (m->flags & RECORD_VOLATILE) != 0;
}

void messages_init(struct messages *ms);
void messages_deinit(struct messages *ms);
/* A zeroed slot in state FREE. */
uint32_t messages_new(struct messages *ms);
void messages_release(struct messages *ms, uint32_t handle);
uint64_t messages_bytes(const struct messages *ms);

void msg_list_init(struct msg_list *l);
void msg_list_append(struct messages *ms, struct msg_list *l, uint32_t handle);
void msg_list_prepend(struct messages *ms, struct msg_list *l, uint32_t handle);
/* In order of seq; walks, so for short lists only. */
void msg_list_insert(struct messages *ms, struct msg_list *l, uint32_t handle);
void msg_list_remove(struct messages *ms, struct msg_list *l, uint32_t handle);

/* May a message go from one state to another? */
bool message_may_move(enum message_state from, enum message_state to);
/* where: the lease's number (LEASED) or the delay class (DELAYED), else 0. */
void message_move(struct core *c, uint32_t handle, enum message_state to, uint32_t where);
/* A journaled message comes to life, now or in replay: counted, in both indexes, in no list yet.
 * Who waits for it and its first state are the caller's to say. finish_free is the other end. */
uint32_t message_enter(struct core *c, const struct record *r, uint32_t service,
                       struct place place);

#endif
