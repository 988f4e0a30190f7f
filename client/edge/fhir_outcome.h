/* OperationOutcome (FHIR R4): what the edge answers below /fhir. One issue a broken rule: code from
 * rules.def or problems.def, details.coding the rule (system urn:sluice:rule), expression the
 * JSON Pointer as a FHIRPath, diagnostics the linkId and the rule's parameters as JSON. */
#ifndef SLUICE_EDGE_FHIR_OUTCOME_H
#define SLUICE_EDGE_FHIR_OUTCOME_H

#include "base/buf.h"
#include "client/edge/outcome_payload.h"
#include "client/edge/problem.h"

#define FHIR_RULE_SYSTEM "urn:sluice:rule"
#define FHIR_STATUS_SYSTEM "urn:sluice:status"

/* A refusal; error may be NULL. */
void fhir_outcome_problem(struct buf *b, enum problem p, const struct problem_error *error);
/* What a worker refused (severity error) or holds (warning): its errors, or p alone. */
void fhir_outcome_errors(struct buf *b, enum problem p, const struct outcome_payload *payload,
                         const char *severity);
/* On disk or stored: status (stored, accepted, in-progress …) as information, every flag as a
 * warning. */
void fhir_outcome_status(struct buf *b, const char *status, size_t status_len,
                         const struct outcome_payload *payload);

#endif
