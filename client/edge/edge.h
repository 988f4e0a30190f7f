/* One edge process: what its parts share. The loop has one thread, so nothing here is locked. */
#ifndef SLUICE_EDGE_EDGE_H
#define SLUICE_EDGE_EDGE_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/buf.h"
#include "client/edge/broker.h"
#include "client/edge/http.h"
#include "client/edge/json.h"
#include "client/edge/limits.h"
#include "client/edge/metrics.h"
#include "client/edge/prefer.h"
#include "client/edge/ticket.h"
#include "client/edge/token.h"
#include "schemas/wire/identity.h"
#include "schemas/wire/seal.h"

struct connection;
struct request;
struct streams;

#define EDGE_READ_BYTES ((size_t)64 << 10)

/* Buffers that are used within one callback and never across two. */
struct scratch {
    uint8_t read[EDGE_READ_BYTES];
    struct buf submission, plain, canonical; /* a submission on its way in */
    struct buf answer, fields, body;         /* an answer on its way out */
};

struct edge {
    uv_loop_t *loop;
    struct brokers brokers;
    struct token_table *tokens;
    struct seal_keys *seal_keys;
    struct identity_key identity_key;

    size_t max_body_bytes;
    int64_t rate_per_token;
    int64_t wait_us;
    struct limit in_flight, waiting, open; /* open: connections */

    struct ticket_queue idle, reading, lingering;   /* of connections */
    struct ticket_queue waits[PREFER_WAIT_MAX + 1]; /* of submissions, by seconds asked for */
    struct ticket_queue wait_default;
    struct ticket_queue lookups;

    struct streams *streams; /* of alerts */

    struct connection *connections; /* all that are open */
    struct http_message *free_messages;
    struct request *free_requests;
    unsigned n_free_messages, n_free_requests;
    size_t n_requests; /* alive: with a connection, or still in flight */

    struct json json;
    struct metrics metrics;
    struct scratch scratch;
    uint64_t id_prefix, id_counter; /* of the request ids we give */
    int64_t now_us;                 /* monotonic, as of the latest callback */
    bool draining;
};

#endif
