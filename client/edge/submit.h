/* The routes by which one submission comes alone. */
#ifndef SLUICE_EDGE_SUBMIT_H
#define SLUICE_EDGE_SUBMIT_H

#include "client/edge/http.h"
#include "client/edge/request.h"
#include "client/edge/routes.h"

/* POST /api/v1/subjects/{subjectId}/questionnaires: short form, or a FHIR resource. */
void submit_handle(struct request *q, const struct http_message *m,
                   const struct route_match *match);
/* POST /fhir/QuestionnaireResponse: FHIR's create, answered by an OperationOutcome. */
void submit_handle_fhir(struct request *q, const struct http_message *m,
                        const struct route_match *match);
/* PUT /api/v1/submissions/{id}: a correction. */
void submit_handle_revision(struct request *q, const struct http_message *m,
                            const struct route_match *match);

#endif
