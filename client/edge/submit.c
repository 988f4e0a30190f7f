/* From an HTTP request to a sealed record in a broker's batch. What happens to it from there on
 * stands in submission_wait.c.
 *
 * The sealed body is a msgpack map: id, study, subject, received_us, request_id, traceparent?, key?
 * (an Idempotency-Key or body id that was no UUID) and submission, the client's object. */
#include "client/edge/submit.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "client/edge/envelope.h"
#include "client/edge/submission_id.h"
#include "client/edge/submission_wait.h"

/* A submission while its handler runs. */
struct intake {
    struct request *q;
    const struct http_message *m;
    struct token *token;
    char subject[ROUTE_PARAM_MAX];
    size_t subject_len;
    struct envelope envelope;
    const char *study;
    size_t study_len;
    struct submission_key key;
    struct problem_error error;
};

/* Transcodes and checks the body. */
static enum problem
intake_read(struct intake *in)
{
    struct edge *e = in->q->edge;
    struct buf *out = &e->scratch.submission;

    buf_clear(out);
    metric_add(&e->metrics, METRIC_BODY_BYTES, in->m->body_bytes);
    if (in->m->body_bytes > JSON_TEXT_MAX)
        return PROBLEM_TOO_LARGE;
    enum json_fault fault = json_transcode(&e->json, in->m->body, in->m->body_bytes, out);
    if (fault != JSON_OK) {
        envelope_fault(&e->json, fault, out->data, &in->error);
        return PROBLEM_MALFORMED;
    }
    if (!envelope_check(&e->json, out->data, &in->envelope, &in->error))
        return PROBLEM_MALFORMED;
    if (in->envelope.subject.len != in->subject_len ||
        memcmp(in->envelope.subject.at, in->subject, in->subject_len) != 0) {
        problem_error_set(&in->error, "/subjectId", "subject-mismatch",
                          "differs from the subject in the path");
        return PROBLEM_MALFORMED;
    }
    return PROBLEM_NONE;
}

/* The study: the token's only one, or the one that the body names among the token's. */
static enum problem
intake_study(struct intake *in)
{
    const struct envelope_text *named = &in->envelope.study;

    if (named->at != NULL) {
        if (!token_covers(in->token, named->at, named->len)) {
            problem_error_set(&in->error, "/study", "study-not-covered",
                              "the token does not cover it");
            return PROBLEM_FORBIDDEN;
        }
        in->study = named->at;
        in->study_len = named->len;
        return PROBLEM_NONE;
    }
    if (in->token->n_studies > 1) {
        problem_error_set(&in->error, "/study", "missing-member",
                          "is required with a token for several studies");
        return PROBLEM_MALFORMED;
    }
    in->study = in->token->studies[0];
    in->study_len = strlen(in->study);
    return PROBLEM_NONE;
}

static enum problem
intake_identify(struct intake *in)
{
    struct edge *e = in->q->edge;
    struct submission_id_input input = {
        .study = in->study,
        .study_len = in->study_len,
        .envelope = &in->envelope,
        .submission = e->scratch.submission.data,
        .submission_bytes = e->scratch.submission.size,
    };

    input.header = http_header(in->m, HTTP_HEADER_IDEMPOTENCY_KEY, &input.header_len);
    if (!submission_id_choose(&e->identity_key, &input, &e->scratch.canonical, &in->q->id, &in->key,
                              &in->error))
        return PROBLEM_MALFORMED;
    return PROBLEM_NONE;
}

