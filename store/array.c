/* Layout: i32 dimensions, i32 has-null, u32 element oid, i32 length, i32 lower bound, then for each
 * element i32 length (-1: null) and its bytes; all in network order. */
#include "store/array.h"

#include <endian.h>
#include <string.h>

#include "base/error.h"
#include "store/connection.h"

#define HEAD_BYTES 20

static void
be32_put(uint8_t *p, uint32_t v)
{
    v = htobe32(v);
    memcpy(p, &v, sizeof(v));
}

void
array_init(struct array *a, size_t ceiling)
{
    *a = (struct array){0};
    buf_init(&a->bytes, ceiling);
}

void
array_deinit(struct array *a)
{
    buf_deinit(&a->bytes);
}

void
array_begin(struct array *a, enum store_oid element)
{
    uint8_t *p;

    buf_clear(&a->bytes);
    a->n = 0;
    int full = buf_reserve(&a->bytes, HEAD_BYTES, &p);
    sluice_assert(full == BUF_OK);
    memset(p, 0, HEAD_BYTES);
    be32_put(p + 8, (uint32_t)element);
    be32_put(p + 16, 1);
    buf_commit(&a->bytes, HEAD_BYTES);
}

/* Inline, so that an element of known size is a store. */
static inline int
element_add(struct array *a, const void *bytes, size_t len)
{
    uint8_t *p;

    if (buf_reserve(&a->bytes, 4 + len, &p) != BUF_OK)
        return BUF_FULL;
    be32_put(p, (uint32_t)len);
    if (len > 0)
        memcpy(p + 4, bytes, len);
    buf_commit(&a->bytes, 4 + len);
    a->n++;
    return BUF_OK;
}

int
array_add(struct array *a, const void *bytes, size_t len)
{
    return element_add(a, bytes, len);
}

int
array_add_null(struct array *a)
{
    uint8_t *p;

    if (buf_reserve(&a->bytes, 4, &p) != BUF_OK)
        return BUF_FULL;
    memset(p, 0xff, 4);
    buf_commit(&a->bytes, 4);
    a->bytes.data[7] = 1; /* has nulls */
    a->n++;
    return BUF_OK;
}

int
array_add_bigint(struct array *a, int64_t v)
{
    uint64_t be = htobe64((uint64_t)v);

    return element_add(a, &be, sizeof(be));
}

int
array_add_time(struct array *a, int64_t wall_us)
{
    return array_add_bigint(a, wall_us - STORE_EPOCH_US);
}

int
array_open(struct array *a)
{
    uint8_t *p;

    if (buf_reserve(&a->bytes, 4, &p) != BUF_OK)
        return BUF_FULL;
    a->open_at = a->bytes.size;
    buf_commit(&a->bytes, 4);
    return BUF_OK;
}

void
array_close(struct array *a)
{
    be32_put(a->bytes.data + a->open_at, (uint32_t)(a->bytes.size - a->open_at - 4));
    a->n++;
}

void
array_end(struct array *a)
{
    /* An empty array has no dimension at all. */
    be32_put(a->bytes.data, a->n > 0 ? 1 : 0);
    be32_put(a->bytes.data + 12, a->n);
    if (a->n == 0)
        a->bytes.size = 12;
}
