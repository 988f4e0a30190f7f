/* Receipts (200, 201, 202) and problems (403 to 422) about a submission. */
#include "client/edge/outcome.h"

#include <stdio.h>
#include <string.h>

#include "client/edge/fhir_outcome.h"
#include "client/edge/json_text.h"
#include "schemas/wire/message.h"

void
outcome_location_write(struct buf *b, const struct request *q)
{
    char text[UUID_TEXT_SIZE];
    struct uuid broker;

    memcpy(broker.bytes, q->wait.origin.broker, sizeof(broker.bytes));
    json_put(b, "/api/v1/submissions/");
    uuid_format(&q->id, text);
    json_put_n(b, text, UUID_TEXT_SIZE - 1);
    json_put(b, "?receipt=");
    uuid_format(&broker, text);
    json_put_n(b, text, UUID_TEXT_SIZE - 1);
    json_put_n(b, "-", 1);
    json_put_uint(b, q->wait.origin.epoch);
    json_put_n(b, "-", 1);
    json_put_uint(b, q->wait.origin.seq);
}

/* RFC 7240: what of the client's preferences was honoured. */
static void
preference_put(struct request *q)
{
    char text[48];

    if (q->prefer.wait_s >= 0) {
        snprintf(text, sizeof(text), "%swait=%d", q->prefer.respond_async ? "respond-async, " : "",
                 q->prefer.wait_s);
        answer_field(q, "Preference-Applied", text);
    } else if (q->prefer.respond_async) {
        answer_field(q, "Preference-Applied", "respond-async");
    }
}

static void
begin(struct request *q)
{
    struct buf *fields = &q->edge->scratch.fields;

    answer_begin(q);
    json_put(fields, "Location: ");
    outcome_location_write(fields, q);
    json_put_n(fields, "\r\n", 2);
    preference_put(q);
}

/* ETag: what a correction's If-Match must say. */
static void
revision_put(struct request *q, const struct outcome_payload *payload)
{
    char text[32];
    uint64_t revision;

    if (!outcome_payload_uint(payload, PAYLOAD_REVISION, &revision))
        return;
    snprintf(text, sizeof(text), "\"%llu\"", (unsigned long long)revision);
    answer_field(q, "ETag", text);
}

static void
time_put(struct buf *b, const struct outcome_payload *payload, enum payload_member m,
         const char *name, int64_t otherwise_us)
{
    uint64_t us;

    if (!outcome_payload_uint(payload, m, &us) || us > INT64_MAX)
        us = (uint64_t)otherwise_us;
    if ((int64_t)us <= 0)
        return;
    json_put(b, name);
    json_put_time(b, (int64_t)us);
}

static void
receipt_put(struct request *q, const char *status, size_t status_len,
            const struct outcome_payload *payload)
{
    struct buf *b = &q->edge->scratch.body;

    json_put(b, "{\"id\":");
    json_put_uuid(b, &q->id);
    json_put(b, ",\"status\":");
    json_put_string(b, status, status_len);
    time_put(b, payload, PAYLOAD_RECEIVED_US, ",\"receivedAt\":", q->received_us);
}

/* 200 or 201, as the worker says, else as the way it came in has it. */
static unsigned
stored_status(const struct outcome_payload *payload, unsigned otherwise)
{
    uint64_t http;

    if (outcome_payload_uint(payload, PAYLOAD_HTTP, &http) && (http == 200 || http == 201))
        return (unsigned)http;
    return otherwise;
}

static void
state_get(const struct outcome_payload *payload, const char **ret_state, size_t *ret_len)
{
    if (outcome_payload_text(payload, PAYLOAD_STATE, ret_state, ret_len))
        return;
    *ret_state = "stored";
    *ret_len = strlen("stored");
}

static void
answer_stored(struct request *q, const struct outcome_payload *payload, unsigned status)
{
    struct buf *b = &q->edge->scratch.body;
    const char *state;
    size_t len;

    begin(q);
    revision_put(q, payload);
    state_get(payload, &state, &len);
    receipt_put(q, state, len, payload);
    time_put(b, payload, PAYLOAD_STORED_US, ",\"storedAt\":", 0);
    outcome_payload_write(b, payload);
    json_put(b, "}");
    answer_send(q, stored_status(payload, status), MEDIA_JSON);
}

static void
answer_held(struct request *q, const struct outcome_payload *payload)
{
    struct buf *b = &q->edge->scratch.body;

    begin(q);
    receipt_put(q, "held", strlen("held"), payload);
    outcome_payload_write(b, payload);
    outcome_payload_errors(b, payload, "");
    json_put(b, "}");
    answer_send(q, 202, MEDIA_JSON);
}

