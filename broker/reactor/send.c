/* Everything that leaves the broker. A peer whose queue is full or whose connection has gone is an
 * ordinary outcome; whoever asked decides what it means. */
#include "broker/reactor/broker.h"
#include "schemas/wire/mp.h"

#include <string.h>

#include "base/error.h"
#include "base/log.h"

#define SILENT_INTERVALS 3
/* Times the socket's fuse this bounds what a client that does not read can make us queue. */
#define CHUNK_BYTES ((size_t)1 << 20)

int
send_message(struct broker *b, enum endpoint e, const void *routing, size_t len, uint8_t command,
             const struct buf *header, zmq_msg_t *bodies, unsigned n_bodies)
{
    b->sockets.stirred[e] = true;
    int r = message_send(b->sockets.router[e], routing, len, command, header, bodies, n_bodies);

    switch (r) {
    case MESSAGE_OK:
        metrics_add(&b->metrics, METRIC_SENT, 1);
        return r;
    case MESSAGE_NONE:
        metrics_add(&b->metrics, METRIC_SEND_BUSY, 1);
        return r;
    default: /* EHOSTUNREACH, or a connection that broke in the middle */
        metrics_add(&b->metrics, METRIC_SEND_GONE, 1);
        return MESSAGE_GONE;
    }
}

struct buf *
send_header(struct broker *b, uint32_t pairs)
{
    buf_clear(&b->header);
    mp_put_map(&b->header, pairs);
    return &b->header;
}

static enum endpoint
peer_endpoint(const struct peer *peer)
{
    return peer->role == PEER_CLIENT ? ENDPOINT_CLIENT : ENDPOINT_WORKER;
}

/* Sends with the header that stands in b->header. */
int
send_peer(struct broker *b, struct peer *peer, uint8_t command, zmq_msg_t *body)
{
    int r = send_message(b, peer_endpoint(peer), peer->routing, peer->routing_len, command,
                         &b->header, body, body != NULL ? 1 : 0);
    if (r == MESSAGE_OK)
        peer->sent_us = b->now_us;
    return r;
}

void
send_reset(struct broker *b, const struct sender *from)
{
    metrics_add(&b->metrics, METRIC_UNKNOWN_PEER, 1);
    send_message(b, from->endpoint, from->routing, from->routing_len, COMMAND_RESET,
                 send_header(b, 0), NULL, 0);
}

void
send_error(struct broker *b, const struct sender *from, const char *code, const char *detail)
{
    struct buf *h = send_header(b, 2);

    metrics_add(&b->metrics, METRIC_GARBAGE, 1);
    mp_put_cstr(h, "code");
    mp_put_cstr(h, code);
    mp_put_cstr(h, "detail");
    mp_put_cstr(h, detail);
    send_message(b, from->endpoint, from->routing, from->routing_len, COMMAND_ERROR, h, NULL, 0);
}

void
send_welcome(struct broker *b, struct peer *peer)
{
    bool client = peer->role == PEER_CLIENT;
    struct buf *h = send_header(b, client ? 6 : 4);

    mp_put_cstr(h, "broker");
    mp_put_bin(h, b->uuid.bytes, sizeof(b->uuid.bytes));
    mp_put_cstr(h, "epoch");
    mp_put_uint(h, b->epoch);
    mp_put_cstr(h, "heartbeat_us");
    mp_put_uint(h, (uint64_t)b->limits.heartbeat_us);
    if (client) {
        mp_put_cstr(h, "max_record_bytes");
        mp_put_uint(h, b->max_record_bytes);
        mp_put_cstr(h, "window_messages");
        mp_put_uint(h, b->limits.window_messages);
        mp_put_cstr(h, "window_bytes");
        mp_put_uint(h, b->limits.window_bytes);
    } else {
        mp_put_cstr(h, "lease_us");
        mp_put_uint(h, (uint64_t)b->limits.lease_us);
    }
    if (send_peer(b, peer, COMMAND_WELCOME, NULL) == MESSAGE_GONE)
        peer_lost(b, peer);
}

