/* The sealed body is a msgpack map: id, study, subject, received_us, request_id, traceparent?, key?
 * (an Idempotency-Key or body id that was no UUID), actor? (who the token stands for; without it a
 * participant without a name), sent_us? (the Date header, where the body has no sentAt), format?
 * ("fhir": submission is a QuestionnaireResponse), revise? (a correction: revision, reason,
 * source?, kind) and submission, the client's object. */
#include "client/edge/intake.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "client/edge/fhir_response.h"
#include "client/edge/http_date.h"
#include "client/edge/record_send.h"
#include "client/edge/submission_wait.h"

void
intake_begin(struct intake *in, struct request *q, const struct http_message *m,
             struct token *token)
{
    size_t len;

    *in = (struct intake){
        .q = q, .m = m, .token = token, .text = m->body, .text_bytes = m->body_bytes};
    const char *value = http_header(m, HTTP_HEADER_CONTENT_TYPE, &len);
    in->media = value != NULL ? media_type_of(value, len) : MEDIA_TYPE_OTHER;
}

/* A FHIR resource may leave its subject to the path. */
static enum problem
resource_read(struct intake *in)
{
    const struct buf *out = &in->q->edge->scratch.submission;

    if (!fhir_response_read(out->data, out->size, in->fhir_key, &in->envelope, &in->error))
        return PROBLEM_MALFORMED;
    if (in->envelope.subject.at != NULL)
        return PROBLEM_NONE;
    if (in->path_subject == NULL || in->path_subject_len > SUBJECT_BYTES_MAX) {
        problem_error_set(&in->error, "/subject", "missing-member", "is required");
        return PROBLEM_MALFORMED;
    }
    in->envelope.subject = (struct envelope_text){in->path_subject, (uint32_t)in->path_subject_len};
    return PROBLEM_NONE;
}

/* No member of the short form has this name. */
static bool
is_resource(const struct json *j, const uint8_t *body)
{
    static const char name[] = "resourceType";

    for (uint32_t i = 0; i < j->n_members && i < JSON_MEMBERS_MAX; i++)
        if (j->members[i].key_len == sizeof(name) - 1 &&
            memcmp(body + j->members[i].key_at, name, sizeof(name) - 1) == 0)
            return true;
    return false;
}

/* Reason and source of a correction; of the short form they leave the text. */
static bool
revision_find(struct intake *in)
{
    struct edge *e = in->q->edge;
    struct buf *out = &e->scratch.submission;

    if (in->revision == NULL)
        return true;
    return in->media == MEDIA_TYPE_FHIR
               ? revision_read(out->data, out->size, in->revision, &in->error)
               : revision_take(&e->json, out, in->revision, &in->error);
}

