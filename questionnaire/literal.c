#include "questionnaire/literal.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"

#define MARK_TEXT "\"\\u0001"
#define MARK_LEN (sizeof(MARK_TEXT) - 1)

static size_t
digits(const char *text, size_t len, size_t i)
{
    while (i < len && text[i] >= '0' && text[i] <= '9')
        i++;
    return i;
}

/* Whether text is a JSON number with a fraction or an exponent. */
static bool
is_decimal(const char *text, size_t len)
{
    size_t start = len > 0 && text[0] == '-' ? 1 : 0, i = digits(text, len, start), from;

    if (i == start || (text[start] == '0' && i > start + 1) || i == len)
        return false;
    if (text[i] == '.') {
        from = i + 1;
        i = digits(text, len, from);
        if (i == from)
            return false;
    }
    if (i < len && (text[i] == 'e' || text[i] == 'E')) {
        from = i + 1;
        from += from < len && (text[from] == '+' || text[from] == '-');
        i = digits(text, len, from);
        if (i == from)
            return false;
    }
    return i == len;
}

/* The end of the string whose opening quote stands at i; len if it has none. *ret_mark: it says
 * U+0001. */
static size_t
string_end(const char *text, size_t len, size_t i, bool *ret_mark)
{
    for (i++; i < len && text[i] != '"'; i++) {
        if (text[i] != '\\')
            continue;
        if (len - i > 5 && memcmp(text + i, "\\u0001", 6) == 0)
            *ret_mark = true;
        i++;
    }
    return i < len ? i + 1 : len;
}

static size_t
number_end(const char *text, size_t len, size_t i)
{
    while (i < len && text[i] != '\0' && strchr("+-.0123456789eE", text[i]) != NULL)
        i++;
    return i;
}

/* Every decimal outside of strings as a marked string. False: the text says U+0001. */
static bool
decimals_mark(const char *text, size_t len, struct buf *out)
{
    size_t i = 0, done = 0;
    bool mark = false;

    while (i < len && !mark) {
        if (text[i] == '"') {
            i = string_end(text, len, i, &mark);
        } else if (text[i] == '-' || (text[i] >= '0' && text[i] <= '9')) {
            size_t end = number_end(text, len, i);
            if (is_decimal(text + i, end - i)) {
                buf_append(out, text + done, i - done);
                buf_append(out, MARK_TEXT, MARK_LEN);
                buf_append(out, text + i, end - i);
                buf_append(out, "\"", 1);
                done = end;
            }
            i = end;
        } else {
            i++;
        }
    }
    buf_append(out, text + done, len - done);
    return !mark;
}

json_t *
literal_load(const char *text, size_t len, json_error_t *ret_error)
{
    json_t *root = NULL;
    struct buf marked;

    /* A decimal has three characters at least and grows by eight. */
    buf_init(&marked, 4 * len + 16);
    if (decimals_mark(text, len, &marked)) {
        root =
            json_loadb((const char *)marked.data, marked.size, JSON_REJECT_DUPLICATES, ret_error);
    } else {
        memset(ret_error, 0, sizeof(*ret_error));
        snprintf(ret_error->text, sizeof(ret_error->text), "a text holds the character U+0001");
    }
    buf_deinit(&marked);
    return root;
}

char *
literal_dump(const json_t *root)
{
    char *text = json_dumps(root, JSON_COMPACT | JSON_SORT_KEYS), *to = text;

    sluice_assert(text != NULL);
    const char *end = text + strlen(text);
    for (const char *from = text; *from != '\0';) {
        if (strncmp(from, MARK_TEXT, MARK_LEN) == 0) {
            from += MARK_LEN;
            while (*from != '"')
                *to++ = *from++;
            from++;
        } else if (*from == '"') {
            /* A string as a whole: what stands inside is not looked at. */
            bool mark;
            size_t n = string_end(from, (size_t)(end - from), 0, &mark);
            memmove(to, from, n);
            to += n;
            from += n;
        } else {
            *to++ = *from++;
        }
    }
    *to = '\0';
    return text;
}

const char *
literal_text(const json_t *v)
{
    const char *text = json_string_value(v);

    return text != NULL && text[0] != LITERAL_MARK ? text : NULL;
}

bool
literal_number(const json_t *v, struct decimal *ret)
{
    const char *text = json_string_value(v);

    if (json_is_integer(v)) {
        *ret = decimal_from_int(json_integer_value(v));
        return true;
    }
    return text != NULL && text[0] == LITERAL_MARK &&
           decimal_parse(text + 1, strlen(text + 1), ret);
}
