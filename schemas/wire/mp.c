/* msgpack: heads are decoded one at a time, nothing recurses, nothing is allocated. A declared
 * count is only ever compared with the bytes that are left. */
#include "schemas/wire/mp.h"

#include <endian.h>
#include <string.h>

static uint64_t
be_get(const uint8_t *p, unsigned n)
{
    uint16_t two;
    uint32_t four;
    uint64_t eight;

    if (n == 0)
        return 0;
    if (n == 1)
        return *p;
    if (n == 2) {
        memcpy(&two, p, sizeof(two));
        return be16toh(two);
    }
    if (n == 4) {
        memcpy(&four, p, sizeof(four));
        return be32toh(four);
    }
    memcpy(&eight, p, sizeof(eight));
    return be64toh(eight);
}

/* What was read, and where the next value begins. Fields are stored where the caller reads them: a
 * copy of what was just stored in parts would wait for the stores. */
static int
value_put(struct mp_cursor *c, const uint8_t *next, struct mp_value *ret, enum mp_type type,
          uint64_t u)
{
    *ret = (struct mp_value){.type = type, .u = u};
    c->at = next;
    return MP_OK;
}

static int
int_put(struct mp_cursor *c, const uint8_t *next, struct mp_value *ret, int64_t i)
{
    return value_put(c, next, ret, i < 0 ? MP_INT : MP_UINT, (uint64_t)i);
}

static int
float_put(struct mp_cursor *c, const uint8_t *next, struct mp_value *ret, uint64_t bits, unsigned n)
{
    if (n == 4) {
        uint32_t narrow = (uint32_t)bits;
        float f;
        memcpy(&f, &narrow, sizeof(f));
        double wide = (double)f;
        memcpy(&bits, &wide, sizeof(bits));
    }
    return value_put(c, next, ret, MP_FLOAT, bits);
}

static int
container_put(struct mp_cursor *c, const uint8_t *next, struct mp_value *ret, enum mp_type type,
              uint32_t len)
{
    *ret = (struct mp_value){.type = type, .len = len};
    c->at = next;
    return MP_OK;
}

/* Lengths and numbers behind one byte of head, for heads 0xc4…0xdf: how many bytes. */
static const uint8_t head_extra[0x20] = {
    [0x04] = 1, [0x05] = 2, [0x06] = 4, [0x07] = 1, [0x08] = 2, [0x09] = 4, [0x0a] = 4, [0x0b] = 8,
    [0x0c] = 1, [0x0d] = 2, [0x0e] = 4, [0x0f] = 8, [0x10] = 1, [0x11] = 2, [0x12] = 4, [0x13] = 8,
    [0x19] = 1, [0x1a] = 2, [0x1b] = 4, [0x1c] = 2, [0x1d] = 4, [0x1e] = 2, [0x1f] = 4,
};

/* Content of len bytes at p. */
static int
content_put(struct mp_cursor *c, const uint8_t *p, struct mp_value *ret, enum mp_type type,
            uint64_t len)
{
    if (len > (size_t)(c->end - p))
        return MP_BAD;
    *ret = (struct mp_value){.type = type, .len = (uint32_t)len, .at = p};
    c->at = p + len;
    return MP_OK;
}

static int
ext_put(struct mp_cursor *c, const uint8_t *p, struct mp_value *ret, uint64_t len)
{
    if (p == c->end || content_put(c, p + 1, ret, MP_EXT, len) != MP_OK)
        return MP_BAD;
    ret->ext_type = (int8_t)*p;
    return MP_OK;
}

/* A function of its own, so that what is read without it saves no registers. */
static int __attribute__((noinline)) next_long(struct mp_cursor *c, struct mp_value *ret)
{
    const uint8_t *p = c->at + 1;
    uint8_t head = *c->at;
    unsigned n = head_extra[head & 0x1f];

    if (n > (size_t)(c->end - p))
        return MP_BAD;
    uint64_t u = be_get(p, n);
    p += n;
    switch (head) {
    case 0xc0:
        return value_put(c, p, ret, MP_NIL, 0);
    case 0xc2:
    case 0xc3:
        *ret = (struct mp_value){.type = MP_BOOL, .boolean = head == 0xc3};
        c->at = p;
        return MP_OK;
    case 0xc4:
    case 0xc5:
    case 0xc6:
        return content_put(c, p, ret, MP_BIN, u);
    case 0xc7:
    case 0xc8:
    case 0xc9:
        return ext_put(c, p, ret, u);
    case 0xca:
    case 0xcb:
        return float_put(c, p, ret, u, n);
    case 0xcc:
    case 0xcd:
    case 0xce:
    case 0xcf:
        return value_put(c, p, ret, MP_UINT, u);
    case 0xd0:
        return int_put(c, p, ret, (int8_t)u);
    case 0xd1:
        return int_put(c, p, ret, (int16_t)u);
    case 0xd2:
        return int_put(c, p, ret, (int32_t)u);
    case 0xd3:
        return int_put(c, p, ret, (int64_t)u);
    case 0xd4:
    case 0xd5:
    case 0xd6:
    case 0xd7:
    case 0xd8:
        return ext_put(c, p, ret, (uint64_t)1 << (head - 0xd4));
    case 0xd9:
    case 0xda:
    case 0xdb:
        return content_put(c, p, ret, MP_STR, u);
    case 0xdc:
    case 0xdd:
        return container_put(c, p, ret, MP_ARRAY, (uint32_t)u);
    case 0xde:
    case 0xdf:
        return container_put(c, p, ret, MP_MAP, (uint32_t)u);
    default: /* 0xc1 is never used */
        return MP_BAD;
    }
}

