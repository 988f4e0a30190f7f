/* llhttp's callbacks and the reader around them. */
#include "client/edge/http.h"

#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "client/edge/http_head.h"

#define OWN_KEPT ((size_t)4 << 10)

enum repeats { ONCE, LAST, LIST };

static const struct {
    const char *name;
    uint32_t len;
    enum repeats repeats;
} headers[HTTP_HEADER_COUNT] = {
#define HTTP_HEADER(NAME, text, rule) [HTTP_HEADER_##NAME] = {text, sizeof(text) - 1, rule},
#include "client/edge/http_headers.def"
#undef HTTP_HEADER
};

static struct http_message *
message_of(llhttp_t *parser)
{
    return parser->data;
}

/* Spans come whole or in adjoining pieces, as a head is always one buffer. */
static void
span_add(const struct http_message *m, struct http_span *s, const char *at, size_t len)
{
    if (s->len == 0)
        s->at = (uint32_t)((const uint8_t *)at - m->head);
    s->len += (uint32_t)len;
}

static int
on_url(llhttp_t *parser, const char *at, size_t len)
{
    struct http_message *m = message_of(parser);

    span_add(m, &m->target, at, len);
    return 0;
}

static int
on_header_field(llhttp_t *parser, const char *at, size_t len)
{
    struct http_message *m = message_of(parser);

    if (m->in_body) { /* a trailer: nobody we serve sends one, and it can only confuse */
        m->wrong = PROBLEM_FRAMING;
        return -1;
    }
    span_add(m, &m->field, at, len);
    return 0;
}

static int
on_header_value(llhttp_t *parser, const char *at, size_t len)
{
    struct http_message *m = message_of(parser);

    if (!m->in_body)
        span_add(m, &m->value, at, len);
    return 0;
}

static struct http_span
span_trim(const struct http_message *m, struct http_span s)
{
    while (s.len > 0 && (m->head[s.at] == ' ' || m->head[s.at] == '\t')) {
        s.at++;
        s.len--;
    }
    while (s.len > 0 && (m->head[s.at + s.len - 1] == ' ' || m->head[s.at + s.len - 1] == '\t'))
        s.len--;
    return s;
}

static int
on_header_value_complete(llhttp_t *parser)
{
    struct http_message *m = message_of(parser);
    const char *name = (const char *)m->head + m->field.at;
    struct http_span value = span_trim(m, m->value);

    if (m->field.len == 0) { /* llhttp lets a header without a name pass */
        m->wrong = PROBLEM_FRAMING;
        return -1;
    }
    for (unsigned h = 0; h < HTTP_HEADER_COUNT; h++) {
        if (headers[h].len != m->field.len || strncasecmp(headers[h].name, name, m->field.len) != 0)
            continue;
        if (m->seen[h] > 0 && headers[h].repeats == ONCE) {
            m->wrong = h == HTTP_HEADER_IDEMPOTENCY_KEY ? PROBLEM_MALFORMED : PROBLEM_FRAMING;
            return -1;
        }
        m->seen[h] = 1;
        m->headers[h] = value;
        if (headers[h].repeats == LIST)
            prefer_parse(&m->prefer, (const char *)m->head + value.at, value.len);
        break;
    }
    m->field = m->value = (struct http_span){0};
    return 0;
}

static int
on_headers_complete(llhttp_t *parser)
{
    struct http_message *m = message_of(parser);

    m->method = parser->method;
    m->minor = parser->http_minor;
    m->keep_alive = llhttp_should_keep_alive(parser) != 0;
    m->chunked = (parser->flags & F_CHUNKED) != 0;
    m->content_length = m->chunked ? 0 : parser->content_length;
    m->wrong = http_head_check(m, parser->http_major);
    if (m->wrong != PROBLEM_NONE)
        return -1;
    m->in_body = true;
    parser->upgrade = 0; /* no other protocol is spoken here: Upgrade is ignored */
    return 0;
}

