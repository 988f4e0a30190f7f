/* HTTP/1.x requests from bytes, without sockets: llhttp in strict mode and the checks that it
 * leaves out (library-choices.md, "own checks beside llhttp").
 *
 * A head is given to llhttp only when it is there whole, so every header is one span of one buffer.
 * Spans point into the caller's bytes as long as a message comes in one piece (the usual case: no
 * copy); http_reader_settle copies what must outlive the caller's buffer. The reader itself is
 * small and lives with its connection; the message is borrowed while a request is being read. */
#ifndef SLUICE_EDGE_HTTP_H
#define SLUICE_EDGE_HTTP_H

#include <llhttp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "client/edge/prefer.h"
#include "client/edge/problem.h"

#define HTTP_HEAD_MAX ((size_t)64 << 10)
#define HTTP_TARGET_MAX ((size_t)8 << 10)
#define HTTP_EXTENSIONS_MAX ((size_t)4 << 10) /* bytes of chunk extensions in one message */

enum http_header {
#define HTTP_HEADER(NAME, name, repeats) HTTP_HEADER_##NAME,
#include "client/edge/http_headers.def"
#undef HTTP_HEADER
    HTTP_HEADER_COUNT
};

struct http_span {
    uint32_t at, len; /* into the head */
};

struct http_message {
    struct http_message *next_free; /* pool's */
    const uint8_t *head;            /* the caller's bytes, or head_own.data */
    struct buf head_own;
    size_t head_scanned; /* of head_own: up to here no end */
    struct http_span target;
    struct http_span headers[HTTP_HEADER_COUNT];
    uint8_t seen[HTTP_HEADER_COUNT];
    struct prefer prefer;
    uint8_t method; /* llhttp_method_t */
    uint8_t minor;  /* HTTP/1.minor */
    bool keep_alive;
    bool chunked;
    uint64_t content_length; /* as declared; 0 with chunked */
    const uint8_t *body;     /* the caller's bytes, or body_own.data */
    size_t body_bytes;
    struct buf body_own;
    size_t body_max;
    size_t extension_bytes;
    bool discards; /* the body is read and thrown away */
    bool complete;
    /* while llhttp runs */
    enum problem wrong;
    struct http_span field, value;
    bool in_body;
};

enum http_stage { HTTP_STAGE_HEAD, HTTP_STAGE_BODY };

struct http_reader {
    llhttp_t parser;
    struct http_message *message; /* NULL between requests */
    enum http_stage stage;
    bool skipped_line; /* an empty line before the request was skipped */
};

enum http_outcome {
    HTTP_FEED_MORE = 0, /* all was taken, more is needed */
    HTTP_FEED_HEAD = 1, /* the head is complete and a body follows: look at it, then go on */
    HTTP_FEED_DONE = 2, /* the request is complete */
    HTTP_FEED_BAD = 3,  /* m->wrong says why; nothing behind it can be believed: answer and close */
};

void http_message_init(struct http_message *m);
void http_message_deinit(struct http_message *m);
/* Empty for the next request; gives memory above a small size back. */
void http_message_clear(struct http_message *m);

void http_reader_init(struct http_reader *r);
/* Begins a request into a cleared message. body_max: past it HTTP_FEED_BAD (TOO_LARGE) for chunked
 * bodies; a declared length is the caller's to refuse at HTTP_FEED_HEAD. */
void http_reader_begin(struct http_reader *r, struct http_message *m, size_t body_max);
enum http_outcome http_reader_feed(struct http_reader *r, const uint8_t *data, size_t size,
                                   size_t *ret_used);
/* The caller's buffer goes away: keep what points into it. */
void http_reader_settle(struct http_reader *r);

/* A header's value without the space around it; NULL if it was not sent. */
const char *http_header(const struct http_message *m, enum http_header h, size_t *ret_len);
const char *http_target(const struct http_message *m, size_t *ret_len);

/* Looks for the end of a head in size bytes, from *scanned on (a line's start; moved on). Returns
 * true and *ret_end behind the empty line; wrong: a bare CR or LF, NUL, or a folded line. */
bool http_head_end(const uint8_t *data, size_t size, size_t *scanned, size_t *ret_end,
                   bool *ret_wrong);

#endif
