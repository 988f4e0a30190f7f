/* POST /api/v1/alerts/{id}/acknowledge and /close: what a person did about an alert, as a durable
 * record to the service "notifications". Its sealed body is a msgpack map: kind ("action"),
 * alert_id, study, action ("acknowledge" or "close"), actor, note?, at_us, request_id.
 *
 * The request's body is optional: {"note"?}; ?study= says which where the token covers several. */
#ifndef SLUICE_EDGE_ALERT_ACTION_H
#define SLUICE_EDGE_ALERT_ACTION_H

#include "client/edge/http.h"
#include "client/edge/request.h"
#include "client/edge/routes.h"

#define ALERT_SERVICE "notifications"
#define ALERT_NOTE_MAX 2000

void alert_action_handle_acknowledge(struct request *q, const struct http_message *m,
                                     const struct route_match *match);
void alert_action_handle_close(struct request *q, const struct http_message *m,
                               const struct route_match *match);

#endif