int
mp_next_other(struct mp_cursor *c, struct mp_value *ret_value)
{
    uint8_t head = *c->at;

    if (head >= 0xc0 && head < 0xe0)
        return next_long(c, ret_value);
    if (head >= 0xa0 && head < 0xc0)
        return MP_BAD; /* a short text that is cut off */
    if (head < 0x80)
        *ret_value = (struct mp_value){.type = MP_UINT, .u = head};
    else if (head < 0xa0)
        *ret_value = (struct mp_value){.type = head < 0x90 ? MP_MAP : MP_ARRAY, .len = head & 0x0f};
    else
        *ret_value = (struct mp_value){.type = MP_INT, .i = (int8_t)head};
    c->at++;
    return MP_OK;
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

/* Values of one size, by their head; 0: look closer. A walk that asks this table first mispredicts
 * far less than one that asks what kind of value it met. */
static const uint8_t head_size[256] = {
    [0x00 ... 0x7f] = 1, [0xa0] = 1,  [0xa1] = 2,  [0xa2] = 3,          [0xa3] = 4,  [0xa4] = 5,
    [0xa5] = 6,          [0xa6] = 7,  [0xa7] = 8,  [0xa8] = 9,          [0xa9] = 10, [0xaa] = 11,
    [0xab] = 12,         [0xac] = 13, [0xad] = 14, [0xae] = 15,         [0xaf] = 16, [0xb0] = 17,
    [0xb1] = 18,         [0xb2] = 19, [0xb3] = 20, [0xb4] = 21,         [0xb5] = 22, [0xb6] = 23,
    [0xb7] = 24,         [0xb8] = 25, [0xb9] = 26, [0xba] = 27,         [0xbb] = 28, [0xbc] = 29,
    [0xbd] = 30,         [0xbe] = 31, [0xbf] = 32, [0xc0] = 1,          [0xc2] = 1,  [0xc3] = 1,
    [0xca] = 5,          [0xcb] = 9,  [0xcc] = 2,  [0xcd] = 3,          [0xce] = 5,  [0xcf] = 9,
    [0xd0] = 2,          [0xd1] = 3,  [0xd2] = 5,  [0xd3] = 9,          [0xd4] = 3,  [0xd5] = 4,
    [0xd6] = 6,          [0xd7] = 10, [0xd8] = 18, [0xe0 ... 0xff] = 1,
};

/* Steps over what head_size does not know: a head and its own bytes, as mp_next does, but looks at
 * nothing. *ret_children values follow as its elements. NULL: it is cut off, or none. */
static const uint8_t *
head_step(const uint8_t *p, const uint8_t *end, uint64_t *ret_children)
{
    *ret_children = 0;
    if (p == end)
        return NULL;
    uint8_t head = *p++;
    if ((head & 0xf0) == 0x80 || (head & 0xf0) == 0x90) {
        *ret_children = head < 0x90 ? (uint64_t)(head & 0x0f) * 2 : head & 0x0f;
        return p;
    }
    unsigned n = head_extra[head & 0x1f];
    if (head < 0xc0 || head == 0xc1 || n > (size_t)(end - p))
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

/* Steps over values that hold no others, at most n; *n: those that are left of them. */
static inline const uint8_t *
leaves_step(const uint8_t *p, const uint8_t *end, uint64_t *n)
{
    while (*n > 0 && p < end) {
        size_t size = head_size[*p];
        if (size == 0 || size > (size_t)(end - p))
            break;
        p += size;
        --*n;
    }
    return p;
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
    uint64_t owed[MP_DEPTH_MAX]; /* by open container: what its outer one still owes */
    uint64_t left = 1;           /* elements that the innermost one still owes */
    uint64_t nodes = 1, children;
    unsigned depth = 0;

    if (max_nodes == 0)
        return MP_BAD;
    for (;;) {
        at = leaves_step(at, end, &left);
        if (left == 0) {
            if (depth == 0)
                return at == end ? MP_OK : MP_BAD;
            left = owed[--depth];
            continue;
        }
        const uint8_t *head = at;
        at = head_step(at, end, &children);
        if (at == NULL)
            return MP_BAD;
        left--;
        if (!head_opens(*head))
            continue;
        nodes += children;
        /* Every value takes a byte at least. */
        if (children > (size_t)(end - at) || nodes > max_nodes || depth == MP_DEPTH_MAX)
            return MP_BAD;
        owed[depth++] = left;
        left = children;
    }
}

int
mp_skip(struct mp_cursor *c)
{
    const uint8_t *at = c->at;
    uint64_t left = 1, children;

    for (;;) {
        at = leaves_step(at, c->end, &left);
        if (left == 0)
            break;
        at = head_step(at, c->end, &children);
        if (at == NULL)
            return MP_BAD;
        left += children - 1;
        if (left > (size_t)(c->end - at))
            return MP_BAD;
    }
    c->at = at;
    return MP_OK;
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
