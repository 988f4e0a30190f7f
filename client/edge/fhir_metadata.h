/* GET /fhir/metadata: what of FHIR is spoken here, as FHIR wants it told. */
#ifndef SLUICE_EDGE_FHIR_METADATA_H
#define SLUICE_EDGE_FHIR_METADATA_H

#include "client/edge/http.h"
#include "client/edge/request.h"
#include "client/edge/routes.h"

void fhir_metadata_handle(struct request *q, const struct http_message *m,
                          const struct route_match *match);

#endif
