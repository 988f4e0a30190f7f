/* /healthz, /readyz and /metrics. */
#ifndef SLUICE_EDGE_HEALTH_H
#define SLUICE_EDGE_HEALTH_H

#include "client/edge/http.h"
#include "client/edge/request.h"
#include "client/edge/routes.h"

void health_handle_live(struct request *q, const struct http_message *m,
                        const struct route_match *match);
void health_handle_ready(struct request *q, const struct http_message *m,
                         const struct route_match *match);
void health_handle_metrics(struct request *q, const struct http_message *m,
                           const struct route_match *match);

#endif
