/* One pass, no tree: an explicit stack of what is open (mp_check bounds the depth). */
#include "store/json_text.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

struct open {
    uint32_t left; /* values (map: keys and values) still to come */
    bool map, first;
};

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Whether one of eight bytes is below 0x20, a quote or a backslash. The usual subtraction trick: a
 * byte of x - EACH(n) borrows into its top bit if it is below n; ~x rules out bytes above 0x7f. */
static bool
word_needs_escape(uint64_t x)
{
    uint64_t quote = x ^ EACH(0x22), backslash = x ^ EACH(0x5c);

    return (((x - EACH(0x20)) & ~x) | ((quote - EACH(1)) & ~quote) |
            ((backslash - EACH(1)) & ~backslash)) &
           EACH(0x80);
}

static bool
text_needs_escape(const char *text, size_t len)
{
    size_t i = 0;

    for (; i + 8 <= len; i += 8) {
        uint64_t word;
        memcpy(&word, text + i, sizeof(word));
        if (word_needs_escape(word))
            return true;
    }
    for (; i < len; i++) {
        uint8_t c = (uint8_t)text[i];
        if (c < 0x20 || c == '"' || c == '\\')
            return true;
    }
    return false;
}

int
json_text_string(struct buf *b, const char *text, size_t len)
{
    static const char hex[] = "0123456789abcdef";
    bool plain = !text_needs_escape(text, len);
    uint8_t *p;
    size_t n = 0;

    /* Six bytes for one is the worst case. */
    size_t worst = 2 + len;
    for (size_t i = 0; i < len && !plain; i++) {
        uint8_t c = (uint8_t)text[i];
        worst += c < 0x20 ? 5 : c == '"' || c == '\\';
    }
    if (buf_reserve(b, worst, &p) != BUF_OK)
        return BUF_FULL;
    p[n++] = '"';
    if (plain) {
        if (len > 0)
            memcpy(p + n, text, len);
        n += len;
    } else {
        for (size_t i = 0; i < len; i++) {
            uint8_t c = (uint8_t)text[i];
            if (c == '"' || c == '\\') {
                p[n++] = '\\';
                p[n++] = c;
            } else if (c < 0x20) {
                memcpy(p + n, "\\u00", 4);
                p[n + 4] = (uint8_t)hex[c >> 4];
                p[n + 5] = (uint8_t)hex[c & 15];
                n += 6;
            } else {
                p[n++] = c;
            }
        }
    }
    p[n++] = '"';
    buf_commit(b, n);
    return BUF_OK;
}

static int
integer_write(struct buf *b, uint64_t magnitude, bool negative)
{
    char text[21];
    size_t at = sizeof(text);

    do
        text[--at] = (char)('0' + magnitude % 10);
    while ((magnitude /= 10) > 0);
    if (negative)
        text[--at] = '-';
    return buf_append(b, text + at, sizeof(text) - at);
}

static int
scalar_write(struct buf *b, const struct mp_value *v)
{
    switch (v->type) {
    case MP_BOOL:
        return buf_append_str(b, v->boolean ? "true" : "false");
    case MP_UINT:
        return integer_write(b, v->u, false);
    case MP_INT:
        return integer_write(b, -(uint64_t)v->i, true); /* MP_INT is negative */
    case MP_FLOAT:
        return isfinite(v->f) ? buf_printf(b, "%.17g", v->f) : buf_append_str(b, "null");
    case MP_STR:
        return json_text_string(b, (const char *)v->at, v->len);
    case MP_EXT:
        return v->ext_type == MP_DECIMAL ? buf_append(b, v->at, v->len) : buf_append_str(b, "null");
    case MP_NIL:
    case MP_BIN:
    case MP_ARRAY:
    case MP_MAP:
        break;
    }
    return buf_append_str(b, "null");
}

/* What stands before the next value: a comma, a colon, nothing. */
static int
separator_write(struct buf *b, struct open *o)
{
    bool value = o->map && o->left % 2 == 1;
    int full = o->first ? BUF_OK : buf_append(b, value ? ":" : ",", 1);

    o->first = false;
    o->left--;
    return full;
}

int
json_text_write(struct buf *b, struct mp_cursor *at)
{
    struct open stack[MP_DEPTH_MAX + 1];
    int depth = 0, full = BUF_OK;
    struct mp_value v;

    do {
        if (depth > 0 && stack[depth - 1].left == 0) {
            full = buf_append(b, stack[--depth].map ? "}" : "]", 1);
            continue;
        }
        if (depth > 0)
            full = separator_write(b, &stack[depth - 1]);
        int bad = mp_next(at, &v);
        sluice_assert(bad == MP_OK);
        if (full == BUF_OK && (v.type == MP_ARRAY || v.type == MP_MAP)) {
            bool map = v.type == MP_MAP;
            sluice_assert(depth <= MP_DEPTH_MAX);
            stack[depth++] = (struct open){map ? v.len * 2 : v.len, map, true};
            full = buf_append(b, map ? "{" : "[", 1);
        } else if (full == BUF_OK) {
            full = scalar_write(b, &v);
        }
    } while (full == BUF_OK && depth > 0);
    return full;
}
