/* One pass, no tree: an explicit stack of what is open (mp_check bounds the depth). Members are
 * written as they come; a map whose members came in another order than jsonb's is put in order
 * when it ends, within what was written. */
#include "store/json_text.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes16.h"
#include "base/error.h"
#include "store/json_number.h"

#define MEMBERS_INLINE 96 /* members of all open maps together that need no memory of their own */
#define INSERTION_MAX 24

/* A member of an open map: its key, and where its text (key and value) stands. */
struct member {
    const uint8_t *key;
    uint32_t key_len;
    size_t at, end;
};

struct open {
    uint32_t left; /* elements, or members, still to begin */
    bool map, in_order, first;
    bool in_member; /* its key was written */
    uint32_t first_member;
};

struct text {
    struct buf *b;
    int depth;
    uint32_t n, cap;
    struct member *members;
    struct open stack[MP_DEPTH_MAX + 1];
    struct member own[MEMBERS_INLINE];
};

/* Of each byte, whether JSON escapes it. */
static bytes16
bytes_escaped(bytes16 c)
{
    return (bytes16)((c < 0x20) | (c == '"') | (c == '\\'));
}

/* All bytes of a text of 1 to 15, some of them twice. */
static inline bytes16
short_load(const char *text, size_t len)
{
    uint64_t first = UINT64_C(0x2020202020202020), last = first;

    if (len >= 8) {
        memcpy(&first, text, 8);
        memcpy(&last, text + len - 8, 8);
    } else if (len >= 4) {
        memcpy(&first, text, 4);
        memcpy(&last, text + len - 4, 4);
    } else {
        memcpy(&first, text, 1);
        memcpy(&last, text + len / 2, 1);
        last = last << 8 | (uint8_t)text[len - 1];
    }
    return bytes16_of(first, last);
}

static bool __attribute__((noinline)) long_needs_escape(const char *text, size_t len)
{
    size_t i = 0;

    for (; i + 64 < len; i += 64) {
        const char *at = text + i;
        if (bytes16_any(bytes_escaped(bytes16_load(at)) | bytes_escaped(bytes16_load(at + 16)) |
                        bytes_escaped(bytes16_load(at + 32)) |
                        bytes_escaped(bytes16_load(at + 48))))
            return true;
    }
    for (; i + 16 < len; i += 16) {
        if (bytes16_any(bytes_escaped(bytes16_load(text + i))))
            return true;
    }
    /* The rest, with some that were looked at before. */
    return bytes16_any(bytes_escaped(bytes16_load(text + len - 16)));
}

static inline bool
text_needs_escape(const char *text, size_t len)
{
    if (len >= 16)
        return long_needs_escape(text, len);
    return len > 0 && bytes16_any(bytes_escaped(short_load(text, len)));
}

/* end: the quote, and what else follows. */
static inline int
plain_write(struct buf *b, const char *text, size_t len, const char *end)
{
    size_t end_len = strlen(end);
    uint8_t *p;

    if (buf_reserve(b, 1 + len + end_len, &p) != BUF_OK)
        return BUF_FULL;
    p[0] = '"';
    if (len > 0)
        memcpy(p + 1, text, len);
    memcpy(p + 1 + len, end, end_len);
    buf_commit(b, 1 + len + end_len);
    return BUF_OK;
}

