/* POST /api/v1/subjects/{subjectId}/questionnaires: one submission on its way in. */
#ifndef SLUICE_EDGE_SUBMIT_H
#define SLUICE_EDGE_SUBMIT_H

#include "client/edge/http.h"
#include "client/edge/request.h"
#include "client/edge/routes.h"

#define SUBMIT_SERVICE "submissions"

void submit_handle(struct request *q, const struct http_message *m,
                   const struct route_match *match);

#endif
