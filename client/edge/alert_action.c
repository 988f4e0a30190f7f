/* The record waits like a submission (submission_wait.c) and is answered in a style of its own. */
#include "client/edge/alert_action.h"

#include <sodium.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "client/edge/ask.h"
#include "client/edge/envelope.h"
#include "client/edge/json_text.h"
#include "client/edge/outcome.h"
#include "client/edge/record_send.h"
#include "client/edge/submission_wait.h"
#include "schemas/wire/message.h"

/* One action while its handler runs. */
struct action {
    struct request *q;
    const struct http_message *m;
    struct token *token;
    const char *study;
    struct envelope_text note; /* at == NULL: not said */
    struct problem_error error;
};

static const char *
action_text(const struct request *q)
{
    return q->wait.closes ? "close" : "acknowledge";
}

/* {"alertId","action","status" and leaves the object open. */
static void
answer_put(struct request *q, const char *status, size_t len)
{
    struct buf *b = &q->edge->scratch.body;

    answer_begin(q);
    json_put(b, "{\"alertId\":");
    json_put_uuid(b, &q->wait.alert);
    json_put(b, ",\"action\":\"");
    json_put(b, action_text(q));
    json_put(b, "\",\"status\":");
    json_put_string(b, status, len);
}

static void
on_accepted(struct request *q)
{
    answer_put(q, "accepted", strlen("accepted"));
    json_put(&q->edge->scratch.body, "}");
    answer_send(q, 202, MEDIA_JSON);
}

static void
on_decided(struct request *q, unsigned outcome, const struct outcome_payload *payload)
{
    struct buf *b = &q->edge->scratch.body;
    const char *state;
    enum problem p;
    size_t len;

    switch (outcome) {
    case OUTCOME_STORED:
    case OUTCOME_DUPLICATE:
        if (!outcome_payload_text(payload, PAYLOAD_STATE, &state, &len)) {
            state = "stored";
            len = strlen(state);
        }
        answer_put(q, state, len);
        json_put(b, "}");
        answer_send(q, 200, MEDIA_JSON);
        break;
    case OUTCOME_CONFLICT:
    case OUTCOME_REJECTED:
        p = outcome_problem(outcome, payload);
        answer_begin(q);
        problem_begin(b, p);
        outcome_payload_errors(b, payload, problem_title(p));
        json_put(b, "}");
        answer_send(q, problem_status(p), PROBLEM_MEDIA_TYPE_TEXT);
        break;
    default: /* held or dead: on disk, and a human will mend it */
        on_accepted(q);
        break;
    }
}

static const struct outcome_style action_style = {on_accepted, on_decided};

static bool
member_take(struct action *a, const struct mp_value *key, const struct mp_value *v)
{
    if (!mp_is_str(key, "note"))
        return problem_error_set(&a->error, "", "unknown-member", "has a member that is not known");
    if (v->type != MP_STR || v->len == 0)
        return problem_error_set(&a->error, "/note", "wrong-type", "must be a string, not empty");
    if (v->len > ALERT_NOTE_MAX)
        return problem_error_set(&a->error, "/note", "too-long", "is too long");
    a->note = (struct envelope_text){(const char *)v->at, v->len};
    return true;
}

/* The optional body. */
static bool
action_read(struct action *a)
{
    struct edge *e = a->q->edge;
    struct buf *out = &e->scratch.submission;
    struct mp_value head, key, v;

    if (a->m->body_bytes == 0)
        return true;
    buf_clear(out);
    enum json_fault fault = json_transcode(&e->json, a->m->body, a->m->body_bytes, out);
    if (fault != JSON_OK) {
        problem_error_set(&a->error, "", json_fault_rule(fault), json_fault_detail(fault));
        a->error.at = (long)e->json.fault_at;
        return false;
    }
    struct mp_cursor c = {out->data, out->data + out->size};
    if (mp_next(&c, &head) != MP_OK || head.type != MP_MAP)
        return problem_error_set(&a->error, "", "body-not-object",
                                 "the body must be a JSON object");
    for (uint32_t i = 0; i < head.len; i++) {
        if (mp_next(&c, &key) != MP_OK)
            return false;
        struct mp_cursor value = c;
        if (mp_next(&value, &v) != MP_OK || mp_skip(&c) != MP_OK)
            return false;
        if (!member_take(a, &key, &v))
            return false;
    }
    return true;
}

