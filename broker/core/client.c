/* Clients, their windows and the lazy announcing of ACCEPTED. */
#include "broker/core/client.h"

#include <stdlib.h>

#include "base/error.h"
#include "broker/core/state.h"

#define SILENT_INTERVALS 3

void
clients_init(struct clients *cs, uint32_t max)
{
    uint32_t slots = 16;

    sluice_assert(max > 0 && max < NO_CLIENT);
    while (slots < 2 * max)
        slots *= 2;
    *cs = (struct clients){.max = max,
                           .list = mem_new(max, sizeof(*cs->list)),
                           .by_incarnation = mem_new(slots, sizeof(uint32_t)),
                           .mask = slots - 1,
                           .next_announce_us = INT64_MAX};
}

void
clients_deinit(struct clients *cs)
{
    for (uint32_t i = 0; i < cs->used; i++)
        free(cs->list[i].ring);
    free(cs->list);
    free(cs->by_incarnation);
}

static uint32_t
slot_home(const struct clients *cs, uint64_t incarnation)
{
    return (uint32_t)(incarnation * UINT64_C(0x9e3779b97f4a7c15) >> 32) & cs->mask;
}

static uint32_t
slot_find(const struct clients *cs, uint64_t incarnation)
{
    uint32_t slot = slot_home(cs, incarnation);

    while (cs->by_incarnation[slot] != 0 &&
           cs->list[cs->by_incarnation[slot] - 1].incarnation != incarnation)
        slot = (slot + 1) & cs->mask;
    return slot;
}

uint32_t
clients_find(struct clients *cs, uint64_t incarnation)
{
    if (cs->last < cs->used && cs->list[cs->last].used &&
        cs->list[cs->last].incarnation == incarnation)
        return cs->last;
    uint32_t entry = cs->by_incarnation[slot_find(cs, incarnation)];
    if (entry == 0)
        return NO_HANDLE;
    cs->last = entry - 1;
    return cs->last;
}

/* Takes the slot out; whoever was pushed past it moves back. */
static void
slot_clear(struct clients *cs, uint64_t incarnation)
{
    uint32_t hole = slot_find(cs, incarnation);

    for (uint32_t at = (hole + 1) & cs->mask; cs->by_incarnation[at] != 0;
         at = (at + 1) & cs->mask) {
        uint32_t home = slot_home(cs, cs->list[cs->by_incarnation[at] - 1].incarnation);
        if (((at - home) & cs->mask) >= ((at - hole) & cs->mask)) {
            cs->by_incarnation[hole] = cs->by_incarnation[at];
            hole = at;
        }
    }
    cs->by_incarnation[hole] = 0;
}

/* Its messages live on, only nobody waits for them. Rare (the table is full), so all are walked. */
static void
client_detach_all(struct core *c, uint32_t client)
{
    for (uint32_t i = 0; i < c->messages.used; i++) {
        struct msg *m = messages_at(&c->messages, i);
        if (m->state != MESSAGE_FREE && m->client == client)
            client_leave(c, m);
    }
}

static void
client_forget(struct core *c, uint32_t client)
{
    struct clients *cs = &c->clients;
    struct client *cl = &cs->list[client];

    if (cl->waiting > 0)
        client_detach_all(c, client);
    slot_clear(cs, cl->incarnation);
    free(cl->ring);
    *cl = (struct client){0};
    cs->n--;
}

/* A client that may be forgotten: silent, without waiting messages first, longest silent first. */
static uint32_t
client_forgettable(struct core *c, int64_t now_us)
{
    uint32_t best = NO_HANDLE;

    for (uint32_t i = 0; i < c->clients.used; i++) {
        const struct client *cl = &c->clients.list[i];
        bool silent = cl->gone || now_us - cl->heard_us > SILENT_INTERVALS * c->limits.heartbeat_us;
        if (!cl->used || !silent)
            continue;
        if (best == NO_HANDLE) {
            best = i;
            continue;
        }
        const struct client *b = &c->clients.list[best];
        if ((cl->waiting == 0) != (b->waiting == 0)) {
            if (cl->waiting == 0)
                best = i;
        } else if (cl->heard_us < b->heard_us) {
            best = i;
        }
    }
    return best;
}

