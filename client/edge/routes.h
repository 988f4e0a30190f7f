/* Which handler a request goes to, from routes.def. */
#ifndef SLUICE_EDGE_ROUTES_H
#define SLUICE_EDGE_ROUTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct request;
struct http_message;
struct route_match;
struct token;

enum route_port { ROUTE_PORT_INTAKE, ROUTE_PORT_METRICS };
enum route_body {
    ROUTE_BODY_OPEN,
    ROUTE_BODY_TOKEN,
    ROUTE_BODY_JSON,
    ROUTE_BODY_OPTIONAL,
    ROUTE_BODY_EITHER
};

struct route {
    enum route_port port;
    uint8_t method; /* llhttp_method_t */
    const char *path;
    enum route_body body;
    void (*handle)(struct request *q, const struct http_message *m,
                   const struct route_match *match);
};

struct route_match {
    const struct route *route; /* NULL: the path is not there, or not with this method */
    const char *param;         /* the segment at {}, as sent */
    size_t param_len;
    const char *query; /* behind the ?; NULL: none */
    size_t query_len;
    char allow[48];      /* without a route: the methods of this path, "" if it is not there */
    struct token *token; /* whose it is, on a route that asks for one: set by dispatch_check */
};

void route_find(enum route_port port, uint8_t method, const char *target, size_t len,
                struct route_match *ret_match);

/* Has the route a body that is read? */
bool route_takes_body(const struct route *route);

#define ROUTE_PARAM_MAX 512
/* Undoes percent-encoding; false: not well-formed UTF-8 without control characters, or too long. */
bool route_param_decode(const char *s, size_t len, char ret_text[ROUTE_PARAM_MAX], size_t *ret_len);
/* The value of name in a query as sent; NULL: not there. */
const char *route_query_find(const struct route_match *match, const char *name, size_t *ret_len);

#endif