static void
intake_compose(const struct intake *in, struct buf *b)
{
    const struct request *q = in->q;
    const struct buf *submission = &q->edge->scratch.submission;
    bool traced = q->traceparent[0] != '\0', keyed = in->key.text[0] != '\0';
    int full = 0;

    buf_clear(b);
    full |= mp_put_map(b, 6U + traced + keyed);
    full |= mp_put_cstr(b, "id");
    full |= mp_put_bin(b, q->id.bytes, sizeof(q->id.bytes));
    full |= mp_put_cstr(b, "study");
    full |= mp_put_str(b, in->study, in->study_len);
    full |= mp_put_cstr(b, "subject");
    full |= mp_put_str(b, in->subject, in->subject_len);
    full |= mp_put_cstr(b, "received_us");
    full |= mp_put_int(b, q->received_us);
    full |= mp_put_cstr(b, "request_id");
    full |= mp_put_cstr(b, q->id_text);
    if (traced) {
        full |= mp_put_cstr(b, "traceparent");
        full |= mp_put_cstr(b, q->traceparent);
    }
    if (keyed) {
        full |= mp_put_cstr(b, "key");
        full |= mp_put_str(b, in->key.text, in->key.len);
    }
    full |= mp_put_cstr(b, "submission");
    full |= buf_append(b, submission->data, submission->size);
    sluice_assert(full == BUF_OK);
}

/* Seals it straight into the batch of the next broker. */
static enum problem
intake_send(struct intake *in)
{
    struct request *q = in->q;
    struct edge *e = q->edge;
    struct buf *plain = &e->scratch.plain;
    struct seal_context ctx = {.service = SUBMIT_SERVICE,
                               .service_len = sizeof(SUBMIT_SERVICE) - 1,
                               .scope = in->study,
                               .scope_len = in->study_len,
                               .id = q->id};
    uint8_t *body;

    struct broker *b = brokers_next_or_lost(&e->brokers);
    if (b == NULL)
        return PROBLEM_UNAVAILABLE;
    q->received_us = clock_wall_us();
    intake_compose(in, plain);
    struct sluice_message message = {.flags = submission_wait_is_async(q) ? SLUICE_ACCEPT_NOW : 0,
                                     .service = ctx.service,
                                     .service_len = ctx.service_len,
                                     .scope = ctx.scope,
                                     .scope_len = ctx.scope_len,
                                     .received_us = q->received_us,
                                     .body_bytes = plain->size + SEAL_OVERHEAD_BYTES};
    memcpy(message.id, q->id.bytes, sizeof(message.id));
    switch (broker_reserve(b, &message, q, &body, &q->counter)) {
    case SLUICE_OK:
        break;
    case SLUICE_TOO_LARGE:
        return PROBLEM_TOO_LARGE;
    default:
        return PROBLEM_UNAVAILABLE;
    }
    seal_close(e->seal_keys, &ctx, plain->data, plain->size, body);
    return PROBLEM_NONE;
}

static enum problem
intake_run(struct intake *in, const struct route_match *match)
{
    struct edge *e = in->q->edge;
    enum problem p;
    size_t len;

    const char *value = http_header(in->m, HTTP_HEADER_AUTHORIZATION, &len);
    in->token = value != NULL ? token_authorize(e->tokens, value, len) : NULL;
    if (in->token == NULL)
        return PROBLEM_UNAUTHENTICATED;
    if (!route_param_decode(match->param, match->param_len, in->subject, &in->subject_len))
        return PROBLEM_NOT_FOUND;
    if (!rate_take(in->token, e->rate_per_token, e->now_us))
        return PROBLEM_RATE;
    if ((p = intake_read(in)) != PROBLEM_NONE || (p = intake_study(in)) != PROBLEM_NONE ||
        (p = intake_identify(in)) != PROBLEM_NONE)
        return p;
    if (!limit_take(&e->in_flight))
        return PROBLEM_UNAVAILABLE;
    submission_wait_begin(in->q);
    p = intake_send(in);
    if (p != PROBLEM_NONE)
        submission_wait_cancel(in->q);
    return p;
}

void
submit_handle(struct request *q, const struct http_message *m, const struct route_match *match)
{
    struct intake in = {.q = q, .m = m};

    enum problem p = intake_run(&in, match);
    if (p == PROBLEM_NONE) {
        metric_add(&q->edge->metrics, METRIC_SUBMITTED, 1);
        return;
    }
    answer_begin(q);
    answer_problem(q, p, in.error.rule != NULL ? &in.error : NULL);
    request_free(q);
}