uint32_t
clients_get(struct core *c, uint64_t incarnation, int64_t now_us)
{
    struct clients *cs = &c->clients;
    uint32_t client = clients_find(cs, incarnation);

    if (client != NO_HANDLE)
        return client;
    if (cs->n == cs->max) {
        client = c->replay != NULL ? NO_HANDLE : client_forgettable(c, now_us);
        if (client == NO_HANDLE)
            return NO_HANDLE;
        client_forget(c, client);
    }
    for (client = 0; client < cs->used && cs->list[client].used; client++)
        ;
    if (client == cs->used)
        cs->used++;
    cs->list[client] = (struct client){.incarnation = incarnation,
                                       .heard_us = now_us,
                                       .used = true,
                                       .gone = c->replay != NULL}; /* until it says HELLO */
    cs->by_incarnation[slot_find(cs, incarnation)] = client + 1;
    cs->n++;
    cs->last = client;
    return client;
}

static struct client *
client_at(struct core *c, uint32_t client)
{
    if (client >= c->clients.used || !c->clients.list[client].used)
        return NULL;
    return &c->clients.list[client];
}

/* Drops what is finished or announced from the ring. */
static void
ring_sweep(struct core *c, struct client *cl)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < cl->ring_n; i++) {
        uint64_t seq = cl->ring[(cl->ring_first + i) % cl->ring_cap];
        uint32_t handle = index_seq_find(&c->index, &c->messages, seq);
        if (handle != NO_HANDLE && (messages_at(&c->messages, handle)->bits & MSG_UNANNOUNCED) != 0)
            cl->ring[(cl->ring_first + kept++) % cl->ring_cap] = seq;
    }
    cl->ring_n = kept;
}

static void
ring_push(struct core *c, struct client *cl, uint64_t seq)
{
    if (cl->ring_n == cl->ring_cap) {
        uint32_t cap = cl->ring_cap == 0 ? 64 : cl->ring_cap * 2;
        if (cl->ring_cap / 2 >= c->limits.window_messages)
            ring_sweep(c, cl);
        if (cl->ring_n == cl->ring_cap) {
            uint64_t *ring = mem_new(cap, sizeof(*ring));
            for (uint32_t i = 0; i < cl->ring_n; i++)
                ring[i] = cl->ring[(cl->ring_first + i) % cl->ring_cap];
            free(cl->ring);
            cl->ring = ring;
            cl->ring_first = 0;
            cl->ring_cap = cap;
        }
    }
    cl->ring[(cl->ring_first + cl->ring_n++) % cl->ring_cap] = seq;
}

void
client_take(struct core *c, uint32_t client, uint32_t message, bool announce)
{
    struct msg *m = messages_at(&c->messages, message);
    struct client *cl = client_at(c, client);

    m->client = cl == NULL ? NO_CLIENT : (uint16_t)client;
    if (cl == NULL)
        return;
    cl->waiting++;
    m->bits |= MSG_WAITED_FOR;
    if (!announce)
        return;
    m->bits |= MSG_UNANNOUNCED;
    cl->window_n++;
    cl->window_bytes += m->place.length;
    if (msg_is_volatile(m))
        return; /* in the window until its outcome, never announced */
    c->services[m->service].unannounced++;
    if (cl->ring_n == 0)
        cl->announce_due_us = c->now_us + c->limits.heartbeat_us;
    ring_push(c, cl, m->seq);
    if ((m->flags & RECORD_ACCEPT_NOW) != 0) {
        if (cl->urgent_first == 0)
            cl->urgent_first = m->seq;
        cl->urgent_last = m->seq;
    }
}

void
client_knows(struct core *c, struct msg *m)
{
    if ((m->bits & MSG_UNANNOUNCED) == 0)
        return;
    struct client *cl = &c->clients.list[m->client];
    m->bits &= (uint8_t)~MSG_UNANNOUNCED;
    cl->window_n--;
    cl->window_bytes -= m->place.length;
    if (!msg_is_volatile(m))
        c->services[m->service].unannounced--;
}

