/* From a message to its handler: route, token, media type, sizes. */
#ifndef SLUICE_EDGE_DISPATCH_H
#define SLUICE_EDGE_DISPATCH_H

#include "client/edge/http.h"
#include "client/edge/request.h"
#include "client/edge/routes.h"

#define DISPATCH_DISCARD_MAX ((uint64_t)64 << 10)

/* Finds a head's route and token. Returns what the head alone is refused for; PROBLEM_NONE: go on.
 */
enum problem dispatch_look(struct edge *e, const struct http_message *m, enum route_port port,
                           struct route_match *ret_match);
/* Answers q with that refusal. */
void dispatch_refuse(struct request *q, enum problem p, const struct route_match *match);
/* The request is complete: p and match are dispatch_look's; refuses it, or gives it to its handler.
 */
void dispatch_run(struct request *q, const struct http_message *m, enum problem p,
                  const struct route_match *match);

#endif
