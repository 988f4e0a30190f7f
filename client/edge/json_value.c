/* Recursion is as deep as mp_check allows: MP_DEPTH_MAX. */
#include "client/edge/json_value.h"

#include <math.h>
#include <stdio.h>

#include "client/edge/json_text.h"

static size_t
digits_count(const uint8_t *s, size_t len)
{
    size_t n = 0;

    while (n < len && s[n] >= '0' && s[n] <= '9')
        n++;
    return n;
}

/* RFC 8259's grammar: what a worker sends as a literal must not break the text around it. */
static bool
literal_is_sane(const uint8_t *s, size_t len)
{
    size_t at = len > 0 && *s == '-', n = digits_count(s + at, len - at);

    if (n == 0 || (n > 1 && s[at] == '0'))
        return false;
    at += n;
    if (at < len && s[at] == '.') {
        n = digits_count(s + at + 1, len - at - 1);
        if (n == 0)
            return false;
        at += 1 + n;
    }
    if (at < len && (s[at] | 0x20) == 'e') {
        at++;
        at += at < len && (s[at] == '+' || s[at] == '-');
        n = digits_count(s + at, len - at);
        if (n == 0)
            return false;
        at += n;
    }
    return at == len;
}

static void
decimal_put(struct buf *b, const struct mp_value *v)
{
    if (v->ext_type == MP_DECIMAL && literal_is_sane(v->at, v->len))
        json_put_n(b, (const char *)v->at, v->len);
    else
        json_put(b, "null");
}

static void
float_put(struct buf *b, double v)
{
    char text[40];

    if (!isfinite(v)) {
        json_put(b, "null");
        return;
    }
    snprintf(text, sizeof(text), "%.17g", v);
    json_put(b, text);
}

static void
map_put(struct buf *b, struct mp_cursor *c, uint32_t pairs)
{
    struct mp_value key;

    json_put(b, "{");
    for (uint32_t i = 0; i < pairs; i++) {
        struct mp_cursor inside = *c;
        bool named = mp_next(&inside, &key) == MP_OK && key.type == MP_STR;
        if (mp_skip(c) != MP_OK)
            break;
        if (i > 0)
            json_put(b, ",");
        json_put_string(b, named ? (const char *)key.at : "", named ? key.len : 0);
        json_put(b, ":");
        json_put_value(b, c);
    }
    json_put(b, "}");
}

void
json_put_value(struct buf *b, struct mp_cursor *c)
{
    struct mp_value v;

    if (mp_next(c, &v) != MP_OK) {
        json_put(b, "null");
        return;
    }
    switch (v.type) {
    case MP_BOOL:
        json_put(b, v.boolean ? "true" : "false");
        break;
    case MP_INT:
        json_put(b, "-");
        json_put_uint(b, -(uint64_t)v.i);
        break;
    case MP_UINT:
        json_put_uint(b, v.u);
        break;
    case MP_FLOAT:
        float_put(b, v.f);
        break;
    case MP_STR:
        json_put_string(b, (const char *)v.at, v.len);
        break;
    case MP_EXT:
        decimal_put(b, &v);
        break;
    case MP_ARRAY:
        json_put(b, "[");
        for (uint32_t i = 0; i < v.len; i++) {
            if (i > 0)
                json_put(b, ",");
            json_put_value(b, c);
        }
        json_put(b, "]");
        break;
    case MP_MAP:
        map_put(b, c, v.len);
        break;
    case MP_NIL:
    case MP_BIN:
        json_put(b, "null");
        break;
    }
}
