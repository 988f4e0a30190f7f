/* Composes a question from the request, and the answer from the reply. */
#include "client/edge/ask.h"

#include <string.h>

#include "base/error.h"
#include "client/edge/envelope.h"
#include "client/edge/json_text.h"
#include "schemas/wire/codes.h"

#define TEXTS_MAX 8
#define BODY_MAX ((size_t)8 << 20)
#define OFFSET_BYTES 5 /* a msgpack uint 32, always at the end of the plain */

enum ask_member { ASK_UUID, ASK_TEXT, ASK_BODY, ASK_NONE };
enum ask_scope { ASK_ALL, ASK_ONE };

struct ask {
    const char *kind;
    enum ask_member member_is;
    const char *member;
    enum ask_scope scope;
    enum ask_roles roles;
    const char *parameters; /* separated by spaces */
};

/* A question while its handler runs. */
struct asking {
    struct request *q;
    const struct ask *ask;
    const struct http_message *m;
    const struct route_match *match;
    struct {
        const char *name;
        size_t name_len, len;
        char text[ROUTE_PARAM_MAX];
    } texts[TEXTS_MAX];
    uint32_t n_texts;
    struct uuid id;
    char *const *studies;
    size_t n_studies;
    struct problem_error error;
};

bool
ask_permits(const struct token *token, enum ask_roles roles)
{
    switch (roles) {
    case ASK_ROLES_ANY:
        return true;
    case ASK_ROLES_MONITOR:
        return token->role != TOKEN_ROLE_PARTICIPANT;
    case ASK_ROLES_STAFF:
        return token_handles_alerts(token);
    }
    return false;
}

bool
ask_studies(const struct token *token, const struct route_match *match, char *const **ret_studies,
            size_t *ret_n)
{
    char text[ROUTE_PARAM_MAX];
    size_t len;
    const char *value = route_query_find(match, "study", &len);

    if (value == NULL) {
        *ret_studies = token->studies;
        *ret_n = token->n_studies;
        return true;
    }
    if (!route_param_decode(value, len, text, &len))
        return false;
    for (size_t i = 0; i < token->n_studies; i++) {
        if (strlen(token->studies[i]) == len && memcmp(token->studies[i], text, len) == 0) {
            *ret_studies = &token->studies[i];
            *ret_n = 1;
            return true;
        }
    }
    return false;
}

void
ask_refuse(struct request *q, enum problem p, const char *rule, const char *detail)
{
    struct problem_error error;

    if (rule != NULL)
        problem_error_set(&error, "", rule, detail);
    answer_begin(q);
    answer_problem(q, p, rule != NULL ? &error : NULL);
    request_free(q);
}

/* ---- the question ---- */

static bool
text_add(struct asking *a, const char *name, size_t name_len, const char *value, size_t len)
{
    sluice_assert(a->n_texts < TEXTS_MAX);
    a->texts[a->n_texts].name = name;
    a->texts[a->n_texts].name_len = name_len;
    if (!route_param_decode(value, len, a->texts[a->n_texts].text, &a->texts[a->n_texts].len))
        return false;
    a->n_texts++;
    return true;
}

static bool
parameters_read(struct asking *a)
{
    const char *name = a->ask->parameters, *value;
    char word[32];
    size_t len;

    for (size_t n; *name != '\0'; name += n + (name[n] == ' ')) {
        n = strcspn(name, " ");
        sluice_assert(n < sizeof(word));
        memcpy(word, name, n);
        word[n] = '\0';
        value = route_query_find(a->match, word, &len);
        if (value != NULL && !text_add(a, name, n, value, len))
            return problem_error_set(&a->error, "", "query-parameter",
                                     "a query parameter is no well-formed text");
    }
    return true;
}

/* Whole or not at all: a cut one would only fail to match. */
static void
if_none_match_read(struct asking *a)
{
    size_t len;
    const char *value = http_header(a->m, HTTP_HEADER_IF_NONE_MATCH, &len);

    if (value == NULL || len > ROUTE_PARAM_MAX)
        return;
    a->texts[a->n_texts].name = "if_none_match";
    a->texts[a->n_texts].name_len = sizeof("if_none_match") - 1;
    memcpy(a->texts[a->n_texts].text, value, len);
    a->texts[a->n_texts++].len = len;
}

/* The request's JSON as msgpack into the scratch. */
static enum problem
body_read(struct asking *a)
{
    struct edge *e = a->q->edge;
    struct buf *out = &e->scratch.submission;

    buf_clear(out);
    if (a->m->body_bytes > JSON_TEXT_MAX)
        return PROBLEM_TOO_LARGE;
    enum json_fault fault = json_transcode(&e->json, a->m->body, a->m->body_bytes, out);
    if (fault == JSON_OK)
        return PROBLEM_NONE;
    envelope_fault(&e->json, fault, out->data, &a->error);
    return PROBLEM_MALFORMED;
}

