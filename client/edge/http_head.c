/* Where a head ends, and the rules of framing that hold for its headers. */
#include "client/edge/http_head.h"

#include <string.h>
#include <strings.h>

bool
http_head_end(const uint8_t *data, size_t size, size_t *scanned, size_t *ret_end, bool *ret_wrong)
{
    size_t at = *scanned;

    while (at < size) {
        const uint8_t *line = data + at;
        if (at > 0 && (*line == ' ' || *line == '\t')) {
            *ret_wrong = true;
            return false;
        }
        const uint8_t *newline = memchr(line, '\n', size - at);
        size_t len = newline != NULL ? (size_t)(newline - line) : size - at;
        const uint8_t *cr = memchr(line, '\r', len);
        if (memchr(line, '\0', len) != NULL || (cr != NULL && cr != line + len - 1) ||
            (newline != NULL && cr == NULL)) {
            *ret_wrong = true;
            return false;
        }
        if (newline == NULL)
            break;
        at += len + 1;
        if (len == 1) {
            *ret_end = at;
            return true;
        }
    }
    *scanned = at < size ? at : size;
    return false;
}

static bool
host_is_sane(const char *s, size_t len)
{
    if (len == 0)
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = s[i];
        bool word = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
        bool usual = c == '.' || c == ':' || c == '-'; /* spares most the search */
        if (!word && !usual && (c == '\0' || strchr("_~!$&'()*+;=%[]", c) == NULL))
            return false;
    }
    return true;
}

static bool
is_digits(const char *s, size_t len)
{
    if (len == 0 || len > 19)
        return false;
    for (size_t i = 0; i < len; i++)
        if (s[i] < '0' || s[i] > '9')
            return false;
    return true;
}

static enum problem
length_check(const struct http_message *m)
{
    size_t len;
    const char *value = http_header(m, HTTP_HEADER_CONTENT_LENGTH, &len);

    if (value != NULL && !is_digits(value, len))
        return PROBLEM_FRAMING;
    const char *coding = http_header(m, HTTP_HEADER_TRANSFER_ENCODING, &len);
    if (coding == NULL)
        return PROBLEM_NONE;
    if (value != NULL || m->minor == 0 || len != 7 || strncasecmp(coding, "chunked", 7) != 0)
        return PROBLEM_FRAMING;
    return PROBLEM_NONE;
}

/* Exactly one space on either side of the target; llhttp takes several. */
static bool
request_line_is_sane(const struct http_message *m)
{
    const uint8_t *behind = m->head + m->target.at + m->target.len;
    const uint8_t *space = memchr(m->head, ' ', m->target.at);

    return space != NULL && space + 1 == m->head + m->target.at &&
           memcmp(behind, " HTTP/", 6) ==
               0; /* the head ends with an empty line: 6 more are there */
}

enum problem
http_head_check(const struct http_message *m, unsigned major)
{
    size_t len;

    if (major != 1 || m->minor > 1)
        return PROBLEM_VERSION;
    const char *target = http_target(m, &len);
    if (len > HTTP_TARGET_MAX)
        return PROBLEM_TARGET;
    bool asterisk = len == 1 && *target == '*' && m->method == HTTP_OPTIONS;
    if (len == 0 || (*target != '/' && !asterisk))
        return PROBLEM_FRAMING;
    if (!request_line_is_sane(m))
        return PROBLEM_FRAMING;
    for (size_t i = 0; i < len; i++)
        if (target[i] <= ' ' || target[i] >= 0x7f || target[i] == '#')
            return PROBLEM_FRAMING;
    const char *host = http_header(m, HTTP_HEADER_HOST, &len);
    if (host == NULL ? m->minor == 1 : !host_is_sane(host, len))
        return PROBLEM_FRAMING;
    return length_check(m);
}