void
client_leave(struct core *c, struct msg *m)
{
    client_knows(c, m);
    if ((m->bits & MSG_WAITED_FOR) != 0)
        c->clients.list[m->client].waiting--;
    m->bits &= (uint8_t)~MSG_WAITED_FOR;
    m->client = NO_CLIENT;
}

/* Everything durable in the ring; true: there was something to say. */
static bool
client_announce(struct core *c, uint32_t client)
{
    struct client *cl = &c->clients.list[client];
    bool any = false;

    while (cl->ring_n > 0) {
        uint64_t seq = cl->ring[cl->ring_first];
        if (seq > c->durable_seq)
            break;
        cl->ring_first = (cl->ring_first + 1) % cl->ring_cap;
        cl->ring_n--;
        uint32_t handle = index_seq_find(&c->index, &c->messages, seq);
        if (handle == NO_HANDLE)
            continue;
        struct msg *m = messages_at(&c->messages, handle);
        if ((m->bits & MSG_UNANNOUNCED) == 0)
            continue;
        struct effect *e = effects_add(&c->effects, EFFECT_ACCEPTED);
        e->client = client;
        e->message = handle;
        e->counter = m->counter;
        e->epoch = m->epoch;
        e->seq = m->seq;
        e->accepted_us = m->accepted_us;
        e->stalled = c->services[m->service].stalled;
        client_knows(c, m);
        any = true;
    }
    cl->announce_due_us = c->now_us + c->limits.heartbeat_us; /* for what is not durable yet */
    if (cl->urgent_first != 0 && cl->urgent_first <= c->durable_seq)
        cl->urgent_first = cl->urgent_last > c->durable_seq ? c->durable_seq + 1 : 0;
    return any;
}

static bool
client_is_due(const struct core *c, const struct client *cl, bool stalled)
{
    return stalled || (cl->urgent_first != 0 && cl->urgent_first <= c->durable_seq) ||
           cl->window_n > c->limits.window_messages / 4 || c->now_us >= cl->announce_due_us;
}

void
clients_review(struct core *c)
{
    bool stalled = false;

    for (uint32_t i = 0; i < c->n_services; i++)
        if (service_review(&c->services[i], c->now_us) && c->services[i].unannounced > 0)
            stalled = true;
    c->clients.next_announce_us = INT64_MAX;
    for (uint32_t i = 0; i < c->clients.used; i++) {
        struct client *cl = &c->clients.list[i];
        if (cl->ring_n == 0 || cl->ring[cl->ring_first] > c->durable_seq)
            continue;
        if (client_is_due(c, cl, stalled)) {
            if (client_announce(c, i))
                effects_add(&c->effects, EFFECT_FLUSH_CLIENT)->client = i;
        } else if (cl->announce_due_us < c->clients.next_announce_us) {
            c->clients.next_announce_us = cl->announce_due_us;
        }
    }
}

uint32_t
core_client_hello(struct core *c, uint64_t incarnation, int64_t now_us)
{
    c->now_us = now_us;
    uint32_t client = clients_get(c, incarnation, now_us);

    if (client == NO_HANDLE)
        return CORE_NOBODY;
    c->clients.list[client].heard_us = now_us;
    c->clients.list[client].gone = false;
    if (client_announce(c, client))
        effects_add(&c->effects, EFFECT_FLUSH_CLIENT)->client = client;
    return client;
}

void
core_client_heard(struct core *c, uint32_t client, int64_t now_us)
{
    struct client *cl = client_at(c, client);

    if (cl == NULL)
        return;
    cl->heard_us = now_us;
    cl->gone = false;
}

void
core_client_gone(struct core *c, uint32_t client)
{
    struct client *cl = client_at(c, client);

    if (cl != NULL)
        cl->gone = true;
}

void
core_client_announce(struct core *c, uint32_t client)
{
    if (client_at(c, client) != NULL)
        client_announce(c, client);
}

bool
core_client_view(const struct core *c, uint32_t client, int64_t now_us, struct client_view *ret)
{
    if (client >= c->clients.used || !c->clients.list[client].used)
        return false;
    const struct client *cl = &c->clients.list[client];
    *ret = (struct client_view){.incarnation = cl->incarnation,
                                .waiting = cl->waiting,
                                .heard_ago_us = now_us - cl->heard_us};
    return true;
}
