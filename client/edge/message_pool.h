/* HTTP messages that no connection uses, kept for the next request: an idle connection holds none,
 * and a busy edge allocates none. Bounded; belongs to the edge. */
#ifndef SLUICE_EDGE_MESSAGE_POOL_H
#define SLUICE_EDGE_MESSAGE_POOL_H

#include "client/edge/edge.h"
#include "client/edge/http.h"

struct http_message *message_take(struct edge *e);
/* *m comes back NULL; it may be so before. */
void message_give(struct edge *e, struct http_message **m);
void message_pool_free(struct edge *e);

#endif
