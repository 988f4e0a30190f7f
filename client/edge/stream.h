/* GET /api/v1/alerts/stream: alerts as server-sent events, id = alerts.seq (a cursor: after a
 * cursor nothing is missed). The truth is PostgreSQL's, asked through the service "queries"
 * (feed.h); Redis only says when to ask. A stream is a request that stays its connection's:
 *
 *     waits for its feed's first answer ──▶ open: head and "id:" sent ──▶ gone
 *                 └──▶ 503 if nobody can be asked within a second
 *
 * Bounded: edge/max_streams streams; bytes a slow reader lets lie (connection.h), and one that took
 * nothing between two heartbeats is cut. */
#ifndef SLUICE_EDGE_STREAM_H
#define SLUICE_EDGE_STREAM_H

#include "base/config.h"
#include "client/edge/http.h"
#include "client/edge/request.h"
#include "client/edge/routes.h"

struct streams; /* opaque */

/* NULL: *ret_why is a malloc'd text. */
struct streams *streams_new(struct edge *e, const struct config *config, char **ret_why);
/* Before the brokers go; no connection is open any more. */
void streams_free(struct streams *s);
/* Asks, beats, cuts; returns when to come again. */
int64_t streams_turn(struct streams *s, int64_t now_us);
int64_t streams_count(const struct streams *s);
/* Before the loop ends: gives up what the loop holds. */
void streams_stop(struct streams *s);

void stream_handle(struct request *q, const struct http_message *m,
                   const struct route_match *match);

#endif
