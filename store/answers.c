/* Members are gathered on the stack and put in order by insertion: there are few of them. */
#include "store/answers.h"

#include <endian.h>
#include <stdbool.h>
#include <string.h>

#include "base/error.h"
#include "schemas/wire/mp.h"
#include "store/json_text.h"

#define HOLE_LEN (sizeof(ANSWERS_HOLE) - 1)

struct member {
    struct slice key;
    uint64_t rank; /* length and first bytes of the key: decides most comparisons */
    struct mp_value value;
    struct mp_cursor at; /* before the value */
};

/* Members in order of their keys. */
struct ordered {
    const struct member *order[ANSWERS_SORTED_MAX];
    bool twice; /* some key stands twice */
};

/* jsonb's order is length, then bytes. */
static uint64_t
key_rank(struct slice key)
{
    uint64_t first = 0;

    if (key.len >= UINT8_MAX)
        return UINT64_MAX; /* longer than any other; among themselves they tie */
    if (key.len >= sizeof(first))
        memcpy(&first, key.at, sizeof(first));
    else if (key.len > 0)
        memcpy(&first, key.at, key.len);
    return (uint64_t)key.len << 56 | be64toh(first) >> 8;
}

static inline int
key_compare(const struct member *a, const struct member *b)
{
    if (a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    if (a->key.len != b->key.len)
        return a->key.len < b->key.len ? -1 : 1;
    return a->key.len > 0 ? memcmp(a->key.at, b->key.at, a->key.len) : 0;
}

/* Puts m into its place among n, behind one of the same key. */
static void
member_insert(struct ordered *o, size_t n, const struct member *m)
{
    for (; n > 0; n--) {
        int order = key_compare(m, o->order[n - 1]);
        o->twice = o->twice || order == 0;
        if (order >= 0)
            break;
        o->order[n] = o->order[n - 1];
    }
    o->order[n] = m;
}

/* Reads n members. False: a key is no string. */
static bool
members_read(struct mp_cursor *at, size_t n, struct member *members, struct ordered *ret)
{
    ret->twice = false;
    for (size_t i = 0; i < n; i++) {
        struct member *m = &members[i];
        struct mp_value key;
        mp_take(at, &key);
        m->at = *at;
        mp_take(at, &m->value);
        if (m->value.type == MP_MAP || m->value.type == MP_ARRAY) {
            *at = m->at;
            int bad = mp_skip(at);
            sluice_assert(bad == MP_OK);
        }
        if (key.type != MP_STR)
            return false;
        m->key = (struct slice){key.at, key.len};
        m->rank = key_rank(m->key);
        member_insert(ret, i, m);
    }
    return true;
}

/* The longest text that is worth a way of its own, or n. Where a key stands twice there is none. */
static size_t
long_find(const struct ordered *o, size_t n)
{
    size_t found = n, len = ANSWERS_LONG_MIN - 1;

    for (size_t i = 0; i < n && !o->twice; i++) {
        const struct mp_value *value = &o->order[i]->value;
        if (value->type == MP_STR && value->len > len) {
            found = i;
            len = value->len;
        }
    }
    return found;
}

static int
value_write(struct buf *b, const struct member *m)
{
    struct mp_cursor at = m->at;

    if (m->value.type != MP_MAP && m->value.type != MP_ARRAY)
        return json_text_scalar(b, &m->value);
    return json_text_write(b, &at);
}

static int
member_write(struct buf *b, const struct member *m, bool first, bool empty)
{
    int full = first ? buf_append(b, "{", 1) : buf_append(b, ", ", 2);

    if (full == BUF_OK)
        full = json_text_key(b, m->key.at, m->key.len);
    if (full == BUF_OK)
        full = empty ? buf_append(b, ANSWERS_HOLE, HOLE_LEN) : value_write(b, m);
    return full;
}

int
answers_write(struct buf *b, struct slice msgpack, struct answers_beside *ret_beside)
{
    struct mp_cursor whole = {msgpack.at, (const uint8_t *)msgpack.at + msgpack.len}, at = whole;
    struct member members[ANSWERS_SORTED_MAX];
    struct ordered o;
    struct mp_value map;
    int full = BUF_OK;
    bool first = true;

    *ret_beside = (struct answers_beside){.key = {NULL, 0}, .text = {NULL, 0}};
    mp_take(&at, &map);
    size_t n = map.len;
    if (map.type != MP_MAP || n == 0 || n > ANSWERS_SORTED_MAX ||
        !members_read(&at, n, members, &o))
        return json_text_write(b, &whole);
    size_t beside = long_find(&o, n);
    for (size_t i = 0; i < n && full == BUF_OK; i++) {
        const struct member *m = o.order[i];
        if (o.twice && i + 1 < n && key_compare(m, o.order[i + 1]) == 0)
            continue; /* the last one counts */
        full = member_write(b, m, first, i == beside);
        first = false;
        if (i == beside)
            *ret_beside = (struct answers_beside){
                m->key, {m->value.at, m->value.len}, b->size - (full == BUF_OK ? HOLE_LEN : 0)};
    }
    return full == BUF_OK ? buf_append(b, "}", 1) : full;
}
