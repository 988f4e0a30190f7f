/* Checks that need only the head come first, so that a large body is refused before it is read. */
#include "client/edge/dispatch.h"

#include <string.h>
#include <strings.h>

/* application/json, with charset=utf-8 at most. */
static bool
media_type_is_json(const char *s, size_t len)
{
    static const char json[] = "application/json", charset[] = "charset=";
    size_t n = sizeof(json) - 1;

    if (len < n || strncasecmp(s, json, n) != 0)
        return false;
    s += n;
    len -= n;
    while (len > 0 && (*s == ' ' || *s == '\t' || *s == ';')) {
        s++;
        len--;
    }
    if (len == 0)
        return true;
    if (len < sizeof(charset) - 1 || strncasecmp(s, charset, sizeof(charset) - 1) != 0)
        return false;
    s += sizeof(charset) - 1;
    len -= sizeof(charset) - 1;
    return (len == 5 && strncasecmp(s, "utf-8", 5) == 0) ||
           (len == 7 && strncasecmp(s, "\"utf-8\"", 7) == 0);
}

static enum problem
body_check(struct edge *e, const struct http_message *m, const struct route *route)
{
    size_t len;

    if (route->body != ROUTE_BODY_JSON)
        return m->chunked || m->content_length > DISPATCH_DISCARD_MAX ? PROBLEM_TOO_LARGE
                                                                      : PROBLEM_NONE;
    const char *type = http_header(m, HTTP_HEADER_CONTENT_TYPE, &len);
    if (type == NULL || !media_type_is_json(type, len))
        return PROBLEM_MEDIA_TYPE;
    const char *encoding = http_header(m, HTTP_HEADER_CONTENT_ENCODING, &len);
    if (encoding != NULL && !(len == 8 && strncasecmp(encoding, "identity", 8) == 0))
        return PROBLEM_MEDIA_TYPE;
    return m->content_length > e->max_body_bytes ? PROBLEM_TOO_LARGE : PROBLEM_NONE;
}

enum problem
dispatch_check(struct edge *e, const struct http_message *m, const struct route_match *match)
{
    size_t len;

    if (match->allow[0] == '\0')
        return PROBLEM_NOT_FOUND;
    if (match->route == NULL)
        return m->method == HTTP_OPTIONS ? PROBLEM_NONE : PROBLEM_METHOD;
    if (match->route->body != ROUTE_BODY_OPEN) {
        const char *value = http_header(m, HTTP_HEADER_AUTHORIZATION, &len);
        if (value == NULL || token_authorize(e->tokens, value, len) == NULL)
            return PROBLEM_UNAUTHENTICATED;
    }
    const char *expect = http_header(m, HTTP_HEADER_EXPECT, &len);
    if (expect != NULL && !(len == 12 && strncasecmp(expect, "100-continue", 12) == 0))
        return PROBLEM_EXPECTATION;
    return body_check(e, m, match->route);
}

void
dispatch_refuse(struct request *q, enum problem p, const struct route_match *match)
{
    answer_begin(q);
    if (p == PROBLEM_METHOD)
        answer_field(q, "Allow", match->allow);
    answer_problem(q, p, NULL);
}

void
dispatch_run(struct request *q, const struct http_message *m, enum route_port port)
{
    struct route_match match;
    size_t len;
    const char *target = http_target(m, &len);

    route_find(port, m->method, target, len, &match);
    enum problem p = dispatch_check(q->edge, m, &match);
    if (p != PROBLEM_NONE) {
        dispatch_refuse(q, p, &match);
        request_free(q);
    } else if (match.route == NULL) {
        answer_begin(q);
        answer_field(q, "Allow", match.allow);
        answer_send(q, 204, NULL);
        request_free(q);
    } else {
        match.route->handle(q, m, &match);
    }
}