/* The token's only study, or the one that the query names. */
static enum problem
action_study(struct action *a, const struct route_match *match)
{
    char *const *studies;
    size_t n;

    if (!ask_studies(a->token, match, &studies, &n)) {
        problem_error_set(&a->error, "", "study-not-covered", "the token does not cover it");
        return PROBLEM_FORBIDDEN;
    }
    if (n > 1) {
        problem_error_set(&a->error, "", "study-required",
                          "?study= must name one, as the token is for several");
        return PROBLEM_MALFORMED;
    }
    a->study = studies[0];
    return PROBLEM_NONE;
}

static void
action_compose(const struct action *a, struct buf *b)
{
    const struct request *q = a->q;
    bool noted = a->note.at != NULL;
    int full = 0;

    buf_clear(b);
    full |= mp_put_map(b, 7U + noted);
    full |= mp_put_cstr(b, "kind");
    full |= mp_put_cstr(b, "action");
    full |= mp_put_cstr(b, "alert_id");
    full |= mp_put_bin(b, q->wait.alert.bytes, sizeof(q->wait.alert.bytes));
    full |= mp_put_cstr(b, "study");
    full |= mp_put_cstr(b, a->study);
    full |= mp_put_cstr(b, "action");
    full |= mp_put_cstr(b, action_text(q));
    full |= buf_append(b, a->token->actor, a->token->actor_bytes);
    if (noted) {
        full |= mp_put_cstr(b, "note");
        full |= mp_put_str(b, a->note.at, a->note.len);
    }
    full |= mp_put_cstr(b, "at_us");
    full |= mp_put_int(b, q->received_us);
    full |= mp_put_cstr(b, "request_id");
    full |= mp_put_cstr(b, q->id_text);
    sluice_assert(full == BUF_OK);
}

static enum problem
action_send(struct action *a, const struct uuid *alert, bool closes)
{
    struct request *q = a->q;
    struct buf *plain = &q->edge->scratch.plain;
    struct record_target target = {
        .service = ALERT_SERVICE, .scope = a->study, .scope_len = strlen(a->study)};

    if (!limit_take(&q->edge->in_flight))
        return PROBLEM_UNAVAILABLE;
    submission_wait_begin(q, &action_style);
    q->wait.alert = *alert;
    q->wait.closes = closes;
    q->received_us = clock_wall_us();
    uuid_random(&q->id);
    target.id = q->id;
    action_compose(a, plain);
    enum problem p = record_send(q, &target, plain);
    if (p != PROBLEM_NONE)
        submission_wait_cancel(q);
    else
        metric_add(&q->edge->metrics, METRIC_SUBMITTED, 1);
    return p;
}

static enum problem
action_run(struct action *a, const struct route_match *match, bool closes)
{
    struct edge *e = a->q->edge;
    struct uuid alert;

    a->token = match->token;
    if (!token_handles_alerts(a->token))
        return PROBLEM_ROLE;
    if (!uuid_parse(match->param, match->param_len, &alert))
        return PROBLEM_NOT_FOUND;
    if (!rate_take(a->token, e->rate_per_token, e->now_us))
        return PROBLEM_RATE;
    if (!action_read(a))
        return PROBLEM_MALFORMED;
    enum problem p = action_study(a, match);
    return p != PROBLEM_NONE ? p : action_send(a, &alert, closes);
}

static void
action_handle(struct request *q, const struct http_message *m, const struct route_match *match,
              bool closes)
{
    struct action a = {.q = q, .m = m};

    enum problem p = action_run(&a, match, closes);
    if (p == PROBLEM_NONE)
        return;
    answer_begin(q);
    answer_problem(q, p, a.error.rule != NULL ? &a.error : NULL);
    request_free(q);
}

void
alert_action_handle_acknowledge(struct request *q, const struct http_message *m,
                                const struct route_match *match)
{
    action_handle(q, m, match, false);
}

void
alert_action_handle_close(struct request *q, const struct http_message *m,
                          const struct route_match *match)
{
    action_handle(q, m, match, true);
}
