/* Opens and reads the reply: a msgpack map found, state, study, received_us, accepted_us,
 * stored_us, questionnaire?, version?, revision?, form_status?, errors?. The revision is the ETag
 * that a correction names in If-Match. */
#include "client/edge/lookup_reply.h"

#include <stdio.h>
#include <string.h>

#include "client/edge/json_text.h"
#include "client/edge/lookup.h"
#include "client/edge/outcome.h"

static void
time_put(struct buf *b, const struct buf *reply, const char *key, const char *name)
{
    uint64_t us;

    if (!mp_find_uint(reply->data, reply->size, key, &us) || us == 0 || us > INT64_MAX)
        return;
    json_put(b, name);
    json_put_time(b, (int64_t)us);
}

static void
text_put(struct buf *b, const struct buf *reply, const char *key, const char *name)
{
    const char *s;
    size_t len;

    if (!mp_find_str(reply->data, reply->size, key, &s, &len))
        return;
    json_put(b, name);
    json_put_string(b, s, len);
}

static void
revision_put(struct request *q, struct buf *b, const struct buf *reply)
{
    char etag[24];
    uint64_t revision;

    if (!mp_find_uint(reply->data, reply->size, "revision", &revision) || revision > INT32_MAX)
        return;
    json_put(b, ",\"revision\":");
    json_put_uint(b, revision);
    snprintf(etag, sizeof(etag), "\"%u\"", (unsigned)revision);
    answer_field(q, "ETag", etag);
}

static void
answer_found(struct request *q, const struct buf *reply)
{
    struct buf *b = &q->edge->scratch.body;
    struct mp_value v;
    struct mp_cursor inside;

    json_put(b, "{\"id\":");
    json_put_uuid(b, &q->id);
    text_put(b, reply, "state", ",\"status\":");
    time_put(b, reply, "received_us", ",\"receivedAt\":");
    time_put(b, reply, "accepted_us", ",\"acceptedAt\":");
    time_put(b, reply, "stored_us", ",\"storedAt\":");
    text_put(b, reply, "questionnaire", ",\"questionnaire\":");
    text_put(b, reply, "version", ",\"version\":");
    revision_put(q, b, reply);
    text_put(b, reply, "form_status", ",\"formStatus\":");
    if (mp_find(reply->data, reply->size, "errors", &v, &inside) && v.type == MP_ARRAY)
        outcome_errors_write(b, inside, v.len);
    json_put(b, "}");
    answer_send(q, 200, MEDIA_JSON);
}

void
lookup_reply_answer(struct request *q, const uint8_t *sealed, size_t size)
{
    struct edge *e = q->edge;
    struct buf *reply = &e->scratch.plain;
    const char *study;
    struct mp_value found;
    size_t len;

    answer_begin(q);
    if (!question_open(e, &q->lookup.question, sealed, size, reply) ||
        !mp_find(reply->data, reply->size, "found", &found, NULL) || found.type != MP_BOOL) {
        answer_problem(q, PROBLEM_UNAVAILABLE, NULL);
        return;
    }
    /* The worker looked in the token's studies only; a second look costs nothing. */
    bool ours = !mp_find_str(reply->data, reply->size, "study", &study, &len) ||
                token_covers(q->lookup.token, study, len);
    if (!found.boolean || !ours)
        answer_problem(q, PROBLEM_NOT_FOUND, NULL);
    else
        answer_found(q, reply);
}
