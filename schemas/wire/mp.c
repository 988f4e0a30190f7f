/* msgpack: heads are decoded one at a time, nothing recurses, nothing is allocated. A declared
 * count is only ever compared with the bytes that are left. */
#include "schemas/wire/mp.h"

#include <endian.h>
#include <string.h>

#include "base/error.h"

static uint64_t
be_get(const uint8_t *p, unsigned n)
{
    uint16_t two;
    uint32_t four;
    uint64_t eight;

    switch (n) {
    case 0:
        return 0;
    case 1:
        return *p;
    case 2:
        memcpy(&two, p, sizeof(two));
        return be16toh(two);
    case 4:
        memcpy(&four, p, sizeof(four));
        return be32toh(four);
    default:
        memcpy(&eight, p, sizeof(eight));
        return be64toh(eight);
    }
}

static void
value_set_int(struct mp_value *v, int64_t i)
{
    if (i < 0) {
        v->type = MP_INT;
        v->i = i;
    } else {
        v->type = MP_UINT;
        v->u = (uint64_t)i;
    }
}

static void
value_set_float(struct mp_value *v, uint64_t bits, unsigned n)
{
    v->type = MP_FLOAT;
    if (n == 4) {
        uint32_t narrow = (uint32_t)bits;
        float f;
        memcpy(&f, &narrow, sizeof(f));
        v->f = (double)f;
    } else {
        memcpy(&v->f, &bits, sizeof(v->f));
    }
}

/* Lengths and numbers behind one byte of head, for heads 0xc4…0xdf: how many bytes. */
static const uint8_t head_extra[0x20] = {
    [0x04] = 1, [0x05] = 2, [0x06] = 4, [0x07] = 1, [0x08] = 2, [0x09] = 4, [0x0a] = 4, [0x0b] = 8,
    [0x0c] = 1, [0x0d] = 2, [0x0e] = 4, [0x0f] = 8, [0x10] = 1, [0x11] = 2, [0x12] = 4, [0x13] = 8,
    [0x19] = 1, [0x1a] = 2, [0x1b] = 4, [0x1c] = 2, [0x1d] = 4, [0x1e] = 2, [0x1f] = 4,
};

/* Takes len bytes as v's content. */
static int
value_take(struct mp_cursor *c, const uint8_t *p, enum mp_type type, uint64_t len,
           struct mp_value *v)
{
    if (len > (size_t)(c->end - p))
        return MP_BAD;
    v->type = type;
    v->len = (uint32_t)len;
    v->at = p;
    c->at = p + len;
    return MP_OK;
}

static int
value_take_ext(struct mp_cursor *c, const uint8_t *p, uint64_t len, struct mp_value *v)
{
    if (p == c->end)
        return MP_BAD;
    v->ext_type = (int8_t)*p;
    return value_take(c, p + 1, MP_EXT, len, v);
}

static int
next_long(struct mp_cursor *c, uint8_t head, struct mp_value *v)
{
    const uint8_t *p = c->at + 1;
    unsigned n = head_extra[head & 0x1f];

    if (n > (size_t)(c->end - p))
        return MP_BAD;
    uint64_t u = be_get(p, n);
    p += n;
    switch (head) {
    case 0xc0:
        v->type = MP_NIL;
        break;
    case 0xc2:
    case 0xc3:
        v->type = MP_BOOL;
        v->boolean = head == 0xc3;
        break;
    case 0xc4:
    case 0xc5:
    case 0xc6:
        return value_take(c, p, MP_BIN, u, v);
    case 0xc7:
    case 0xc8:
    case 0xc9:
        return value_take_ext(c, p, u, v);
    case 0xca:
    case 0xcb:
        value_set_float(v, u, n);
        break;
    case 0xcc:
    case 0xcd:
    case 0xce:
    case 0xcf:
        v->type = MP_UINT;
        v->u = u;
        break;
    case 0xd0:
        value_set_int(v, (int8_t)u);
        break;
    case 0xd1:
        value_set_int(v, (int16_t)u);
        break;
    case 0xd2:
        value_set_int(v, (int32_t)u);
        break;
    case 0xd3:
        value_set_int(v, (int64_t)u);
        break;
    case 0xd4:
    case 0xd5:
    case 0xd6:
    case 0xd7:
    case 0xd8:
        return value_take_ext(c, p, (uint64_t)1 << (head - 0xd4), v);
    case 0xd9:
    case 0xda:
    case 0xdb:
        return value_take(c, p, MP_STR, u, v);
    case 0xdc:
    case 0xdd:
        v->type = MP_ARRAY;
        v->len = (uint32_t)u;
        break;
    case 0xde:
    case 0xdf:
        v->type = MP_MAP;
        v->len = (uint32_t)u;
        break;
    default: /* 0xc1 is never used */
        return MP_BAD;
    }
    c->at = p;
    return MP_OK;
}

int
mp_next(struct mp_cursor *c, struct mp_value *ret_value)
{
    if (c->at >= c->end)
        return MP_BAD;

    uint8_t head = *c->at;
    struct mp_value v = {.type = MP_NIL};
    if ((head & 0xe0) == 0xa0) {
        if (value_take(c, c->at + 1, MP_STR, head & 0x1f, &v) != MP_OK)
            return MP_BAD;
    } else if (head < 0x80) {
        v.type = MP_UINT;
        v.u = head;
        c->at++;
    } else if (head < 0xa0) {
        v.type = head < 0x90 ? MP_MAP : MP_ARRAY;
        v.len = head & 0x0f;
        c->at++;
    } else if (head >= 0xe0) {
        v.type = MP_INT;
        v.i = (int8_t)head;
        c->at++;
    } else if (next_long(c, head, &v) != MP_OK) {
        return MP_BAD;
    }
    *ret_value = v;
    return MP_OK;
}

