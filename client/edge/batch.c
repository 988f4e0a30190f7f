/* A part is a request of its own without a connection: what brokers and the clock say about it goes
 * the same way as for a submission that came alone (submission_wait.c), up to answer_send, which
 * leaves it here. The whole waits for its parts and for nothing else. */
#include "client/edge/batch.h"

#include <string.h>

#include "base/error.h"
#include "client/edge/batch_split.h"
#include "client/edge/intake.h"
#include "client/edge/json_text.h"

/* Results past this are told without their bodies; their Location still says where to ask. */
#define RESULTS_BYTES_MAX ((size_t)4 << 20)

struct batch_result {
    struct request *part; /* not answered yet */
    unsigned status;
    char *location; /* NULL: nothing of it is on disk */
    uint8_t *body;  /* NULL: left out */
    size_t body_bytes;
};

struct batch {
    struct request *whole;
    size_t n, pending;
    size_t bytes; /* of all bodies */
    struct batch_result results[BATCH_SUBMISSIONS_MAX];
};

static void
batch_free(struct batch *b)
{
    for (size_t i = 0; i < b->n; i++) {
        free(b->results[i].location);
        free(b->results[i].body);
    }
    free(b);
}

static void
result_write(struct buf *out, const struct batch_result *r)
{
    json_put(out, "{\"status\":");
    json_put_uint(out, r->status);
    if (r->location != NULL) {
        json_put(out, ",\"location\":");
        json_put_string(out, r->location, strlen(r->location));
    }
    json_put(out, ",\"body\":");
    if (r->body != NULL)
        json_put_n(out, (const char *)r->body, r->body_bytes);
    else
        json_put(out, "null");
    json_put(out, "}");
}

/* All parts have their results. */
static void
batch_finish(struct batch *b)
{
    struct request *q = b->whole;
    struct buf *out = &q->edge->scratch.body;

    answer_begin(q);
    json_put(out, "{\"results\":[");
    for (size_t i = 0; i < b->n; i++) {
        if (i > 0)
            json_put(out, ",");
        result_write(out, &b->results[i]);
    }
    json_put(out, "]}");
    answer_send(q, 200, MEDIA_JSON);
    batch_free(b);
    request_free(q);
}

static void
part_done(struct batch *b)
{
    if (--b->pending == 0)
        batch_finish(b);
}

void
batch_part_answered(struct request *q, unsigned status)
{
    struct batch *b = q->batch;
    struct batch_result *r = &b->results[q->part];
    const struct buf *body = &q->edge->scratch.body;

    q->batch = NULL;
    r->part = NULL;
    r->status = status;
    if (q->kind != NULL && q->wait.accepted) {
        struct buf location;
        buf_init(&location, 256);
        outcome_location_write(&location, q);
        json_put_n(&location, "", 1);
        r->location = (char *)location.data;
    }
    if (body->size <= RESULTS_BYTES_MAX - b->bytes) {
        r->body = mem_new(body->size, 1);
        r->body_bytes = body->size;
        memcpy(r->body, body->data, body->size);
        b->bytes += body->size;
    }
    part_done(b);
}

/* The client is gone: the parts go on without it. */
static void
on_abandoned(struct request *q)
{
    struct batch *b = q->parts;

    for (size_t i = 0; i < b->n; i++) {
        struct request *part = b->results[i].part;
        if (part == NULL)
            continue;
        part->batch = NULL;
        ticket_stop(&part->ticket);
        part->kind->abandoned(part);
    }
    batch_free(b);
    request_free(q);
}

static const struct request_kind batch_kind = {.abandoned = on_abandoned};

static void
part_begin(struct batch *b, size_t i, const struct batch_span *span, const struct http_message *m,
           struct token *token)
{
    struct request *part = request_new_part(b->whole, b, (uint32_t)i);
    struct intake in;

    b->results[i].part = part;
    intake_begin(&in, part, m, token);
    in.media = MEDIA_TYPE_JSON;
    in.media_told_inside = true;
    in.text = span->at;
    in.text_bytes = span->size;
    enum problem p = intake_run(&in, &outcome_receipt);
    if (p != PROBLEM_NONE)
        intake_refuse(&in, p);
}

static void
batch_refuse(struct request *q, const struct problem_error *error)
{
    answer_begin(q);
    answer_problem(q, PROBLEM_MALFORMED, error);
    request_free(q);
}

void
batch_handle(struct request *q, const struct http_message *m, const struct route_match *match)
{
    struct batch_span spans[BATCH_SUBMISSIONS_MAX];
    struct problem_error error;
    size_t n, len;

    if (http_header(m, HTTP_HEADER_IDEMPOTENCY_KEY, &len) != NULL) {
        problem_error_set(&error, "", "idempotency-key",
                          "names one submission: in a batch each says its own id");
        batch_refuse(q, &error);
        return;
    }
    if (!batch_split(m->body, m->body_bytes, spans, &n, &error)) {
        batch_refuse(q, &error);
        return;
    }
    struct batch *b = mem_new(1, sizeof(*b));
    b->whole = q;
    b->n = n;
    b->pending = n + 1; /* one for this loop: no part ends the batch before the last has begun */
    q->parts = b;
    q->kind = &batch_kind;
    metric_add(&q->edge->metrics, METRIC_BATCHES, 1);
    for (size_t i = 0; i < n; i++)
        part_begin(b, i, &spans[i], m, match->token);
    part_done(b);
}
