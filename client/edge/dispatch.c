/* Checks that need only the head come first, so that a large body is refused before it is read. */
#include "client/edge/dispatch.h"

#include <string.h>
#include <strings.h>

#include "client/edge/media.h"

static enum problem
body_check(struct edge *e, const struct http_message *m, const struct route *route)
{
    size_t len;

    if (!route_takes_body(route))
        return m->chunked || m->content_length > DISPATCH_DISCARD_MAX ? PROBLEM_TOO_LARGE
                                                                      : PROBLEM_NONE;
    if (route->body == ROUTE_BODY_OPTIONAL && !m->chunked && m->content_length == 0)
        return PROBLEM_NONE;
    const char *type = http_header(m, HTTP_HEADER_CONTENT_TYPE, &len);
    enum media media = type != NULL ? media_type_of(type, len) : MEDIA_TYPE_OTHER;
    if (media != MEDIA_TYPE_JSON && !(media == MEDIA_TYPE_FHIR && route->body == ROUTE_BODY_EITHER))
        return PROBLEM_MEDIA_TYPE;
    const char *encoding = http_header(m, HTTP_HEADER_CONTENT_ENCODING, &len);
    if (encoding != NULL && !(len == 8 && strncasecmp(encoding, "identity", 8) == 0))
        return PROBLEM_MEDIA_TYPE;
    return m->content_length > e->max_body_bytes ? PROBLEM_TOO_LARGE : PROBLEM_NONE;
}

static enum problem
head_check(struct edge *e, const struct http_message *m, struct route_match *match)
{
    size_t len;

    if (match->route == NULL && match->allow[0] == '\0')
        return PROBLEM_NOT_FOUND;
    if (match->route == NULL)
        return m->method == HTTP_OPTIONS ? PROBLEM_NONE : PROBLEM_METHOD;
    if (match->route->body != ROUTE_BODY_OPEN) {
        const char *value = http_header(m, HTTP_HEADER_AUTHORIZATION, &len);
        if (value != NULL)
            match->token = token_authorize(e->tokens, value, len);
        if (match->token == NULL)
            return PROBLEM_UNAUTHENTICATED;
    }
    const char *expect = http_header(m, HTTP_HEADER_EXPECT, &len);
    if (expect != NULL && !(len == 12 && strncasecmp(expect, "100-continue", 12) == 0))
        return PROBLEM_EXPECTATION;
    return body_check(e, m, match->route);
}

enum problem
dispatch_look(struct edge *e, const struct http_message *m, enum route_port port,
              struct route_match *ret_match)
{
    size_t len;
    const char *target = http_target(m, &len);

    route_find(port, m->method, target, len, ret_match);
    return head_check(e, m, ret_match);
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
dispatch_run(struct request *q, const struct http_message *m, enum problem p,
             const struct route_match *match)
{
    if (p != PROBLEM_NONE) {
        dispatch_refuse(q, p, match);
        request_free(q);
    } else if (match->route == NULL) {
        answer_begin(q);
        answer_field(q, "Allow", match->allow);
        answer_send(q, 204, NULL);
        request_free(q);
    } else {
        match->route->handle(q, m, match);
    }
}
