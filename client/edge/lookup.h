/* GET /api/v1/submissions/{id}[?receipt=ORIGIN]: where a submission is.
 *
 * First every broker is asked whether it is live or dead there; if it is nowhere, a worker of the
 * service "queries" looks into the database. Whoever can't be asked within a second makes it 503:
 * "not found" is said only when everybody said so. */
#ifndef SLUICE_EDGE_LOOKUP_H
#define SLUICE_EDGE_LOOKUP_H

#include "client/edge/http.h"
#include "client/edge/request.h"
#include "client/edge/routes.h"

void lookup_handle(struct request *q, const struct http_message *m,
                   const struct route_match *match);
/* UUID-EPOCH-SEQ */
bool lookup_receipt_parse(const char *s, size_t len, struct sluice_origin *ret_origin);

#endif