static enum problem
asking_read(struct asking *a)
{
    struct ask_wait *w = &a->q->ask;

    if (!ask_permits(w->token, a->ask->roles)) {
        problem_error_set(&a->error, "", "role", "the token's role does not permit this");
        return PROBLEM_FORBIDDEN;
    }
    if (!ask_studies(w->token, a->match, &a->studies, &a->n_studies))
        return PROBLEM_NOT_FOUND;
    if (a->ask->scope == ASK_ONE && a->n_studies > 1) {
        problem_error_set(&a->error, "", "study-required",
                          "the token covers several studies: say which one by ?study=");
        return PROBLEM_MALFORMED;
    }
    if (a->ask->member_is == ASK_UUID && !uuid_parse(a->match->param, a->match->param_len, &a->id))
        return PROBLEM_NOT_FOUND;
    if (a->ask->member_is == ASK_TEXT &&
        !text_add(a, a->ask->member, strlen(a->ask->member), a->match->param, a->match->param_len))
        return PROBLEM_NOT_FOUND;
    if (!parameters_read(a))
        return PROBLEM_MALFORMED;
    if_none_match_read(a);
    if (a->ask->member_is != ASK_BODY)
        return PROBLEM_NONE;
    return rate_take(w->token, a->q->edge->rate_per_token, a->q->edge->now_us) ? body_read(a)
                                                                               : PROBLEM_RATE;
}

static void
asking_compose(struct asking *a, struct buf *b)
{
    const struct buf *body = &a->q->edge->scratch.submission;
    bool uuid = a->ask->member_is == ASK_UUID, has_body = a->ask->member_is == ASK_BODY;
    int full = 0;

    buf_clear(b);
    full |= mp_put_map(b, 3U + a->n_texts + uuid + has_body);
    full |= mp_put_cstr(b, "kind");
    full |= mp_put_cstr(b, a->ask->kind);
    full |= mp_put_cstr(b, "studies");
    full |= mp_put_array(b, (uint32_t)a->n_studies);
    for (size_t i = 0; i < a->n_studies; i++)
        full |= mp_put_cstr(b, a->studies[i]);
    for (uint32_t i = 0; i < a->n_texts; i++) {
        full |= mp_put_str(b, a->texts[i].name, a->texts[i].name_len);
        full |= mp_put_str(b, a->texts[i].text, a->texts[i].len);
    }
    if (uuid) {
        full |= mp_put_cstr(b, a->ask->member);
        full |= mp_put_bin(b, a->id.bytes, sizeof(a->id.bytes));
    }
    if (has_body) {
        full |= mp_put_cstr(b, a->ask->member);
        full |= buf_append(b, body->data, body->size);
    }
    full |= mp_put_cstr(b, "offset");
    full |= buf_append(b, "\xce\0\0\0\0", OFFSET_BYTES);
    sluice_assert(full == BUF_OK);
}

/* ---- the answer ---- */

static void
ask_finish(struct request *q)
{
    if (q->broker != NULL)
        broker_forget(q->broker, q->counter);
    free(q->ask.plain);
    buf_deinit(&q->ask.body);
    request_free(q);
}

static void
ask_fail(struct request *q)
{
    answer_begin(q);
    answer_problem(q, PROBLEM_UNAVAILABLE, NULL);
    ask_finish(q);
}

static void
ask_send(struct request *q)
{
    if (!question_ask(q, &q->ask.question, q->ask.plain, q->ask.plain_bytes))
        ask_fail(q);
}

/* A member of the reply as C text, cut to size; false: it is not there. */
static bool
reply_text(const struct buf *reply, const char *key, char *ret_text, size_t size)
{
    const char *s;
    size_t len;

    if (!mp_find_str(reply->data, reply->size, key, &s, &len))
        return false;
    len = len < size ? len : size - 1;
    memcpy(ret_text, s, len);
    ret_text[len] = '\0';
    return memchr(ret_text, '\r', len) == NULL && memchr(ret_text, '\n', len) == NULL;
}

static void
refusal_answer(struct request *q, const struct buf *reply, uint64_t status)
{
    char pointer[PROBLEM_POINTER_SIZE] = "", rule[64], detail[256] = "";
    struct problem_error error;
    enum problem p = status == 404   ? PROBLEM_NOT_FOUND
                     : status == 400 ? PROBLEM_MALFORMED
                                     : PROBLEM_UNAVAILABLE;
    bool has_rule = reply_text(reply, "rule", rule, sizeof(rule));

    reply_text(reply, "pointer", pointer, sizeof(pointer));
    reply_text(reply, "detail", detail, sizeof(detail));
    if (has_rule)
        problem_error_set(&error, pointer, rule, detail);
    answer_problem(q, p, has_rule ? &error : NULL);
}