void
peer_lost(struct broker *b, struct peer *peer)
{
    uint32_t handle = peer->handle;

    if (peer->role == PEER_CLIENT) {
        peers_forget(b->peers, peer);
        core_client_gone(b->core, handle);
    } else {
        log_event(EVENT_WORKER_GONE, LOG_S("worker", peer->name), LOG_S("host", peer->host),
                  LOG_U("pid", peer->pid));
        peers_forget(b->peers, peer);
        held_forget(&b->held, handle);
        core_worker_gone(b->core, handle, b->now_us);
    }
}

static const uint8_t kind_commands[OUTBOX_KINDS] = {
    [ENTRY_KIND_ACCEPTED] = COMMAND_ACCEPTED,
    [ENTRY_KIND_REFUSED] = COMMAND_REFUSED,
    [ENTRY_KIND_OUTCOME] = COMMAND_OUTCOME,
};

/* Where the entries from here on that fit one message end; at least one does. */
static size_t
chunk_end(const struct buf *entries, size_t from)
{
    size_t at = from;

    while (at < entries->size) {
        size_t length = le32_get(entries->data + at);
        if (at > from && at + length - from > CHUNK_BYTES)
            break;
        at += length;
    }
    return at;
}

static int
chunk_send(struct broker *b, struct peer *peer, uint8_t command, const uint8_t *data, size_t size)
{
    zmq_msg_t body;

    if (zmq_msg_init_size(&body, size) < 0) {
        broker_fail(b, EXIT_TEMPFAIL, "no memory for a message");
        return MESSAGE_NONE;
    }
    memcpy(zmq_msg_data(&body), data, size);
    send_header(b, 0);
    int r = send_peer(b, peer, command, &body);
    zmq_msg_close(&body);
    return r;
}

/* What the peer's queue does not take now stays gathered. */
static int
entries_send(struct broker *b, struct peer *peer, uint8_t command, struct buf *entries)
{
    size_t from = 0;
    int r = MESSAGE_OK;

    while (from < entries->size) {
        size_t end = chunk_end(entries, from);
        r = chunk_send(b, peer, command, entries->data + from, end - from);
        if (r != MESSAGE_OK)
            break;
        from = end;
    }
    if (from == entries->size) {
        buf_trim(entries, OUTBOX_BYTES_KEPT);
    } else if (from > 0) {
        memmove(entries->data, entries->data + from, entries->size - from);
        entries->size -= from;
    }
    return r;
}

static void
client_send(struct broker *b, struct peer *peer)
{
    for (int k = 0; k < OUTBOX_KINDS; k++) {
        if (peer->outbox.entries[k].size == 0)
            continue;
        int r = entries_send(b, peer, kind_commands[k], &peer->outbox.entries[k]);
        if (r == MESSAGE_GONE)
            peer_lost(b, peer);
        if (r != MESSAGE_OK) {
            b->unsent = r == MESSAGE_NONE;
            return;
        }
    }
    peer->outbox.dirty = false;
}

void
send_clients(struct broker *b)
{
    uint32_t cursor = 0;

    b->unsent = false;
    for (struct peer *peer; (peer = peers_next(b->peers, &cursor)) != NULL;) {
        if (peer->role != PEER_CLIENT || !peer->outbox.dirty)
            continue;
        /* What is durable but not yet announced rides ahead. */
        core_client_announce(b->core, peer->handle);
        effects_run(b);
        if (!peer->used || b->fatal != 0)
            continue;
        client_send(b, peer);
    }
}

void
send_heartbeats(struct broker *b)
{
    uint32_t cursor = 0;

    for (struct peer *peer; (peer = peers_next(b->peers, &cursor)) != NULL;) {
        if (b->now_us - peer->sent_us < b->limits.heartbeat_us * 3 / 4)
            continue;
        send_header(b, 0);
        if (send_peer(b, peer, COMMAND_HEARTBEAT, NULL) == MESSAGE_GONE)
            peer_lost(b, peer);
    }
}

void
peers_forget_silent(struct broker *b)
{
    int64_t limit_us = SILENT_INTERVALS * b->limits.heartbeat_us;
    uint32_t cursor = 0;

    /* Silent workers are core's to declare dead (EFFECT_WORKER_GONE). */
    for (struct peer *peer; (peer = peers_next(b->peers, &cursor)) != NULL;)
        if (peer->role == PEER_CLIENT && b->now_us - peer->heard_us >= limit_us)
            peer_lost(b, peer);
}
