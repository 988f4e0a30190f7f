/* Builds a logfmt line on the stack and writes it at once. A line is at most PIPE_BUF bytes, so
 * that lines of several processes on one pipe never mix; fields that do not fit are dropped and the
 * line says cut=1. What can't be written (a full or closed stderr) is lost: logging never blocks on
 * a retry and never fails its caller. */
#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"

#define VALUE_MAX ((size_t)1024)
#define LINE_MAX_SIZE ((size_t)PIPE_BUF)
#define LINE_CUT " cut=1\n"
#define ELLIPSIS "\xe2\x80\xa6"

static const struct {
    const char *text;
    enum log_level level;
} events[LOG_EVENT_COUNT] = {
#define LOG_EVENT(NAME, event_text, event_level, meaning)                                          \
    [EVENT_##NAME] = {event_text, LOG_LEVEL_##event_level},
#include "base/log_events.def"
#undef LOG_EVENT
};

static const char *const level_texts[] = {"debug", "info", "warning", "error"};

static const char *log_program = "sluice";
static enum log_level log_least = LOG_LEVEL_INFO;
static atomic_uint_fast64_t log_counts[ARRAY_LEN(level_texts)];

struct line {
    char text[LINE_MAX_SIZE];
    size_t size;
    bool cut;
};

/* All of s or nothing; keeps room for LINE_CUT. */
static void
line_add(struct line *l, const char *s, size_t n)
{
    if (l->cut || n > sizeof(l->text) - (sizeof(LINE_CUT) - 1) - l->size) {
        l->cut = true;
        return;
    }
    memcpy(l->text + l->size, s, n);
    l->size += n;
}

/* Length of the well-formed, printable UTF-8 character at s, or 0. C1 controls, the line and
 * paragraph separators and the bidirectional marks count as unprintable: they can fool a reader. */
static size_t
utf8_printable(const unsigned char *s)
{
    uint32_t c;
    size_t n;

    if (s[0] >= 0xc2 && s[0] <= 0xdf) {
        c = s[0] & 0x1fU;
        n = 2;
    } else if (s[0] >= 0xe0 && s[0] <= 0xef) {
        c = s[0] & 0x0fU;
        n = 3;
    } else if (s[0] >= 0xf0 && s[0] <= 0xf4) {
        c = s[0] & 0x07U;
        n = 4;
    } else {
        return 0;
    }
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (s[i] & 0x3fU);
    }
    if ((n == 3 && c < 0x800) || (n == 4 && c < 0x10000) || c > 0x10ffff)
        return 0;
    if ((c >= 0xd800 && c <= 0xdfff) || c < 0xa0)
        return 0;
    if ((c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
        (c >= 0x2066 && c <= 0x2069) || c == 0xfeff)
        return 0;
    return n;
}

/* The next character of *s as it stands in a log line; returns its size in out. */
static size_t
escape_next(const unsigned char **s, char out[8])
{
    unsigned char c = **s;
    size_t n = 1;

    if (c == '"' || c == '\\') {
        out[0] = '\\';
        out[1] = (char)c;
        n = 2;
    } else if (c == '\n' || c == '\r' || c == '\t') {
        out[0] = '\\';
        out[1] = c == '\n' ? 'n' : c == '\r' ? 'r' : 't';
        n = 2;
    } else if (c >= 0x20 && c < 0x7f) {
        out[0] = (char)c;
    } else if ((n = utf8_printable(*s)) > 0) {
        memcpy(out, *s, n);
        *s += n;
        return n;
    } else {
        n = (size_t)snprintf(out, 8, "\\x%02x", c);
    }
    (*s)++;
    return n;
}

static bool
value_is_bare(const char *s)
{
    if (*s == '\0')
        return false;
    for (; *s != '\0'; s++) {
        if (*s <= ' ' || *s >= 0x7f || *s == '"' || *s == '\\' || *s == '=')
            return false;
    }
    return true;
}

/* Writes at most VALUE_MAX bytes besides quotes and the ellipsis. */
static void
line_add_value(struct line *l, const char *value)
{
    char text[VALUE_MAX + sizeof(ELLIPSIS) + 2];
    size_t size = 0;
    const unsigned char *s = (const unsigned char *)value;
    bool quoted = !value_is_bare(value) || strlen(value) > VALUE_MAX;

    if (quoted)
        text[size++] = '"';
    size_t most = size + VALUE_MAX;
    while (*s != '\0') {
        char out[8];
        size_t n = escape_next(&s, out);
        if (size + n > most) {
            memcpy(text + size, ELLIPSIS, sizeof(ELLIPSIS) - 1);
            size += sizeof(ELLIPSIS) - 1;
            break;
        }
        memcpy(text + size, out, n);
        size += n;
    }
    if (quoted)
        text[size++] = '"';
    line_add(l, text, size);
}

static void
line_add_field(struct line *l, const struct log_field *f)
{
    char number[32];
    size_t before = l->size;

    line_add(l, " ", 1);
    line_add(l, f->key, strlen(f->key));
    line_add(l, "=", 1);
    switch (f->kind) {
    case LOG_STR:
        line_add_value(l, f->s != NULL ? f->s : "");
        break;
    case LOG_INT:
        snprintf(number, sizeof(number), "%" PRId64, f->i);
        line_add(l, number, strlen(number));
        break;
    case LOG_UINT:
        snprintf(number, sizeof(number), "%" PRIu64, f->u);
        line_add(l, number, strlen(number));
        break;
    case LOG_END:
        break;
    }
    if (l->cut)
        l->size = before;
}

void
log_init(const char *program, enum log_level least)
{
    log_program = program;
    log_least = least;
}

void
log_emit(enum log_event event, const struct log_field *fields)
{
    int saved_errno = errno;
    enum log_level level = events[event].level;
    struct line l;
    char ts[CLOCK_TEXT_SIZE];

    if (level < log_least)
        return;
    atomic_fetch_add_explicit(&log_counts[level], 1, memory_order_relaxed);

    clock_format(clock_wall_us(), ts);
    l.cut = false;
    l.size = (size_t)snprintf(l.text, sizeof(l.text), "ts=%s level=%s prog=%.64s event=%s", ts,
                              level_texts[level], log_program, events[event].text);
    for (; fields->kind != LOG_END && !l.cut; fields++)
        line_add_field(&l, fields);

    const char *end = l.cut ? LINE_CUT : "\n";
    memcpy(l.text + l.size, end, strlen(end));
    l.size += strlen(end);
    ssize_t written;
    do
        written = write(STDERR_FILENO, l.text, l.size);
    while (written < 0 && errno == EINTR);
    errno = saved_errno;
}

uint64_t
log_count(enum log_level level)
{
    return atomic_load_explicit(&log_counts[level], memory_order_relaxed);
}

const char *
log_event_text(enum log_event event)
{
    return events[event].text;
}
