/* Counts brackets outside of strings; whatever lies between is the transcoder's to judge. */
#include "client/edge/batch_split.h"

#include <string.h>

struct scan {
    const uint8_t *text, *at, *end;
};

static void
space_skip(struct scan *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\n' || *s->at == '\t' || *s->at == '\r'))
        s->at++;
}

/* Exactly these bytes come next, after space. */
static bool
word_take(struct scan *s, const char *word)
{
    size_t len = strlen(word);

    space_skip(s);
    if ((size_t)(s->end - s->at) < len || memcmp(s->at, word, len) != 0)
        return false;
    s->at += len;
    return true;
}

/* at: behind the opening quote; returns behind the closing one, or the end. */
static const uint8_t *
string_end(const uint8_t *at, const uint8_t *end)
{
    while (at < end && *at != '"')
        at += *at == '\\' && end - at > 1 ? 2 : 1;
    return at < end ? at + 1 : end;
}

/* One element, up to the comma or bracket that ends it. False: there is none, or no end. */
static bool
element_take(struct scan *s, struct batch_span *ret_span)
{
    size_t depth = 0;

    space_skip(s);
    const uint8_t *start = s->at;
    while (s->at < s->end) {
        uint8_t c = *s->at;
        if (c == '"') {
            s->at = string_end(s->at + 1, s->end);
            continue;
        }
        if (depth == 0 && (c == ',' || c == ']'))
            break;
        if (c == '{' || c == '[')
            depth++;
        else if ((c == '}' || c == ']') && depth-- == 0)
            return false;
        s->at++;
    }
    *ret_span = (struct batch_span){start, (size_t)(s->at - start)};
    return s->at < s->end && s->at > start;
}

static bool
syntax_refuse(const struct scan *s, struct problem_error *e)
{
    problem_error_set(e, "", "json-syntax",
                      "must be an object whose only member, submissions, is an array");
    e->at = s->at - s->text;
    return false;
}

bool
batch_split(const uint8_t *text, size_t size, struct batch_span ret_spans[], size_t *ret_n,
            struct problem_error *ret_error)
{
    struct scan s = {text, text, text + size};
    size_t n = 0;

    if (!word_take(&s, "{") || !word_take(&s, "\"submissions\"") || !word_take(&s, ":") ||
        !word_take(&s, "["))
        return syntax_refuse(&s, ret_error);
    if (!word_take(&s, "]")) {
        do {
            if (n == BATCH_SUBMISSIONS_MAX)
                return problem_error_set(ret_error, "/submissions", "too-many",
                                         "has more than 50 submissions");
            if (!element_take(&s, &ret_spans[n]))
                return syntax_refuse(&s, ret_error);
            n++;
        } while (word_take(&s, ","));
        if (!word_take(&s, "]"))
            return syntax_refuse(&s, ret_error);
    }
    if (!word_take(&s, "}"))
        return syntax_refuse(&s, ret_error);
    space_skip(&s);
    if (s.at != s.end)
        return syntax_refuse(&s, ret_error);
    *ret_n = n;
    return true;
}
