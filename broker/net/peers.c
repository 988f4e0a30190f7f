/* A flat table of slots with two chained hashes over it. */
#include "broker/net/peers.h"

#include <string.h>

#include "base/error.h"

#define BUCKETS 1024 /* power of two */
#define NO_SLOT UINT32_MAX

struct peers {
    struct peer *slots;
    uint32_t n_slots, used_below; /* no used slot at or above */
    uint32_t counts[PEER_ROLES];
    uint32_t by_routing[BUCKETS], by_handle[BUCKETS];
};

struct peers *
peers_new(uint32_t max)
{
    struct peers *p = mem_new(1, sizeof(*p));

    memset(p, 0, sizeof(*p));
    p->slots = mem_new(max, sizeof(*p->slots));
    memset(p->slots, 0, (size_t)max * sizeof(*p->slots));
    p->n_slots = max;
    memset(p->by_routing, 0xff, sizeof(p->by_routing));
    memset(p->by_handle, 0xff, sizeof(p->by_handle));
    return p;
}

void
peers_free(struct peers **peers_p)
{
    struct peers *p = *peers_p;
    uint32_t cursor = 0;

    if (p == NULL)
        return;
    for (struct peer *peer; (peer = peers_next(p, &cursor)) != NULL;)
        peers_forget(p, peer);
    free(p->slots);
    free(p);
    *peers_p = NULL;
}

static uint32_t
routing_bucket(enum peer_role role, const void *routing, size_t len)
{
    const uint8_t *bytes = routing;
    uint32_t hash = 2166136261u ^ (uint32_t)role;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ bytes[i]) * 16777619u;
    return (hash ^ hash >> 16) & (BUCKETS - 1);
}

static uint32_t
handle_bucket(enum peer_role role, uint32_t handle)
{
    return ((handle * 2 + (uint32_t)role) * 2654435761u >> 16) & (BUCKETS - 1);
}

struct peer *
peers_find(const struct peers *p, enum peer_role role, const void *routing, size_t len)
{
    uint32_t i = p->by_routing[routing_bucket(role, routing, len)];

    for (; i != NO_SLOT; i = p->slots[i].next_by_routing) {
        struct peer *peer = &p->slots[i];
        if (peer->role == role && peer->routing_len == len &&
            memcmp(peer->routing, routing, len) == 0)
            return peer;
    }
    return NULL;
}

struct peer *
peers_of(const struct peers *p, enum peer_role role, uint32_t handle)
{
    uint32_t i = p->by_handle[handle_bucket(role, handle)];

    for (; i != NO_SLOT; i = p->slots[i].next_by_handle) {
        struct peer *peer = &p->slots[i];
        if (peer->role == role && peer->handle == handle)
            return peer;
    }
    return NULL;
}

static void
routing_link(struct peers *p, struct peer *peer)
{
    uint32_t *head = &p->by_routing[routing_bucket(peer->role, peer->routing, peer->routing_len)];

    peer->next_by_routing = *head;
    *head = (uint32_t)(peer - p->slots);
}

static void
routing_unlink(struct peers *p, struct peer *peer)
{
    uint32_t *link = &p->by_routing[routing_bucket(peer->role, peer->routing, peer->routing_len)];

    while (*link != (uint32_t)(peer - p->slots))
        link = &p->slots[*link].next_by_routing;
    *link = peer->next_by_routing;
}

static void
handle_link(struct peers *p, struct peer *peer)
{
    uint32_t *head = &p->by_handle[handle_bucket(peer->role, peer->handle)];

    peer->next_by_handle = *head;
    *head = (uint32_t)(peer - p->slots);
}

static void
handle_unlink(struct peers *p, struct peer *peer)
{
    uint32_t *link = &p->by_handle[handle_bucket(peer->role, peer->handle)];

    while (*link != (uint32_t)(peer - p->slots))
        link = &p->slots[*link].next_by_handle;
    *link = peer->next_by_handle;
}

static struct peer *
slot_take(struct peers *p)
{
    for (uint32_t i = 0; i < p->n_slots; i++) {
        struct peer *peer = &p->slots[i];
        if (peer->used)
            continue;
        if (i >= p->used_below)
            p->used_below = i + 1;
        return peer;
    }
    return NULL;
}

struct peer *
peers_bind(struct peers *p, enum peer_role role, const void *routing, size_t len, uint32_t handle,
           uint64_t incarnation, int64_t now_us)
{
    if (len > PEER_ROUTING_MAX)
        return NULL;
    struct peer *by_handle = peers_of(p, role, handle);
    struct peer *by_routing = peers_find(p, role, routing, len);
    if (by_routing != NULL && by_routing != by_handle)
        peers_forget(p, by_routing);
    if (by_handle != NULL && by_handle->incarnation != incarnation) {
        peers_forget(p, by_handle);
        by_handle = NULL;
    }

    struct peer *peer = by_handle;
    if (peer != NULL) {
        routing_unlink(p, peer);
    } else {
        peer = slot_take(p);
        if (peer == NULL)
            return NULL;
        *peer =
            (struct peer){.role = role, .handle = handle, .incarnation = incarnation, .used = true};
        outbox_init(&peer->outbox);
        for (int i = 0; i < PEER_LEASES_MAX; i++)
            handout_init(&peer->handouts[i]);
        handle_link(p, peer);
        p->counts[role]++;
    }
    memcpy(peer->routing, routing, len);
    peer->routing_len = (uint8_t)len;
    peer->heard_us = peer->sent_us = now_us;
    routing_link(p, peer);
    return peer;
}

void
peers_forget(struct peers *p, struct peer *peer)
{
    sluice_assert(peer->used);
    routing_unlink(p, peer);
    handle_unlink(p, peer);
    outbox_deinit(&peer->outbox);
    for (int i = 0; i < PEER_LEASES_MAX; i++)
        handout_deinit(&peer->handouts[i]);
    p->counts[peer->role]--;
    peer->used = false;
}

struct peer *
peers_next(const struct peers *p, uint32_t *cursor)
{
    while (*cursor < p->used_below) {
        struct peer *peer = &p->slots[(*cursor)++];
        if (peer->used)
            return peer;
    }
    return NULL;
}

void
peers_shift_heard(struct peers *p, int64_t gap_us)
{
    for (uint32_t i = 0; i < p->used_below; i++)
        p->slots[i].heard_us += gap_us;
}

uint32_t
peers_count(const struct peers *p, enum peer_role role)
{
    return p->counts[role];
}