static void
reply_answer(struct request *q, const struct buf *reply, uint64_t status)
{
    char type[64] = MEDIA_JSON, etag[128];

    answer_begin(q);
    if (status >= 400) {
        refusal_answer(q, reply, status);
        return;
    }
    reply_text(reply, "type", type, sizeof(type));
    if (reply_text(reply, "etag", etag, sizeof(etag))) {
        answer_field(q, "ETag", etag);
        answer_field(q, "Cache-Control", "private, no-cache");
    } else {
        answer_field(q, "Cache-Control", "no-store");
    }
    json_put_n(&q->edge->scratch.body, (const char *)q->ask.body.data, q->ask.body.size);
    answer_send(q, (unsigned)status, status == 304 ? NULL : type);
}

/* Asks for the rest of a body. */
static bool
part_ask(struct request *q, uint64_t offset)
{
    uint8_t *at = q->ask.plain + q->ask.plain_bytes - 4;

    if (offset != q->ask.body.size || ++q->ask.parts == ASK_PARTS_MAX)
        return false;
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(offset >> (24 - 8 * i));
    q->ask.question.brokers_tried = 0;
    ask_send(q);
    return true;
}

static void
on_outcome(struct request *q, unsigned outcome, const struct sluice_origin *origin,
           int64_t accepted_us, const uint8_t *payload, size_t payload_bytes)
{
    struct buf *reply = &q->edge->scratch.plain;
    uint64_t status, more;
    const char *json = "";
    size_t len = 0;

    (void)origin;
    (void)accepted_us;
    if (outcome != OUTCOME_ANSWERED ||
        !question_open(q->edge, &q->ask.question, payload, payload_bytes, reply) ||
        !mp_find_uint(reply->data, reply->size, "status", &status) || status < 200 ||
        status > 499) {
        ask_fail(q);
        return;
    }
    mp_find_str(reply->data, reply->size, "json", &json, &len);
    if (buf_append(&q->ask.body, json, len) != BUF_OK) {
        ask_fail(q);
        return;
    }
    if (mp_find_uint(reply->data, reply->size, "more", &more)) {
        if (!part_ask(q, more))
            ask_fail(q);
        return;
    }
    reply_answer(q, reply, status);
    ask_finish(q);
}

static void
on_refused(struct request *q, unsigned refusal)
{
    (void)refusal; /* no worker there, or no room: another broker may have one */
    ask_send(q);
}

static const struct request_kind ask_kind = {
    .refused = on_refused,
    .outcome = on_outcome,
    .expired = ask_fail,
    .abandoned = ask_finish,
};

static void
ask_handle(struct request *q, const struct http_message *m, const struct route_match *match,
           const struct ask *ask)
{
    struct edge *e = q->edge;
    struct asking a = {.q = q, .ask = ask, .m = m, .match = match};
    struct buf *plain = &e->scratch.plain;

    metric_add(&e->metrics, METRIC_QUERIES, 1);
    q->ask = (struct ask_wait){.token = match->token};
    enum problem p = asking_read(&a);
    if (p != PROBLEM_NONE) {
        answer_begin(q);
        answer_problem(q, p, a.error.rule != NULL ? &a.error : NULL);
        request_free(q);
        return;
    }
    asking_compose(&a, plain);
    q->kind = &ask_kind;
    q->ask.question.scope = a.studies[0];
    q->ask.plain = mem_new(plain->size, 1);
    q->ask.plain_bytes = plain->size;
    memcpy(q->ask.plain, plain->data, plain->size);
    buf_init(&q->ask.body, BODY_MAX);
    ticket_start(&e->lookups, &q->ticket, e->now_us);
    ask_send(q);
}

static const struct ask asks[] = {
#define ASK(name, kind, member_is, member, scope, roles, parameters)                               \
    {kind, ASK_##member_is, member, ASK_##scope, ASK_ROLES_##roles, parameters},
#include "client/edge/asks.def"
#undef ASK
};
enum ask_number {
#define ASK(name, kind, member_is, member, scope, roles, parameters) ASK_NUMBER_##name,
#include "client/edge/asks.def"
#undef ASK
};

#define ASK(name, kind, member_is, member, scope, roles, parameters)                               \
    void ask_handle_##name(struct request *q, const struct http_message *m,                        \
                           const struct route_match *match)                                        \
    {                                                                                              \
        ask_handle(q, m, match, &asks[ASK_NUMBER_##name]);                                         \
    }
#include "client/edge/asks.def"
#undef ASK