/* Six bytes for one is the worst case. */
static int __attribute__((cold)) escaped_write(struct buf *b, const char *text, size_t len)
{
    static const char hex[] = "0123456789abcdef";
    static const char brief[] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f',
                                 ['\r'] = 'r', ['"'] = '"',  ['\\'] = '\\'};
    size_t n = 0, worst = 2 + len;
    uint8_t *p;

    for (size_t i = 0; i < len; i++) {
        uint8_t c = (uint8_t)text[i];
        worst += c < 0x20 ? 5 : c == '"' || c == '\\';
    }
    if (buf_reserve(b, worst, &p) != BUF_OK)
        return BUF_FULL;
    p[n++] = '"';
    for (size_t i = 0; i < len; i++) {
        uint8_t c = (uint8_t)text[i];
        if (c < sizeof(brief) && brief[c] != 0) {
            p[n++] = '\\';
            p[n++] = (uint8_t)brief[c];
        } else if (c < 0x20) {
            memcpy(p + n, "\\u00", 4);
            p[n + 4] = (uint8_t)hex[c >> 4];
            p[n + 5] = (uint8_t)hex[c & 15];
            n += 6;
        } else {
            p[n++] = c;
        }
    }
    p[n++] = '"';
    buf_commit(b, n);
    return BUF_OK;
}

int
json_text_string(struct buf *b, const char *text, size_t len)
{
    return text_needs_escape(text, len) ? escaped_write(b, text, len)
                                        : plain_write(b, text, len, "\"");
}

