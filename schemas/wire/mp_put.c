/* msgpack written: always the shortest form. What does not fit under the buffer's ceiling is
 * refused whole. */
#include "schemas/wire/mp.h"

#include <string.h>

static void
be_put(uint8_t *p, uint64_t v, unsigned n)
{
    for (unsigned i = n; i > 0; i--, v >>= 8)
        p[i - 1] = (uint8_t)v;
}

/* One byte of head, then a big-endian number of n bytes, then len bytes. */
static int
put(struct buf *b, uint8_t head, uint64_t number, unsigned n, const void *data, size_t len)
{
    uint8_t *p;

    int r = buf_reserve(b, 1 + n + len, &p);
    if (r != BUF_OK)
        return r;
    p[0] = head;
    be_put(p + 1, number, n);
    if (len > 0)
        memcpy(p + 1 + n, data, len);
    buf_commit(b, 1 + n + len);
    return BUF_OK;
}

int
mp_put_nil(struct buf *b)
{
    return put(b, 0xc0, 0, 0, NULL, 0);
}

int
mp_put_bool(struct buf *b, bool v)
{
    return put(b, v ? 0xc3 : 0xc2, 0, 0, NULL, 0);
}

int
mp_put_uint(struct buf *b, uint64_t v)
{
    if (v < 0x80)
        return put(b, (uint8_t)v, 0, 0, NULL, 0);
    if (v <= UINT8_MAX)
        return put(b, 0xcc, v, 1, NULL, 0);
    if (v <= UINT16_MAX)
        return put(b, 0xcd, v, 2, NULL, 0);
    if (v <= UINT32_MAX)
        return put(b, 0xce, v, 4, NULL, 0);
    return put(b, 0xcf, v, 8, NULL, 0);
}

int
mp_put_int(struct buf *b, int64_t v)
{
    if (v >= 0)
        return mp_put_uint(b, (uint64_t)v);
    if (v >= -32)
        return put(b, (uint8_t)v, 0, 0, NULL, 0);
    if (v >= INT8_MIN)
        return put(b, 0xd0, (uint64_t)v, 1, NULL, 0);
    if (v >= INT16_MIN)
        return put(b, 0xd1, (uint64_t)v, 2, NULL, 0);
    if (v >= INT32_MIN)
        return put(b, 0xd2, (uint64_t)v, 4, NULL, 0);
    return put(b, 0xd3, (uint64_t)v, 8, NULL, 0);
}

int
mp_put_str(struct buf *b, const char *s, size_t len)
{
    if (len < 32)
        return put(b, (uint8_t)(0xa0 | len), 0, 0, s, len);
    if (len <= UINT8_MAX)
        return put(b, 0xd9, len, 1, s, len);
    if (len <= UINT16_MAX)
        return put(b, 0xda, len, 2, s, len);
    return len <= UINT32_MAX ? put(b, 0xdb, len, 4, s, len) : BUF_FULL;
}

int
mp_put_bin(struct buf *b, const void *p, size_t len)
{
    if (len <= UINT8_MAX)
        return put(b, 0xc4, len, 1, p, len);
    if (len <= UINT16_MAX)
        return put(b, 0xc5, len, 2, p, len);
    return len <= UINT32_MAX ? put(b, 0xc6, len, 4, p, len) : BUF_FULL;
}

int
mp_put_ext(struct buf *b, int8_t type, const void *p, size_t len)
{
    if (len > UINT32_MAX)
        return BUF_FULL;
    unsigned n = len <= UINT8_MAX ? 1 : len <= UINT16_MAX ? 2 : 4;
    uint8_t head = n == 1 ? 0xc7 : n == 2 ? 0xc8 : 0xc9;
    bool fixed = len == 1 || len == 2 || len == 4 || len == 8 || len == 16;
    if (fixed) {
        head = (uint8_t)(0xd4 + __builtin_ctz((unsigned)len));
        n = 0;
    }
    /* The type byte stands between length and bytes: it is the number's last byte. */
    return put(b, head, (uint64_t)len << 8 | (uint8_t)type, n + 1, p, len);
}

int
mp_put_array(struct buf *b, uint32_t n)
{
    if (n < 16)
        return put(b, (uint8_t)(0x90 | n), 0, 0, NULL, 0);
    return n <= UINT16_MAX ? put(b, 0xdc, n, 2, NULL, 0) : put(b, 0xdd, n, 4, NULL, 0);
}

int
mp_put_map(struct buf *b, uint32_t n)
{
    if (n < 16)
        return put(b, (uint8_t)(0x80 | n), 0, 0, NULL, 0);
    return n <= UINT16_MAX ? put(b, 0xde, n, 2, NULL, 0) : put(b, 0xdf, n, 4, NULL, 0);
}
