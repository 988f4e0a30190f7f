/* POST /api/v1/submissions/batch: up to 50 submissions in one request, each with its own identity,
 * its own outcome and its own place in flight. The answer is 200 with a result each, in their
 * order, once the last of them has one (or its wait is over). */
#ifndef SLUICE_EDGE_BATCH_H
#define SLUICE_EDGE_BATCH_H

#include "client/edge/http.h"
#include "client/edge/request.h"
#include "client/edge/routes.h"

void batch_handle(struct request *q, const struct http_message *m, const struct route_match *match);
/* The answer of part q lies in the scratch buffers, with this status: it becomes a result. */
void batch_part_answered(struct request *q, unsigned status);

#endif