static int
on_body(llhttp_t *parser, const char *at, size_t len)
{
    struct http_message *m = message_of(parser);

    if (m->discards)
        return 0;
    if (len > m->body_max - m->body_bytes) {
        m->wrong = PROBLEM_TOO_LARGE;
        return -1;
    }
    if (m->body_bytes == 0) {
        m->body = (const uint8_t *)at;
    } else {
        if (m->body != m->body_own.data) {
            int full = buf_append(&m->body_own, m->body, m->body_bytes);
            sluice_assert(full == BUF_OK);
        }
        int full = buf_append(&m->body_own, at, len);
        sluice_assert(full == BUF_OK);
        m->body = m->body_own.data;
    }
    m->body_bytes += len;
    return 0;
}

static int
on_chunk_extension(llhttp_t *parser, const char *at, size_t len)
{
    struct http_message *m = message_of(parser);

    (void)at;
    m->extension_bytes += len + 1;
    if (m->extension_bytes > HTTP_EXTENSIONS_MAX) {
        m->wrong = PROBLEM_FRAMING;
        return -1;
    }
    return 0;
}

static int
on_message_complete(llhttp_t *parser)
{
    message_of(parser)->complete = true;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_url = on_url,
    .on_header_field = on_header_field,
    .on_header_value = on_header_value,
    .on_header_value_complete = on_header_value_complete,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_chunk_extension_name = on_chunk_extension,
    .on_chunk_extension_value = on_chunk_extension,
    .on_message_complete = on_message_complete,
};

void
http_message_init(struct http_message *m)
{
    memset(m, 0, sizeof(*m));
    buf_init(&m->head_own, 2 * HTTP_HEAD_MAX);
    buf_init(&m->body_own, SIZE_MAX / 2);
}

void
http_message_deinit(struct http_message *m)
{
    buf_deinit(&m->head_own);
    buf_deinit(&m->body_own);
}

void
http_message_clear(struct http_message *m)
{
    struct buf head = m->head_own, body = m->body_own;

    buf_trim(&head, OWN_KEPT);
    buf_trim(&body, OWN_KEPT);
    *m = (struct http_message){.head_own = head, .body_own = body};
}

void
http_reader_init(struct http_reader *r)
{
    memset(r, 0, sizeof(*r));
}

void
http_reader_begin(struct http_reader *r, struct http_message *m, size_t body_max)
{
    llhttp_init(&r->parser, HTTP_REQUEST, &settings);
    r->parser.data = m;
    r->message = m;
    r->stage = HTTP_STAGE_HEAD;
    r->skipped_line = false;
    m->body_max = body_max;
    prefer_init(&m->prefer);
}

static enum http_outcome
bad(struct http_message *m, enum problem otherwise)
{
    if (m->wrong == PROBLEM_NONE)
        m->wrong = otherwise;
    return HTTP_FEED_BAD;
}

static enum problem
parser_problem(const llhttp_t *parser)
{
    return parser->error == HPE_INVALID_VERSION ? PROBLEM_VERSION : PROBLEM_FRAMING;
}

/* The head is there whole, at m->head. */
static enum http_outcome
head_run(struct http_reader *r, size_t size)
{
    struct http_message *m = r->message;

    llhttp_errno_t err = llhttp_execute(&r->parser, (const char *)m->head, size);
    if (err != HPE_OK && err != HPE_PAUSED)
        return bad(m, parser_problem(&r->parser));
    if (m->complete)
        return HTTP_FEED_DONE;
    if (!m->in_body)
        return bad(m, PROBLEM_FRAMING);
    r->stage = HTTP_STAGE_BODY;
    return HTTP_FEED_HEAD;
}

