/* 201, 202, 409 and 422. */
#include "client/edge/outcome.h"

#include <stdio.h>
#include <string.h>

#include "client/edge/json_text.h"
#include "schemas/wire/entry.h"
#include "schemas/wire/message.h"

#define PAYLOAD_NODES_MAX 100000

static void
location_put(struct request *q)
{
    struct buf *b = &q->edge->scratch.fields;
    char text[UUID_TEXT_SIZE];
    struct uuid broker;

    memcpy(broker.bytes, q->wait.origin.broker, sizeof(broker.bytes));
    json_put(b, "Location: /api/v1/submissions/");
    uuid_format(&q->id, text);
    json_put_n(b, text, UUID_TEXT_SIZE - 1);
    json_put(b, "?receipt=");
    uuid_format(&broker, text);
    json_put_n(b, text, UUID_TEXT_SIZE - 1);
    json_put_n(b, "-", 1);
    json_put_uint(b, q->wait.origin.epoch);
    json_put_n(b, "-", 1);
    json_put_uint(b, q->wait.origin.seq);
    json_put_n(b, "\r\n", 2);
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
    answer_begin(q);
    location_put(q);
    preference_put(q);
}

static void
text_put(struct buf *b, const uint8_t *payload, size_t size, const char *key, const char *name)
{
    const char *s;
    size_t len;

    if (!mp_find_str(payload, size, key, &s, &len))
        return;
    json_put(b, name);
    json_put_string(b, s, len);
}

static void
time_put(struct buf *b, const uint8_t *payload, size_t size, const char *key, const char *name,
         int64_t otherwise_us)
{
    uint64_t us;

    if (!mp_find_uint(payload, size, key, &us) || us > INT64_MAX)
        us = (uint64_t)otherwise_us;
    if ((int64_t)us <= 0)
        return;
    json_put(b, name);
    json_put_time(b, (int64_t)us);
}

void
outcome_errors_write(struct buf *b, struct mp_cursor c, uint32_t n)
{
    static const char *const names[] = {"pointer", "rule", "detail"};
    const char *s;
    size_t len;

    json_put(b, ",\"errors\":[");
    for (uint32_t i = 0; i < n; i++) {
        struct mp_cursor start = c;
        if (mp_skip(&c) != MP_OK)
            break;
        json_put(b, i > 0 ? ",{" : "{");
        for (unsigned k = 0; k < 3; k++) {
            if (!mp_find_str(start.at, (size_t)(c.at - start.at), names[k], &s, &len))
                len = 0;
            json_put(b, k > 0 ? ",\"" : "\"");
            json_put(b, names[k]);
            json_put(b, "\":");
            json_put_string(b, len > 0 ? s : "", len);
        }
        json_put(b, "}");
    }
    json_put(b, "]");
}

static void
errors_put(struct buf *b, const uint8_t *payload, size_t size)
{
    struct mp_value v;
    struct mp_cursor inside;

    if (mp_find(payload, size, "errors", &v, &inside) && v.type == MP_ARRAY)
        outcome_errors_write(b, inside, v.len);
    else
        json_put(b, ",\"errors\":[]");
}

static void
receipt_put(struct request *q, const char *status, const uint8_t *payload, size_t size)
{
    struct buf *b = &q->edge->scratch.body;

    json_put(b, "{\"id\":");
    json_put_uuid(b, &q->id);
    json_put(b, ",\"status\":\"");
    json_put(b, status);
    json_put(b, "\"");
    time_put(b, payload, size, "received_us", ",\"receivedAt\":", q->received_us);
}

static void
answer_stored(struct request *q, const uint8_t *payload, size_t size)
{
    struct buf *b = &q->edge->scratch.body;

    begin(q);
    receipt_put(q, "stored", payload, size);
    time_put(b, payload, size, "stored_us", ",\"storedAt\":", 0);
    text_put(b, payload, size, "questionnaire", ",\"questionnaire\":");
    text_put(b, payload, size, "version", ",\"version\":");
    json_put(b, "}");
    answer_send(q, 201, MEDIA_JSON);
}

static void
answer_held(struct request *q, const uint8_t *payload, size_t size)
{
    struct buf *b = &q->edge->scratch.body;

    begin(q);
    receipt_put(q, "held", payload, size);
    errors_put(b, payload, size);
    json_put(b, "}");
    answer_send(q, 202, MEDIA_JSON);
}

/* 409 and 422: refused, but nothing acknowledged is thrown away. */
static void
answer_kept(struct request *q, enum problem p, const uint8_t *payload, size_t size)
{
    struct buf *b = &q->edge->scratch.body;

    begin(q);
    problem_begin(b, p);
    json_put(b, ",\"id\":");
    json_put_uuid(b, &q->id);
    json_put(b, ",\"kept\":true");
    errors_put(b, payload, size);
    json_put(b, "}");
    answer_send(q, problem_status(p), PROBLEM_MEDIA_TYPE_TEXT);
}

void
outcome_answer_accepted(struct request *q)
{
    struct buf *b = &q->edge->scratch.body;

    begin(q);
    receipt_put(q, "accepted", NULL, 0);
    json_put(b, ",\"acceptedAt\":");
    json_put_time(b, q->wait.accepted_us);
    json_put(b, "}");
    answer_send(q, 202, MEDIA_JSON);
}

void
outcome_answer(struct request *q, unsigned outcome, const uint8_t *payload, size_t size)
{
    if (size > ENTRY_PAYLOAD_MAX || mp_check(payload, size, PAYLOAD_NODES_MAX) != MP_OK)
        size = 0;
    switch (outcome) {
    case OUTCOME_STORED:
    case OUTCOME_DUPLICATE:
        answer_stored(q, payload, size);
        break;
    case OUTCOME_CONFLICT:
        answer_kept(q, PROBLEM_CONFLICT, payload, size);
        break;
    case OUTCOME_REJECTED:
        answer_kept(q, PROBLEM_REJECTED, payload, size);
        break;
    case OUTCOME_HELD:
        answer_held(q, payload, size);
        break;
    default: /* dead: on disk, and a human will mend it */
        outcome_answer_accepted(q);
        break;
    }
}
