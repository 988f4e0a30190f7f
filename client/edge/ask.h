/* The generic question: a request becomes a volatile record of its kind to a worker of the service
 * "queries", the worker's reply becomes the answer. asks.def lists them; nothing here knows what is
 * asked.
 *
 * Plain of the request, a msgpack map: kind, studies (those of the token that may be looked into),
 * the path's member, query parameters and if_none_match as texts, body as the client's JSON.
 * Plain of the reply: status, and then
 *   json (the whole body), type (application/json), etag: passed on as they are;
 *   more: the body goes on at this offset: asked again with "offset", up to ASK_PARTS_MAX times;
 *   pointer, rule, detail: with status 400, 404 …, for a problem document.
 * Whoever can't be asked within a second makes it 503. */
#ifndef SLUICE_EDGE_ASK_H
#define SLUICE_EDGE_ASK_H

#include "client/edge/http.h"
#include "client/edge/request.h"
#include "client/edge/routes.h"

#define ASK_PARTS_MAX 40 /* of at most 200 KiB: the answer's own ceiling comes first */

/* Who may ask. */
enum ask_roles { ASK_ROLES_ANY, ASK_ROLES_MONITOR, ASK_ROLES_STAFF };
bool ask_permits(const struct token *token, enum ask_roles roles);
/* The studies a request with this query may look into: the first one and how many. False: none of
 * the token's. */
bool ask_studies(const struct token *token, const struct route_match *match,
                 char *const **ret_studies, size_t *ret_n);
/* Refuses a request that is not under way anywhere. */
void ask_refuse(struct request *q, enum problem p, const char *rule, const char *detail);

#define ASK(name, kind, member_is, member, scope, roles, parameters)                               \
    void ask_handle_##name(struct request *q, const struct http_message *m,                        \
                           const struct route_match *match);
#include "client/edge/asks.def"
#undef ASK

#endif