/* An end was found. One empty line before a request is passed over (RFC 9112, 2.2). */
static enum http_outcome
head_came(struct http_reader *r, size_t size)
{
    struct http_message *m = r->message;

    if (size > 2)
        return head_run(r, size);
    if (r->skipped_line)
        return bad(m, PROBLEM_FRAMING);
    r->skipped_line = true;
    buf_clear(&m->head_own);
    m->head_scanned = 0;
    return HTTP_FEED_MORE;
}

static enum http_outcome
head_feed(struct http_reader *r, const uint8_t *data, size_t size, size_t *ret_used)
{
    struct http_message *m = r->message;
    size_t before = m->head_own.size, end = 0;
    bool wrong = false;

    *ret_used = size;
    if (before == 0) {
        size_t scanned = 0;
        m->head = data;
        if (http_head_end(data, size < HTTP_HEAD_MAX ? size : HTTP_HEAD_MAX, &scanned, &end,
                          &wrong)) {
            *ret_used = end;
            return head_came(r, end);
        }
        if (!wrong && size >= HTTP_HEAD_MAX)
            return bad(m, PROBLEM_HEAD_TOO_LARGE);
        if (!wrong) {
            m->head_scanned = scanned;
            buf_append(&m->head_own, data, size);
        }
    } else {
        size_t room = HTTP_HEAD_MAX - before, n = size < room ? size : room;
        buf_append(&m->head_own, data, n);
        m->head = m->head_own.data;
        if (http_head_end(m->head, m->head_own.size, &m->head_scanned, &end, &wrong)) {
            m->head_own.size = end;
            *ret_used = end - before;
            return head_came(r, end);
        }
        if (!wrong && m->head_own.size >= HTTP_HEAD_MAX)
            return bad(m, PROBLEM_HEAD_TOO_LARGE);
    }
    return wrong ? bad(m, PROBLEM_FRAMING) : HTTP_FEED_MORE;
}

static enum http_outcome
body_feed(struct http_reader *r, const uint8_t *data, size_t size, size_t *ret_used)
{
    struct http_message *m = r->message;

    *ret_used = size;
    llhttp_errno_t err = llhttp_execute(&r->parser, (const char *)data, size);
    if (err == HPE_OK)
        return HTTP_FEED_MORE;
    if (err != HPE_PAUSED || !m->complete)
        return bad(m, PROBLEM_FRAMING);
    *ret_used = (size_t)((const uint8_t *)llhttp_get_error_pos(&r->parser) - data);
    return HTTP_FEED_DONE;
}

enum http_outcome
http_reader_feed(struct http_reader *r, const uint8_t *data, size_t size, size_t *ret_used)
{
    if (r->stage == HTTP_STAGE_HEAD)
        return head_feed(r, data, size, ret_used);
    return body_feed(r, data, size, ret_used);
}

void
http_reader_settle(struct http_reader *r)
{
    struct http_message *m = r->message;

    if (m == NULL)
        return;
    if (m->in_body && m->head != m->head_own.data) {
        size_t bytes = 0; /* up to the last byte that a span names */
        for (unsigned h = 0; h < HTTP_HEADER_COUNT; h++)
            if (m->seen[h] > 0 && m->headers[h].at + m->headers[h].len > bytes)
                bytes = m->headers[h].at + m->headers[h].len;
        if (m->target.at + m->target.len > bytes)
            bytes = m->target.at + m->target.len;
        buf_append(&m->head_own, m->head, bytes);
        m->head = m->head_own.data;
    }
    if (m->body_bytes > 0 && m->body != m->body_own.data) {
        buf_append(&m->body_own, m->body, m->body_bytes);
        m->body = m->body_own.data;
    }
}

const char *
http_header(const struct http_message *m, enum http_header h, size_t *ret_len)
{
    if (m->seen[h] == 0)
        return NULL;
    *ret_len = m->headers[h].len;
    return (const char *)m->head + m->headers[h].at;
}

const char *
http_target(const struct http_message *m, size_t *ret_len)
{
    *ret_len = m->target.len;
    return (const char *)m->head + m->target.at;
}