enum problem
outcome_problem(unsigned outcome, const struct outcome_payload *payload)
{
    enum problem usual = outcome == OUTCOME_CONFLICT ? PROBLEM_CONFLICT : PROBLEM_REJECTED;
    uint64_t http;

    if (outcome == OUTCOME_CONFLICT && outcome_payload_broken(payload, "submission-void"))
        return PROBLEM_VOID;
    if (!outcome_payload_uint(payload, PAYLOAD_HTTP, &http))
        return usual;
    return problem_of_status(http, usual);
}

/* Refused, but (if the worker does not say otherwise) nothing acknowledged is thrown away, except
 * what is of an erased subject. */
static void
answer_refused(struct request *q, unsigned outcome, const struct outcome_payload *payload)
{
    struct buf *b = &q->edge->scratch.body;
    enum problem p = outcome_problem(outcome, payload);

    begin(q);
    problem_begin(b, p);
    json_put(b, ",\"id\":");
    json_put_uuid(b, &q->id);
    json_put(b, outcome_payload_bool(payload, PAYLOAD_KEPT, p != PROBLEM_GONE) ? ",\"kept\":true"
                                                                               : ",\"kept\":false");
    outcome_payload_write(b, payload);
    outcome_payload_errors(b, payload, problem_title(p));
    json_put(b, "}");
    answer_send(q, problem_status(p), PROBLEM_MEDIA_TYPE_TEXT);
}

static void
answer_accepted(struct request *q)
{
    static const struct outcome_payload nothing;
    struct buf *b = &q->edge->scratch.body;

    begin(q);
    receipt_put(q, "accepted", strlen("accepted"), &nothing);
    json_put(b, ",\"acceptedAt\":");
    json_put_time(b, q->wait.accepted_us);
    json_put(b, "}");
    answer_send(q, 202, MEDIA_JSON);
}

static void
decided(struct request *q, unsigned outcome, const struct outcome_payload *payload, unsigned status)
{
    switch (outcome) {
    case OUTCOME_STORED:
    case OUTCOME_DUPLICATE:
        answer_stored(q, payload, status);
        break;
    case OUTCOME_CONFLICT:
    case OUTCOME_REJECTED:
        answer_refused(q, outcome, payload);
        break;
    case OUTCOME_HELD:
        answer_held(q, payload);
        break;
    default: /* dead: on disk, and a human will mend it */
        answer_accepted(q);
        break;
    }
}

static void
receipt_decided(struct request *q, unsigned outcome, const struct outcome_payload *payload)
{
    decided(q, outcome, payload, 201);
}

static void
revision_decided(struct request *q, unsigned outcome, const struct outcome_payload *payload)
{
    decided(q, outcome, payload, 200);
}

static void
fhir_accepted(struct request *q)
{
    static const struct outcome_payload nothing;

    begin(q);
    fhir_outcome_status(&q->edge->scratch.body, "accepted", strlen("accepted"), &nothing);
    answer_send(q, 202, MEDIA_FHIR);
}

static void
fhir_decided(struct request *q, unsigned outcome, const struct outcome_payload *payload)
{
    struct buf *b = &q->edge->scratch.body;
    const char *state;
    enum problem p;
    size_t len;

    switch (outcome) {
    case OUTCOME_STORED:
    case OUTCOME_DUPLICATE:
        begin(q);
        revision_put(q, payload);
        state_get(payload, &state, &len);
        fhir_outcome_status(b, state, len, payload);
        answer_send(q, stored_status(payload, 201), MEDIA_FHIR);
        break;
    case OUTCOME_CONFLICT:
    case OUTCOME_REJECTED:
        p = outcome_problem(outcome, payload);
        begin(q);
        fhir_outcome_errors(b, p, payload, "error");
        answer_send(q, problem_status(p), MEDIA_FHIR);
        break;
    case OUTCOME_HELD:
        begin(q);
        fhir_outcome_errors(b, PROBLEM_REJECTED, payload, "warning");
        answer_send(q, 202, MEDIA_FHIR);
        break;
    default:
        fhir_accepted(q);
        break;
    }
}

const struct outcome_style outcome_receipt = {answer_accepted, receipt_decided};
const struct outcome_style outcome_revision = {answer_accepted, revision_decided};
const struct outcome_style outcome_fhir = {fhir_accepted, fhir_decided};
