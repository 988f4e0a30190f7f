/* Who is connected: routing id → peer and core's handle → peer, for clients and workers.
 *
 * A peer is made by HELLO or READY only; whoever speaks before is nobody and costs nothing. A
 * handle has at most one peer and a routing id at most one peer: the newest introduction wins.
 * Bounded; the silent are forgotten by the turn. Across turns keep handles, not pointers. */
#ifndef SLUICE_BROKER_NET_PEERS_H
#define SLUICE_BROKER_NET_PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/net/handout.h"
#include "broker/net/outbox.h"

#define PEER_ROUTING_MAX 255
#define PEER_TEXT_MAX 64
#define PEER_LEASES_MAX 2 /* one being worked on, one prefetched */

enum peer_role { PEER_CLIENT, PEER_WORKER, PEER_ROLES };

struct peer {
    enum peer_role role;
    uint32_t handle; /* core's client or worker */
    uint64_t incarnation;
    int64_t heard_us, sent_us;
    uint32_t next_by_routing, next_by_handle; /* hash chains */
    bool used;
    uint8_t routing_len;
    uint8_t routing[PEER_ROUTING_MAX];
    char name[PEER_TEXT_MAX], host[PEER_TEXT_MAX], version[PEER_TEXT_MAX];
    uint64_t pid;
    struct outbox outbox;                     /* clients */
    struct handout handouts[PEER_LEASES_MAX]; /* workers */
    uint32_t held;                            /* workers: reports that wait for the disk */
};

struct peers; /* opaque */

struct peers *peers_new(uint32_t max);
void peers_free(struct peers **peers_p);

struct peer *peers_find(const struct peers *p, enum peer_role role, const void *routing,
                        size_t len);
struct peer *peers_of(const struct peers *p, enum peer_role role, uint32_t handle);
/* Binds routing id and handle to each other, forgetting what either was bound to before. A peer
 * that came back under the same handle and incarnation keeps what is gathered and remembered for
 * it. NULL: the table is full or the routing id too long. */
struct peer *peers_bind(struct peers *p, enum peer_role role, const void *routing, size_t len,
                        uint32_t handle, uint64_t incarnation, int64_t now_us);
void peers_forget(struct peers *p, struct peer *peer);
/* Walks all peers: *cursor starts at 0; NULL at the end. Forgetting the current one is allowed. */
struct peer *peers_next(const struct peers *p, uint32_t *cursor);
/* We were away for so long: nobody's silence counts it. */
void peers_shift_heard(struct peers *p, int64_t gap_us);
uint32_t peers_count(const struct peers *p, enum peer_role role);

#endif
