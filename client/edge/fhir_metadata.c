/* A CapabilityStatement (FHIR R4) that does not change while the program runs. */
#include "client/edge/fhir_metadata.h"

#include "client/edge/json_text.h"

static const char statement[] =
    "{\"resourceType\":\"CapabilityStatement\",\"status\":\"active\",\"date\":\"2026-11-22\","
    "\"kind\":\"instance\",\"software\":{\"name\":\"Sluice\",\"version\":\"" SLUICE_VERSION "\"},"
    "\"implementation\":{\"description\":\"Sluice intake\"},\"fhirVersion\":\"4.0.1\","
    "\"format\":[\"application/fhir+json\",\"json\"],\"rest\":[{\"mode\":\"server\","
    "\"security\":{\"description\":\"A bearer token for the study, but for this statement.\"},"
    "\"resource\":[{\"type\":\"QuestionnaireResponse\",\"interaction\":[{\"code\":\"create\"}],"
    "\"versioning\":\"no-version\",\"conditionalCreate\":false,\"documentation\":"
    "\"201 stored or 200 a further state of one in progress, 202 on disk and not decided; all with "
    "an OperationOutcome and a Location to ask at. The subject's code is subject.identifier.value, "
    "else the id of subject.reference (Patient/ID); the study is subject.identifier.system, "
    "urn:sluice:study:CODE, where the token covers several. identifier, or else authored, makes a "
    "repetition the same response. Corrections go to PUT /api/v1/submissions/{id} with If-Match "
    "and "
    "the extension correction, several responses at once to POST /api/v1/submissions/batch.\"}]}]}";

void
fhir_metadata_handle(struct request *q, const struct http_message *m,
                     const struct route_match *match)
{
    (void)m;
    (void)match;
    answer_begin(q);
    json_put_n(&q->edge->scratch.body, statement, sizeof(statement) - 1);
    answer_send(q, 200, MEDIA_FHIR);
    request_free(q);
}