int
json_text_key(struct buf *b, const char *key, size_t len)
{
    if (!text_needs_escape(key, len))
        return plain_write(b, key, len, "\": ");
    return escaped_write(b, key, len) == BUF_OK ? buf_append(b, ": ", 2) : BUF_FULL;
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
float_write(struct buf *b, double f)
{
    char text[32];

    if (!isfinite(f))
        return buf_append_str(b, "null");
    int n = snprintf(text, sizeof(text), "%.17g", f);
    return json_number_write(b, text, (size_t)n);
}

int
json_text_scalar(struct buf *b, const struct mp_value *v)
{
    switch (v->type) {
    case MP_BOOL:
        return v->boolean ? buf_append(b, "true", 4) : buf_append(b, "false", 5);
    case MP_UINT:
        return integer_write(b, v->u, false);
    case MP_INT:
        return integer_write(b, -(uint64_t)v->i, true); /* MP_INT is negative */
    case MP_FLOAT:
        return float_write(b, v->f);
    case MP_STR:
        return json_text_string(b, (const char *)v->at, v->len);
    case MP_EXT:
        if (v->ext_type == MP_DECIMAL)
            return json_number_write(b, (const char *)v->at, v->len);
        break;
    case MP_NIL:
    case MP_BIN:
    case MP_ARRAY:
    case MP_MAP:
        break;
    }
    return buf_append(b, "null", 4);
}

/* jsonb's order: length, then bytes. */
static int
key_compare(const struct member *a, const struct member *b)
{
    if (a->key_len != b->key_len)
        return a->key_len < b->key_len ? -1 : 1;
    return a->key_len > 0 ? memcmp(a->key, b->key, a->key_len) : 0;
}

static int
member_order(const void *x, const void *y)
{
    const struct member *a = x, *b = y;
    int order = key_compare(a, b);

    return order != 0 ? order : (a->at > b->at) - (a->at < b->at);
}

static void
members_sort(struct member *m, uint32_t n)
{
    if (n > INSERTION_MAX) {
        qsort(m, n, sizeof(*m), member_order);
        return;
    }
    for (uint32_t i = 1; i < n; i++) {
        struct member moving = m[i];
        uint32_t to = i;
        for (; to > 0 && key_compare(&m[to - 1], &moving) > 0; to--)
            m[to] = m[to - 1];
        m[to] = moving;
    }
}

/* Of a key that stands twice the last one counts. */
static int
members_put_in_order(struct text *t, const struct open *o)
{
    struct member *m = t->members + o->first_member;
    uint32_t n = t->n - o->first_member;
    size_t start = m[0].at, size = 0;
    uint8_t *spare;

    if (buf_reserve(t->b, t->b->size - start, &spare) != BUF_OK)
        return BUF_FULL;
    members_sort(m, n);
    for (uint32_t i = 0; i < n; i++) {
        if (i + 1 < n && key_compare(&m[i], &m[i + 1]) == 0)
            continue;
        if (size > 0) {
            memcpy(spare + size, ", ", 2);
            size += 2;
        }
        memcpy(spare + size, t->b->data + m[i].at, m[i].end - m[i].at);
        size += m[i].end - m[i].at;
    }
    memcpy(t->b->data + start, spare, size);
    t->b->size = start + size;
    return BUF_OK;
}

static int
open_end(struct text *t)
{
    struct open *o = &t->stack[t->depth - 1];
    int full = BUF_OK;

    if (o->map && t->n > o->first_member) {
        t->members[t->n - 1].end = t->b->size;
        if (!o->in_order)
            full = members_put_in_order(t, o);
        t->n = o->first_member;
    }
    t->depth--;
    return full == BUF_OK ? buf_append(t->b, o->map ? "}" : "]", 1) : full;
}

static void
member_keep(struct text *t, const struct member *m)
{
    if (t->n == t->cap) {
        bool own = t->members == t->own;
        t->members = mem_grow(own ? NULL : t->members, (size_t)t->cap * 2, sizeof(*m));
        if (own)
            memcpy(t->members, t->own, sizeof(t->own));
        t->cap *= 2;
    }
    t->members[t->n++] = *m;
}

/* A key that is no string is written as none, which PostgreSQL refuses. */
static int
member_begin(struct text *t, struct open *o, struct mp_cursor *at)
{
    struct mp_cursor whole = *at;
    struct mp_value key;

    int bad = mp_next(at, &key);
    if (bad == MP_OK && key.type != MP_STR) {
        *at = whole;
        bad = mp_skip(at);
    }
    sluice_assert(bad == MP_OK);
    if (!o->first) {
        t->members[t->n - 1].end = t->b->size;
        if (buf_append(t->b, ", ", 2) != BUF_OK)
            return BUF_FULL;
    }
    struct member m = {.key = key.type == MP_STR ? key.at : NULL,
                       .key_len = key.type == MP_STR ? key.len : 0,
                       .at = t->b->size};
    if (!o->first && key_compare(&t->members[t->n - 1], &m) >= 0)
        o->in_order = false;
    member_keep(t, &m);
    o->first = false;
    o->in_member = true;
    o->left--;
    return key.type == MP_STR ? json_text_key(t->b, (const char *)key.at, key.len)
                              : buf_append(t->b, "null: ", 6);
}

static int
value_begin(struct text *t, struct mp_cursor *at)
{
    struct mp_value v;

    mp_take(at, &v);
    if (v.type != MP_ARRAY && v.type != MP_MAP)
        return json_text_scalar(t->b, &v);
    sluice_assert(t->depth <= MP_DEPTH_MAX);
    t->stack[t->depth++] = (struct open){
        .left = v.len,
        .map = v.type == MP_MAP,
        .in_order = true,
        .first = true,
        .first_member = t->n,
    };
    return buf_append(t->b, v.type == MP_MAP ? "{" : "[", 1);
}

/* The next piece: a key, a value, or an end. */
static int
piece_write(struct text *t, struct mp_cursor *at)
{
    struct open *o = t->depth > 0 ? &t->stack[t->depth - 1] : NULL;

    if (o != NULL && o->in_member) {
        o->in_member = false;
    } else if (o != NULL && o->left == 0) {
        return open_end(t);
    } else if (o != NULL && o->map) {
        return member_begin(t, o, at);
    } else if (o != NULL) {
        if (!o->first && buf_append(t->b, ", ", 2) != BUF_OK)
            return BUF_FULL;
        o->first = false;
        o->left--;
    }
    return value_begin(t, at);
}

int
json_text_write(struct buf *b, struct mp_cursor *at)
{
    struct text t; /* large: only what is read is set */
    int full;

    t.b = b;
    t.depth = 0;
    t.n = 0;
    t.cap = MEMBERS_INLINE;
    t.members = t.own;
    do
        full = piece_write(&t, at);
    while (full == BUF_OK && t.depth > 0);
    if (t.members != t.own)
        free(t.members);
    return full;
}
