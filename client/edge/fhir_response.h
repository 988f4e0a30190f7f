/* What the edge needs to know of a FHIR R4 QuestionnaireResponse: whose it is, in which study, and
 * which one. All else is the workers' business.
 *
 *   subject  subject.identifier.value, else the id of subject.reference: [base/]Patient/ID
 *   study    subject.identifier.system, where it is urn:sluice:study:CODE
 *   id       identifier.value: a UUID, bare or as urn:uuid:, or with its system in front
 *            (SYSTEM|VALUE, as FHIR's searches write it) a key like Idempotency-Key
 *   submitAt authored */
#ifndef SLUICE_EDGE_FHIR_RESPONSE_H
#define SLUICE_EDGE_FHIR_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/edge/envelope.h"
#include "client/edge/submission_id.h"

#define FHIR_STUDY_SYSTEM "urn:sluice:study:"

/* resource: transcoded. Members that are not there stay NULL in *ret_envelope, which points into
 * the resource and into key. False: the rule broken is in *ret_error. */
bool fhir_response_read(const uint8_t *resource, size_t size, char key[KEY_CHARACTERS_MAX],
                        struct envelope *ret_envelope, struct problem_error *ret_error);

#endif