/* Transcodes and checks the text. */
static enum problem
intake_read(struct intake *in)
{
    struct edge *e = in->q->edge;
    struct buf *out = &e->scratch.submission;

    buf_clear(out);
    metric_add(&e->metrics, METRIC_BODY_BYTES, in->text_bytes);
    if (in->text_bytes > JSON_TEXT_MAX)
        return PROBLEM_TOO_LARGE;
    enum json_fault fault = json_transcode(&e->json, in->text, in->text_bytes, out);
    if (fault != JSON_OK) {
        envelope_fault(&e->json, fault, out->data, &in->error);
        return PROBLEM_MALFORMED;
    }
    if (in->media_told_inside && is_resource(&e->json, out->data))
        in->media = MEDIA_TYPE_FHIR;
    bool fhir = in->media == MEDIA_TYPE_FHIR;
    if (fhir) {
        enum problem p = resource_read(in);
        if (p != PROBLEM_NONE)
            return p;
    }
    if (!revision_find(in) ||
        (!fhir && !envelope_check(&e->json, out->data, &in->envelope, &in->error)))
        return PROBLEM_MALFORMED;
    if (in->path_subject != NULL &&
        (in->envelope.subject.len != in->path_subject_len ||
         memcmp(in->envelope.subject.at, in->path_subject, in->path_subject_len) != 0)) {
        problem_error_set(&in->error, fhir ? "/subject" : "/subjectId", "subject-mismatch",
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
    const char *pointer = in->media == MEDIA_TYPE_FHIR ? "/subject/identifier/system" : "/study";

    if (named->at != NULL) {
        if (!token_covers(in->token, named->at, named->len)) {
            problem_error_set(&in->error, pointer, "study-not-covered",
                              "the token does not cover it");
            return PROBLEM_FORBIDDEN;
        }
        in->study = named->at;
        in->study_len = named->len;
        return PROBLEM_NONE;
    }
    if (in->token->n_studies > 1) {
        problem_error_set(&in->error, pointer, "missing-member",
                          "is required with a token for several studies");
        return PROBLEM_MALFORMED;
    }
    in->study = in->token->studies[0];
    in->study_len = strlen(in->study);
    return PROBLEM_NONE;
}

/* A correction is named by its path; an id in the body may only repeat it. */
static enum problem
intake_identify(struct intake *in)
{
    struct edge *e = in->q->edge;
    struct uuid named = in->q->id, *ret_id = in->revision != NULL ? &named : &in->q->id;
    struct submission_id_input input = {
        .study = in->study,
        .study_len = in->study_len,
        .envelope = &in->envelope,
        .id_pointer = in->media == MEDIA_TYPE_FHIR ? "/identifier/value" : "/id",
        .submission = e->scratch.submission.data,
        .submission_bytes = e->scratch.submission.size,
    };

    if (in->revision == NULL)
        input.header = http_header(in->m, HTTP_HEADER_IDEMPOTENCY_KEY, &input.header_len);
    else if (in->envelope.id.at == NULL)
        return PROBLEM_NONE;
    if (!submission_id_choose(&e->identity_key, &input, &e->scratch.canonical, ret_id, &in->key,
                              &in->error))
        return PROBLEM_MALFORMED;
    if (in->revision != NULL && !uuid_equal(&named, &in->q->id)) {
        problem_error_set(&in->error, "/id", "id-mismatch", "differs from the id in the path");
        return PROBLEM_MALFORMED;
    }
    return PROBLEM_NONE;
}

/* Participants correct what is theirs, and a token that all of a study's participants share does
 * not say who that is; all others say where the right value stands. */
static enum problem
intake_permit(struct intake *in)
{
    const struct envelope_text *subject = &in->envelope.subject;
    const char *user = in->token->user;
    bool fhir = in->media == MEDIA_TYPE_FHIR;

    if (in->revision == NULL)
        return token_submits(in->token) ? PROBLEM_NONE : PROBLEM_ROLE;
    switch (token_corrects(in->token)) {
    case TOKEN_CORRECTS_OWN:
        if (user == NULL) {
            problem_error_set(&in->error, "", "token-not-bound",
                              "a participant's token that names nobody may send, not correct");
            return PROBLEM_ROLE;
        }
        if (strlen(user) == subject->len && memcmp(user, subject->at, subject->len) == 0)
            return PROBLEM_NONE;
        problem_error_set(&in->error, fhir ? "/subject" : "/subjectId", "not-own",
                          "is not the participant that the token names");
        return PROBLEM_ROLE;
    case TOKEN_CORRECTS_SOURCED:
        if (in->revision->source.len > 0)
            return PROBLEM_NONE;
        problem_error_set(&in->error, fhir ? "/extension" : "/source", "missing-member",
                          "is required: where the source record is");
        return PROBLEM_MALFORMED;
    case TOKEN_CORRECTS_NEVER:
        break;
    }
    return PROBLEM_ROLE;
}

static int
revise_compose(const struct revision *r, struct buf *b)
{
    bool sourced = r->source.len > 0;
    int full = 0;

    full |= mp_put_cstr(b, "revise");
    full |= mp_put_map(b, 3U + sourced);
    full |= mp_put_cstr(b, "revision");
    full |= mp_put_uint(b, r->number);
    full |= mp_put_cstr(b, "reason");
    full |= mp_put_str(b, r->reason.text, r->reason.len);
    if (sourced) {
        full |= mp_put_cstr(b, "source");
        full |= mp_put_str(b, r->source.text, r->source.len);
    }
    full |= mp_put_cstr(b, "kind");
    full |= mp_put_cstr(b, r->voids ? "entered-in-error" : "amended");
    return full;
}

/* The Date header, if it is to stand for sentAt. */
static bool
sent_find(const struct intake *in, int64_t *ret_us)
{
    size_t len;
    const char *date = in->envelope.has_sent_at ? NULL : http_header(in->m, HTTP_HEADER_DATE, &len);

    return date != NULL && http_date_parse(date, len, ret_us);
}

static void
intake_compose(const struct intake *in, struct buf *b)
{
    const struct request *q = in->q;
    const struct buf *submission = &q->edge->scratch.submission;
    bool traced = q->traceparent[0] != '\0', keyed = in->key.text[0] != '\0';
    bool acted = !in->token->is_nobody, fhir = in->media == MEDIA_TYPE_FHIR;
    bool revises = in->revision != NULL;
    int64_t sent_us;
    bool sent = sent_find(in, &sent_us);
    int full = 0;

    buf_clear(b);
    full |= mp_put_map(b, 6U + traced + keyed + acted + sent + fhir + revises);
    full |= mp_put_cstr(b, "id");
    full |= mp_put_bin(b, q->id.bytes, sizeof(q->id.bytes));
    full |= mp_put_cstr(b, "study");
    full |= mp_put_str(b, in->study, in->study_len);
    full |= mp_put_cstr(b, "subject");
    full |= mp_put_str(b, in->envelope.subject.at, in->envelope.subject.len);
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
    if (acted)
        full |= buf_append(b, in->token->actor, in->token->actor_bytes);
    if (sent) {
        full |= mp_put_cstr(b, "sent_us");
        full |= mp_put_int(b, sent_us);
    }
    if (fhir) {
        full |= mp_put_cstr(b, "format");
        full |= mp_put_cstr(b, "fhir");
    }
    if (revises)
        full |= revise_compose(in->revision, b);
    full |= mp_put_cstr(b, "submission");
    full |= buf_append(b, submission->data, submission->size);
    sluice_assert(full == BUF_OK);
}

static enum problem
intake_send(struct intake *in)
{
    struct buf *plain = &in->q->edge->scratch.plain;
    struct record_target target = {
        .service = SUBMIT_SERVICE, .scope = in->study, .scope_len = in->study_len, .id = in->q->id};

    in->q->received_us = clock_wall_us();
    intake_compose(in, plain);
    return record_send(in->q, &target, plain);
}

enum problem
intake_run(struct intake *in, const struct outcome_style *style)
{
    struct edge *e = in->q->edge;
    enum problem p;

    if (!rate_take(in->token, e->rate_per_token, e->now_us))
        return PROBLEM_RATE;
    if ((p = intake_read(in)) != PROBLEM_NONE || (p = intake_study(in)) != PROBLEM_NONE ||
        (p = intake_permit(in)) != PROBLEM_NONE || (p = intake_identify(in)) != PROBLEM_NONE)
        return p;
    if (!limit_take(&e->in_flight))
        return PROBLEM_UNAVAILABLE;
    submission_wait_begin(in->q, style);
    p = intake_send(in);
    if (p != PROBLEM_NONE)
        submission_wait_cancel(in->q);
    else
        metric_add(&e->metrics, METRIC_SUBMITTED, 1);
    return p;
}

void
intake_refuse(struct intake *in, enum problem p)
{
    answer_begin(in->q);
    answer_problem(in->q, p, in->error.rule != NULL ? &in->error : NULL);
    request_free(in->q);
}