void
mp_take(struct mp_cursor *c, struct mp_value *ret_value)
{
    int bad = mp_next(c, ret_value);

    sluice_assert(bad == MP_OK);
}

/* What stands behind head and its bytes of head_extra, whose number is u. */
static uint64_t
head_payload(uint8_t head, uint64_t u)
{
    if ((head >= 0xc4 && head <= 0xc6) || (head >= 0xd9 && head <= 0xdb))
        return u;
    if (head >= 0xc7 && head <= 0xc9)
        return u + 1; /* the ext's type */
    if (head >= 0xd4 && head <= 0xd8)
        return ((uint64_t)1 << (head - 0xd4)) + 1;
    return 0;
}

/* Steps over a head and its own bytes, as mp_next does, but looks at nothing: *ret_children values
 * follow as its elements. Most of what a walk meets are short texts and small numbers. */
static inline const uint8_t *
head_step(const uint8_t *p, const uint8_t *end, uint64_t *ret_children)
{
    *ret_children = 0;
    if (p >= end)
        return NULL;
    uint8_t head = *p++;
    if ((head & 0xe0) == 0xa0) {
        size_t len = head & 0x1f;
        return len <= (size_t)(end - p) ? p + len : NULL;
    }
    if (head < 0x80 || head >= 0xe0)
        return p;
    if (head < 0xa0) {
        *ret_children = head < 0x90 ? (uint64_t)(head & 0x0f) * 2 : head & 0x0f;
        return p;
    }
    unsigned n = head_extra[head & 0x1f];
    if (head == 0xc1 || n > (size_t)(end - p))
        return NULL;
    uint64_t u = be_get(p, n);
    p += n;
    if (head >= 0xdc) {
        *ret_children = head >= 0xde ? u * 2 : u;
        return p;
    }
    uint64_t payload = head_payload(head, u);
    return payload <= (size_t)(end - p) ? p + payload : NULL;
}

static bool
head_opens(uint8_t head)
{
    return (head >= 0x80 && head < 0xa0) || (head >= 0xdc && head < 0xe0);
}

int
mp_check(const uint8_t *data, size_t size, size_t max_nodes)
{
    const uint8_t *at = data, *end = data + size;
    uint64_t owed[MP_DEPTH_MAX]; /* by open container: elements still to come */
    unsigned depth = 0;
    uint64_t pending = 1; /* the sum of owed, and the value itself */
    uint64_t nodes = 0;

    while (pending > 0) {
        uint64_t children;
        const uint8_t *head = at;
        at = head_step(at, end, &children);
        if (at == NULL)
            return MP_BAD;
        nodes++;
        pending += children - 1;
        /* Every value takes a byte at least. */
        if (pending > (size_t)(end - at) || nodes + pending > max_nodes)
            return MP_BAD;
        if (depth > 0)
            owed[depth - 1]--;
        if (head_opens(*head)) {
            if (depth == MP_DEPTH_MAX)
                return MP_BAD;
            owed[depth++] = children;
        }
        while (depth > 0 && owed[depth - 1] == 0)
            depth--;
    }
    return at == end ? MP_OK : MP_BAD;
}

int
mp_skip(struct mp_cursor *c)
{
    const uint8_t *at = c->at;
    uint64_t pending = 1;

    while (pending > 0) {
        uint64_t children;
        at = head_step(at, c->end, &children);
        if (at == NULL)
            return MP_BAD;
        pending += children - 1;
        if (pending > (size_t)(c->end - at))
            return MP_BAD;
    }
    c->at = at;
    return MP_OK;
}

bool
mp_is_str(const struct mp_value *v, const char *text)
{
    size_t len = strlen(text);

    return v->type == MP_STR && v->len == len && memcmp(v->at, text, len) == 0;
}

bool
mp_as_uint(const struct mp_value *v, uint64_t *ret)
{
    if (v->type != MP_UINT)
        return false;
    *ret = v->u;
    return true;
}

bool
mp_as_int(const struct mp_value *v, int64_t *ret)
{
    if (v->type == MP_INT) {
        *ret = v->i;
        return true;
    }
    if (v->type != MP_UINT || v->u > INT64_MAX)
        return false;
    *ret = (int64_t)v->u;
    return true;
}

bool
mp_find(const uint8_t *data, size_t size, const char *key, struct mp_value *ret_value,
        struct mp_cursor *ret_inside)
{
    struct mp_cursor c = {data, data + size};
    struct mp_value head, v;

    if (mp_next(&c, &head) != MP_OK || head.type != MP_MAP)
        return false;
    for (uint32_t i = 0; i < head.len; i++) {
        struct mp_cursor at_key = c;
        if (mp_next(&c, &v) != MP_OK)
            return false;
        if (mp_is_str(&v, key)) {
            if (mp_next(&c, &v) != MP_OK)
                return false;
            *ret_value = v;
            if (ret_inside != NULL)
                *ret_inside = c;
            return true;
        }
        c = at_key;
        if (mp_skip(&c) != MP_OK || mp_skip(&c) != MP_OK)
            return false;
    }
    return false;
}

bool
mp_find_uint(const uint8_t *data, size_t size, const char *key, uint64_t *ret)
{
    struct mp_value v;

    return mp_find(data, size, key, &v, NULL) && mp_as_uint(&v, ret);
}

bool
mp_find_str(const uint8_t *data, size_t size, const char *key, const char **ret, size_t *ret_len)
{
    struct mp_value v;

    if (!mp_find(data, size, key, &v, NULL) || v.type != MP_STR)
        return false;
    *ret = (const char *)v.at;
    *ret_len = v.len;
    return true;
}
