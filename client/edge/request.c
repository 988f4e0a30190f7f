/* Requests come from a free list; ids for tracing come from the client if they are harmless. */
#include "client/edge/request.h"

#include <endian.h>
#include <string.h>

#include "base/bytes16.h"
#include "base/error.h"

#define FREE_KEPT 4096

static bool
id_is_sane(const char *s, size_t len)
{
    if (len == 0 || len >= REQUEST_ID_SIZE)
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = s[i];
        bool word = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
        if (!word && (c == '\0' || strchr("-_.:+/=@", c) == NULL))
            return false;
    }
    return true;
}

/* 16 hex digits that name this process, 16 that name the request. */
static void
id_make(struct edge *e, char text[REQUEST_ID_SIZE])
{
    uint64_t prefix = htobe64(e->id_prefix), counter = htobe64(++e->id_counter);

    bytes16_hex((const uint8_t *)&prefix, text);
    text[16] = '-';
    bytes16_hex((const uint8_t *)&counter, text + 17);
    text[33] = '\0';
}

/* W3C: version-trace-parent-flags in lower-case hex. */
static bool
traceparent_is_sane(const char *s, size_t len)
{
    if (len != TRACEPARENT_SIZE - 1 || memcmp(s, "ff", 2) == 0)
        return false;
    for (size_t i = 0; i < len; i++) {
        bool dash = i == 2 || i == 35 || i == 52;
        bool hex = (s[i] >= '0' && s[i] <= '9') || (s[i] >= 'a' && s[i] <= 'f');
        if (dash ? s[i] != '-' : !hex)
            return false;
    }
    return true;
}

/* An empty one from the list. */
static struct request *
request_take(struct edge *e)
{
    struct request *q = e->free_requests;

    if (q != NULL) {
        e->free_requests = q->next_free;
        e->n_free_requests--;
        memset(q, 0, sizeof(*q));
    } else {
        q = mem_new(1, sizeof(*q));
    }
    e->n_requests++;
    q->edge = e;
    q->arrived_us = e->now_us;
    return q;
}

static bool
target_is_fhir(const struct http_message *m)
{
    static const char prefix[] = "/fhir/";

    return m->target.len >= sizeof(prefix) - 1 &&
           memcmp(m->head + m->target.at, prefix, sizeof(prefix) - 1) == 0;
}

struct request *
request_new(struct edge *e, struct connection *c, const struct http_message *m)
{
    struct request *q = request_take(e);
    size_t len;

    q->connection = c;
    q->fhir = target_is_fhir(m);
    q->prefer = m->prefer;
    q->head_only = m->method == HTTP_HEAD;
    q->keep_alive = m->keep_alive;
    q->minor_0 = m->minor == 0;

    const char *id = http_header(m, HTTP_HEADER_REQUEST_ID, &len);
    if (id != NULL && id_is_sane(id, len))
        memcpy(q->id_text, id, len);
    else
        id_make(e, q->id_text);
    const char *trace = http_header(m, HTTP_HEADER_TRACEPARENT, &len);
    if (trace != NULL && traceparent_is_sane(trace, len))
        memcpy(q->traceparent, trace, len);
    return q;
}

struct request *
request_new_part(struct request *whole, struct batch *batch, uint32_t part)
{
    struct request *q = request_take(whole->edge);

    q->batch = batch;
    q->part = part;
    q->prefer = whole->prefer;
    memcpy(q->id_text, whole->id_text, sizeof(q->id_text));
    memcpy(q->traceparent, whole->traceparent, sizeof(q->traceparent));
    return q;
}

void
request_free(struct request *q)
{
    struct edge *e = q->edge;

    sluice_assert(!request_is_awaited(q) && q->broker == NULL);
    ticket_stop(&q->ticket);
    e->n_requests--;
    if (e->n_free_requests == FREE_KEPT) {
        free(q);
        return;
    }
    q->next_free = e->free_requests;
    e->free_requests = q;
    e->n_free_requests++;
}
