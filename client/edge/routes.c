/* Matches targets against routes.def. */
#include "client/edge/routes.h"

#include <llhttp.h>
#include <string.h>

#include "base/error.h"
#include "client/edge/alert_action.h"
#include "client/edge/ask.h"
#include "client/edge/batch.h"
#include "client/edge/fhir_metadata.h"
#include "client/edge/health.h"
#include "client/edge/lookup.h"
#include "client/edge/stream.h"
#include "client/edge/submit.h"

static const struct route routes[] = {
#define ROUTE(NAME, where, verb, text, what, handler)                                              \
    {ROUTE_PORT_##where, HTTP_##verb, text, ROUTE_BODY_##what, handler},
#include "client/edge/routes.def"
#undef ROUTE
};

/* What of routes[] needs a search, made once: the lengths around the hole. */
static struct pattern {
    uint8_t before, after;
    bool hole;
} patterns[ARRAY_LEN(routes)];

static void
patterns_prepare(void)
{
    for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
        const char *path = routes[i].path, *hole = strstr(path, "{}");
        size_t len = strlen(path);
        sluice_assert(len < UINT8_MAX);
        patterns[i] = (struct pattern){.before = (uint8_t)len};
        if (hole != NULL)
            patterns[i] = (struct pattern){(uint8_t)(hole - path), (uint8_t)strlen(hole + 2), true};
    }
}

/* Does path fit routes[i]? The segment at {} is not empty. */
static bool
path_fits(size_t i, const char *path, size_t len, struct route_match *match)
{
    const struct pattern *p = &patterns[i];
    const char *wanted = routes[i].path, *segment = path + p->before;

    if (!p->hole)
        return len == p->before && memcmp(wanted, path, len) == 0;
    if (len <= (size_t)p->before + p->after || memcmp(wanted, path, p->before) != 0)
        return false;
    size_t segment_len = len - p->before - p->after;
    if (memcmp(wanted + p->before + 2, segment + segment_len, p->after) != 0 ||
        memchr(segment, '/', segment_len) != NULL)
        return false;
    match->param = segment;
    match->param_len = segment_len;
    return true;
}

static bool
method_fits(const struct route *r, uint8_t method)
{
    return r->method == method || (r->method == HTTP_GET && method == HTTP_HEAD);
}

static void
allow_add(char allow[48], const char *methods)
{
    size_t n = strlen(allow), len = strlen(methods);

    if (n > 0 && n + 2 < 48) {
        memcpy(allow + n, ", ", 2);
        n += 2;
    }
    sluice_assert(n + len < 48);
    memcpy(allow + n, methods, len + 1);
}

static const char *
method_text(uint8_t method)
{
    switch (method) {
    case HTTP_GET:
        return "GET, HEAD";
    case HTTP_PUT:
        return "PUT";
    default:
        return "POST";
    }
}

/* The methods that the path has; exact: as a path without a hole. */
static void
allow_find(enum route_port port, const char *path, size_t len, bool exact,
           struct route_match *match)
{
    if (len == 1 && *path == '*')
        allow_add(match->allow, "GET, HEAD, PUT, POST");
    for (size_t i = 0; i < ARRAY_LEN(routes); i++)
        if (routes[i].port == port && patterns[i].hole != exact && path_fits(i, path, len, match))
            allow_add(match->allow, method_text(routes[i].method));
    if (match->allow[0] != '\0')
        allow_add(match->allow, "OPTIONS");
}

void
route_find(enum route_port port, uint8_t method, const char *target, size_t len,
           struct route_match *ret_match)
{
    struct route_match match = {.allow = ""};
    const char *mark = memchr(target, '?', len);
    size_t path_len = mark != NULL ? (size_t)(mark - target) : len;
    bool exact = false; /* a path without {} fits, if not with this method */

    if (patterns[0].before == 0)
        patterns_prepare();
    if (mark != NULL) {
        match.query = mark + 1;
        match.query_len = len - path_len - 1;
    }
    for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
        const struct route *r = &routes[i];
        bool fits = method_fits(r, method);
        if (patterns[i].hole ? match.route != NULL || exact || !fits
                             : path_len != patterns[i].before)
            continue;
        if (r->port != port || !path_fits(i, target, path_len, &match))
            continue;
        if (!patterns[i].hole && !exact) {
            exact = true;
            match.route = NULL;
        }
        if (fits)
            match.route = r;
    }
    if (match.route == NULL)
        allow_find(port, target, path_len, exact, &match);
    *ret_match = match;
}

bool
route_takes_body(const struct route *route)
{
    return route->body != ROUTE_BODY_OPEN && route->body != ROUTE_BODY_TOKEN;
}

static int
hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
text_is_sane(const unsigned char *s, size_t len)
{
    for (size_t i = 0; i < len;) {
        size_t n = s[i] < 0x80 ? 1 : s[i] < 0xc2 ? 0 : s[i] < 0xe0 ? 2 : s[i] < 0xf0 ? 3 : 4;
        if (n == 0 || n > len - i || s[i] > 0xf4 || s[i] < 0x20 || s[i] == 0x7f)
            return false;
        for (size_t k = 1; k < n; k++)
            if ((s[i + k] & 0xc0) != 0x80)
                return false;
        if ((s[i] == 0xe0 && s[i + 1] < 0xa0) || (s[i] == 0xed && s[i + 1] > 0x9f) ||
            (s[i] == 0xf0 && s[i + 1] < 0x90) || (s[i] == 0xf4 && s[i + 1] > 0x8f) ||
            (s[i] == 0xc2 && s[i + 1] < 0xa0))
            return false;
        i += n;
    }
    return true;
}

bool
route_param_decode(const char *s, size_t len, char ret_text[ROUTE_PARAM_MAX], size_t *ret_len)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        char c = s[i];
        if (c == '%') {
            if (len - i < 3 || hex(s[i + 1]) < 0 || hex(s[i + 2]) < 0)
                return false;
            c = (char)(hex(s[i + 1]) << 4 | hex(s[i + 2]));
            i += 2;
        }
        if (n == ROUTE_PARAM_MAX)
            return false;
        ret_text[n++] = c;
    }
    *ret_len = n;
    return text_is_sane((const unsigned char *)ret_text, n);
}

const char *
route_query_find(const struct route_match *match, const char *name, size_t *ret_len)
{
    const char *at = match->query, *end = at != NULL ? at + match->query_len : NULL;
    size_t name_len = strlen(name);

    while (at != NULL && at < end) {
        const char *next = memchr(at, '&', (size_t)(end - at));
        const char *stop = next != NULL ? next : end;
        if ((size_t)(stop - at) > name_len && at[name_len] == '=' &&
            memcmp(at, name, name_len) == 0) {
            *ret_len = (size_t)(stop - at) - name_len - 1;
            return at + name_len + 1;
        }
        at = next != NULL ? next + 1 : NULL;
    }
    return NULL;
}
