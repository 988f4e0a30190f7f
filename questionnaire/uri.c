/* By hand, in one pass over the bytes: RFC 3986's grammar is small and a regular expression for it
 * is not. Registered names are taken as they are; only an IP literal's brackets are looked at. */
#include "questionnaire/uri.h"

#include <string.h>

static bool
is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool
is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* unreserved, sub-delims, and those of extra. */
static bool
is_plain(char c, const char *extra)
{
    return is_letter(c) || is_digit(c) ||
           (c != '\0' && (strchr("-._~!$&'()*+,;=", c) != NULL || strchr(extra, c) != NULL));
}

static bool
part_check(const char *at, const char *end, const char *extra)
{
    while (at < end) {
        if (*at == '%') {
            if (end - at < 3 || !is_hex(at[1]) || !is_hex(at[2]))
                return false;
            at += 3;
        } else if (is_plain(*at, extra)) {
            at++;
        } else {
            return false;
        }
    }
    return true;
}

/* Behind "//": userinfo, host, port. */
static bool
authority_check(const char *at, const char *end)
{
    const char *user = memchr(at, '@', (size_t)(end - at));

    if (user != NULL) {
        if (!part_check(at, user, ":"))
            return false;
        at = user + 1;
    }
    const char *port = end;
    while (port > at && is_digit(port[-1]))
        port--;
    const char *host_end = port > at && port[-1] == ':' ? port - 1 : end;
    if (at < host_end && *at == '[')
        return host_end - at > 3 && host_end[-1] == ']' && part_check(at + 1, host_end - 1, ":");
    return part_check(at, host_end, "");
}

/* The end of the scheme, or NULL where there is none. */
static const char *
scheme_end(const char *at, const char *end)
{
    if (at == end || !is_letter(*at))
        return NULL;
    while (at < end && (is_letter(*at) || is_digit(*at) || *at == '+' || *at == '-' || *at == '.'))
        at++;
    return at < end && *at == ':' ? at : NULL;
}

static bool
uuid_check(const char *text, size_t len)
{
    if (len != 36)
        return false;
    for (size_t i = 0; i < len; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text[i] != '-' : !is_hex(text[i]))
            return false;
    }
    return true;
}

static bool
oid_check(const char *text, size_t len)
{
    size_t i = 1;

    if (len < 3 || text[0] < '0' || text[0] > '2')
        return false;
    while (i < len) {
        if (text[i++] != '.' || i == len || !is_digit(text[i]))
            return false;
        if (text[i] == '0' && i + 1 < len && is_digit(text[i + 1]))
            return false;
        while (i < len && is_digit(text[i]))
            i++;
    }
    return true;
}

static bool
starts(const char *text, size_t len, const char *with)
{
    size_t n = strlen(with);

    return len >= n && strncasecmp(text, with, n) == 0;
}

bool
uri_is_uuid(const char *text, size_t len)
{
    return starts(text, len, "urn:uuid:") && uuid_check(text + 9, len - 9);
}

bool
uri_check(const char *text, size_t len)
{
    const char *at = text, *end = text + len;

    if (len == 0)
        return false;
    if (starts(text, len, "urn:uuid:"))
        return uuid_check(text + 9, len - 9);
    if (starts(text, len, "urn:oid:"))
        return oid_check(text + 8, len - 8);
    const char *scheme = scheme_end(at, end);
    bool relative = scheme == NULL;
    if (!relative)
        at = scheme + 1;
    const char *fragment = memchr(at, '#', (size_t)(end - at));
    if (fragment != NULL && !part_check(fragment + 1, end, ":@/?"))
        return false;
    end = fragment != NULL ? fragment : end;
    const char *query = memchr(at, '?', (size_t)(end - at));
    if (query != NULL && !part_check(query + 1, end, ":@/?"))
        return false;
    end = query != NULL ? query : end;
    if (end - at >= 2 && at[0] == '/' && at[1] == '/') {
        const char *path = memchr(at + 2, '/', (size_t)(end - at - 2));
        path = path != NULL ? path : end;
        return authority_check(at + 2, path) && part_check(path, end, ":@/");
    }
    /* A colon in the first segment of a relative reference would read as a scheme. */
    const char *slash = memchr(at, '/', (size_t)(end - at));
    const char *first_end = slash != NULL ? slash : end;
    if (relative && memchr(at, ':', (size_t)(first_end - at)) != NULL)
        return false;
    return part_check(at, end, ":@/");
}

bool
uri_has_scheme(const char *text, size_t len)
{
    return scheme_end(text, text + len) != NULL;
}
