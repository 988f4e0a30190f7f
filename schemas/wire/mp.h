/* msgpack without memory of its own: a writer into a struct buf and a cursor over bytes.
 *
 * The cursor never allocates and never trusts a declared count: mp_check walks the whole value
 * first (depth, nodes, counts against the bytes left), after which the cursor can't run off the
 * end. Numbers keep their kind: integers exact in int64/uint64; a decimal is ext type MP_DECIMAL
 * whose bytes are the literal as it stood in the JSON text (never a double). */
#ifndef SLUICE_SCHEMAS_WIRE_MP_H
#define SLUICE_SCHEMAS_WIRE_MP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"

#define MP_DECIMAL 1 /* ext type: a JSON number literal with fraction or exponent */
#define MP_DEPTH_MAX 64

enum mp_type {
    MP_NIL,
    MP_BOOL,
    MP_INT,
    MP_UINT,
    MP_FLOAT,
    MP_STR,
    MP_BIN,
    MP_ARRAY,
    MP_MAP,
    MP_EXT
};

struct mp_value {
    enum mp_type type;
    int8_t ext_type;
    uint32_t len;      /* bytes of STR BIN EXT; elements of ARRAY; pairs of MAP */
    const uint8_t *at; /* bytes of STR BIN EXT */
    union {
        bool boolean;
        int64_t i; /* MP_INT: negative values only; non-negative come as MP_UINT */
        uint64_t u;
        double f;
    };
};

struct mp_cursor {
    const uint8_t *at, *end;
};

enum mp_outcome { MP_OK = 0, MP_BAD = 1 };

/* Exactly one well-formed value filling size bytes, depth <= MP_DEPTH_MAX, at most max_nodes nodes.
 */
int mp_check(const uint8_t *data, size_t size, size_t max_nodes);
/* Skips one whole value, with what it contains (iterative). */
int mp_skip(struct mp_cursor *c);
/* mp_next where no short text comes. */
int mp_next_other(struct mp_cursor *c, struct mp_value *ret_value);
/* v as an unsigned / signed 64-bit integer; false if it is none or does not fit. */
bool mp_as_uint(const struct mp_value *v, uint64_t *ret);
bool mp_as_int(const struct mp_value *v, int64_t *ret);

/* The next value (of an array or map: its head). MP_BAD at the end or for bad bytes. Here, because
 * most of what is read is short texts. */
static inline int
mp_next(struct mp_cursor *c, struct mp_value *ret_value)
{
    size_t left = (size_t)(c->end - c->at);

    if (left == 0)
        return MP_BAD;
    size_t len = *c->at & 0x1f;
    if ((*c->at & 0xe0) != 0xa0 || len >= left)
        return mp_next_other(c, ret_value);
    *ret_value = (struct mp_value){.type = MP_STR, .len = (uint32_t)len, .at = c->at + 1};
    c->at += 1 + len;
    return MP_OK;
}

/* The same over bytes that mp_check has passed: anything else is our own mistake. */
static inline void
mp_take(struct mp_cursor *c, struct mp_value *ret_value)
{
    int bad = mp_next(c, ret_value);

    sluice_assert(bad == MP_OK);
}

/* Here, so that a compare with a literal calls nothing. */
static inline bool
mp_is_str(const struct mp_value *v, const char *text)
{
    size_t len = strlen(text);

    return v->type == MP_STR && v->len == len && memcmp(v->at, text, len) == 0;
}

/* Writers return BUF_OK or BUF_FULL. Shortest encodings. */
int mp_put_nil(struct buf *b);
int mp_put_bool(struct buf *b, bool v);
int mp_put_uint(struct buf *b, uint64_t v);
int mp_put_int(struct buf *b, int64_t v);
int mp_put_str(struct buf *b, const char *s, size_t len);
int mp_put_bin(struct buf *b, const void *p, size_t len);
int mp_put_ext(struct buf *b, int8_t type, const void *p, size_t len);
int mp_put_array(struct buf *b, uint32_t n);
int mp_put_map(struct buf *b, uint32_t n);

static inline int
mp_put_cstr(struct buf *b, const char *s)
{
    return mp_put_str(b, s, strlen(s));
}

/* For headers: the value of key in the map that starts at data; false if absent or data is bad. */
bool mp_find(const uint8_t *data, size_t size, const char *key, struct mp_value *ret_value,
             struct mp_cursor *ret_inside);
bool mp_find_uint(const uint8_t *data, size_t size, const char *key, uint64_t *ret);
bool mp_find_str(const uint8_t *data, size_t size, const char *key, const char **ret,
                 size_t *ret_len);

#endif
