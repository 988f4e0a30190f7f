/* One HTTP connection: bytes in, one request at a time, bytes out, deadlines.
 *
 *          first byte           last byte            answered
 *   IDLE ────────────▶ READING ───────────▶ WORKING ───────────▶ IDLE
 *                         │                    │  not all written ▲
 *                         │ refused            ▼                  │
 *                         └────────────────▶ WRITING ─────────────┘
 *                                              │ close with unread input
 *                                              ▼
 *                                          LINGERING ──▶ CLOSING
 *
 * An answer without an end makes WORKING go to STREAMING, and from there only to CLOSING.
 *
 * While a request is in work what the client sends behind it is kept, bounded; reading stops at the
 * bound. Idle connections own nothing but this struct. */
#ifndef SLUICE_EDGE_CONNECTION_H
#define SLUICE_EDGE_CONNECTION_H

#include <stdbool.h>
#include <uv.h>

#include "base/buf.h"
#include "client/edge/edge.h"
#include "client/edge/routes.h"

/* The listener has a connection waiting: takes it in, or closes it past the bound. */
void connection_accept(struct edge *e, uv_stream_t *listener, enum route_port port);
/* The whole answer of the request in work; what can't be written at once is copied. */
void connection_answer(struct connection *c, const struct buf *bytes, bool close, bool lingers);
#define CONNECTION_STREAM_PENDING_MAX ((size_t)256 << 10) /* bytes not yet taken by the client */
/* From now on the answer of the request in work goes out piece by piece. The request stays the
 * connection's, and is abandoned when the client goes. False, of these two: the connection failed
 * or the client is too slow; cut it. */
bool connection_stream_begin(struct connection *c, const struct buf *head);
bool connection_stream_send(struct connection *c, const uint8_t *data, size_t size);
/* Bytes that wait for the client to read. */
size_t connection_stream_pending(const struct connection *c);
/* Ends it at once; its request is told, as if the client had gone. */
void connection_cut(struct connection *c);
/* Cuts what is past its deadline. */
void connections_expire(struct edge *e);
/* Closes idle ones; the others close with their answers. */
void connections_drain(struct edge *e);
/* Closes all at once. */
void connections_stop(struct edge *e);

#endif
