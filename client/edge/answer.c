/* Composes answers in the scratch buffers and hands them to the connection in one write. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/error.h"
#include "client/edge/batch.h"
#include "client/edge/connection.h"
#include "client/edge/fhir_outcome.h"
#include "client/edge/json_text.h"
#include "client/edge/request.h"

/* As llhttp's table names it. */
static const char *
reason(unsigned status)
{
    switch (status) {
#define STATUS(code, NAME, text)                                                                   \
    case code:                                                                                     \
        return #text;
        HTTP_STATUS_MAP(STATUS)
#undef STATUS
    default:
        return "Unknown";
    }
}

/* "Date: …", made once a second. */
static void
date_put(struct buf *b)
{
    static char line[64];
    static time_t line_s;
    time_t now_s = (time_t)(clock_wall_us() / US_PER_S);

    if (now_s != line_s) {
        struct tm tm;
        gmtime_r(&now_s, &tm);
        strftime(line, sizeof(line), "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm);
        line_s = now_s;
    }
    json_put(b, line);
}

void
answer_begin(struct request *q)
{
    buf_clear(&q->edge->scratch.fields);
    buf_clear(&q->edge->scratch.body);
}

void
answer_field(struct request *q, const char *name, const char *value)
{
    struct buf *b = &q->edge->scratch.fields;

    json_put(b, name);
    json_put_n(b, ": ", 2);
    json_put(b, value);
    json_put_n(b, "\r\n", 2);
}

void
answer_retry_after(struct request *q)
{
    char text[16];

    snprintf(text, sizeof(text), "%u", 1 + randombytes_uniform(5));
    answer_field(q, "Retry-After", text);
}

/* has_length: the body in the scratch is all there is; else it ends with the connection. */
static void
head_write(struct request *q, unsigned status, const char *media_type, bool has_length, bool close)
{
    struct edge *e = q->edge;
    struct buf *h = &e->scratch.answer;

    buf_clear(h);
    json_put(h, "HTTP/1.1 ");
    json_put_uint(h, status);
    json_put_n(h, " ", 1);
    size_t at = h->size;
    json_put(h, reason(status));
    for (; at < h->size; at++)
        if (h->data[at] == '_')
            h->data[at] = ' ';
    json_put_n(h, "\r\n", 2);
    date_put(h);
    if (media_type != NULL) {
        json_put(h, "Content-Type: ");
        json_put(h, media_type);
        json_put_n(h, "\r\n", 2);
    }
    if (has_length) {
        json_put(h, "Content-Length: ");
        json_put_uint(h, e->scratch.body.size);
        json_put_n(h, "\r\n", 2);
    }
    json_put(h, "X-Request-Id: ");
    json_put(h, q->id_text);
    if (q->traceparent[0] != '\0') {
        json_put(h, "\r\ntraceparent: ");
        json_put(h, q->traceparent);
    }
    if (close)
        json_put(h, "\r\nConnection: close");
    else if (q->minor_0)
        json_put(h, "\r\nConnection: keep-alive");
    json_put_n(h, "\r\n", 2);
    json_put_n(h, (const char *)e->scratch.fields.data, e->scratch.fields.size);
    json_put_n(h, "\r\n", 2);
}

void
answer_stream(struct request *q, const char *media_type)
{
    struct edge *e = q->edge;

    head_write(q, 200, media_type, false, true);
    json_put_n(&e->scratch.answer, (const char *)e->scratch.body.data, e->scratch.body.size);
    metrics_answer(&e->metrics, 200);
    ticket_stop(&q->ticket);
    if (!connection_stream_begin(q->connection, &e->scratch.answer))
        connection_cut(q->connection);
}

void
answer_send(struct request *q, unsigned status, const char *media_type)
{
    struct edge *e = q->edge;
    struct buf *h = &e->scratch.answer;
    struct connection *c = q->connection;

    if (q->batch != NULL) {
        ticket_stop(&q->ticket);
        batch_part_answered(q, status);
        return;
    }
    bool close = !q->keep_alive || q->lingers || e->draining;

    head_write(q, status, media_type, status != 204 && status != 304, close);

    metrics_answer(&e->metrics, status);
    ticket_stop(&q->ticket);
    q->connection = NULL;
    if (!q->head_only) /* copied: one buffer is less work for the kernel than two */
        json_put_n(h, (const char *)e->scratch.body.data, e->scratch.body.size);
    connection_answer(c, h, close, q->lingers);
}

void
answer_problem(struct request *q, enum problem p, const struct problem_error *error)
{
    if (problem_status(p) == 503 || problem_status(p) == 429)
        answer_retry_after(q);
    if (problem_status(p) == 401)
        answer_field(q, "WWW-Authenticate", "Bearer");
    if (q->fhir)
        fhir_outcome_problem(&q->edge->scratch.body, p, error);
    else
        problem_write(&q->edge->scratch.body, p, error);
    answer_send(q, problem_status(p), q->fhir ? MEDIA_FHIR : PROBLEM_MEDIA_TYPE_TEXT);
}
