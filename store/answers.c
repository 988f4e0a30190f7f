/* Members are gathered on the stack and put in order by insertion: there are few of them. */
#include "store/answers.h"

#include <stdbool.h>
#include <string.h>

#include "base/error.h"
#include "schemas/wire/mp.h"
#include "store/json_text.h"

#define HOLE_LEN (sizeof(ANSWERS_HOLE) - 1)

struct member {
    struct slice key;
    struct mp_value value;
    struct mp_cursor at; /* before the value */
};

static bool
key_less(struct slice a, struct slice b)
{
    if (a.len != b.len)
        return a.len < b.len;
    return a.len > 0 && memcmp(a.at, b.at, a.len) < 0;
}

static bool
key_equal(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

/* Reads n members, and puts them in order of their keys. False: a key is no string. */
static bool
members_read(struct mp_cursor *at, size_t n, struct member *members, const struct member **order)
{
    for (size_t i = 0; i < n; i++) {
        struct member *m = &members[i];
        struct mp_value key;
        mp_take(at, &key);
        m->key = (struct slice){key.at, key.len};
        m->at = *at;
        mp_take(at, &m->value);
        if (m->value.type == MP_MAP || m->value.type == MP_ARRAY) {
            *at = m->at;
            int bad = mp_skip(at);
            sluice_assert(bad == MP_OK);
        }
        if (key.type != MP_STR)
            return false;
        size_t to = i;
        for (; to > 0 && key_less(m->key, order[to - 1]->key); to--)
            order[to] = order[to - 1];
        order[to] = m;
    }
    return true;
}

/* The longest text that is worth a way of its own, or n. Where a key stands twice there is none. */
static size_t
long_find(const struct member *const *order, size_t n)
{
    size_t found = n, len = ANSWERS_LONG_MIN - 1;

    for (size_t i = 0; i < n; i++) {
        bool twice = i > 0 && key_equal(order[i - 1]->key, order[i]->key);
        if (twice)
            return n;
        if (order[i]->value.type == MP_STR && order[i]->value.len > len) {
            found = i;
            len = order[i]->value.len;
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
        full = json_text_string(b, m->key.at, m->key.len);
    if (full == BUF_OK)
        full = buf_append(b, ": ", 2);
    if (full == BUF_OK)
        full = empty ? buf_append(b, ANSWERS_HOLE, HOLE_LEN) : value_write(b, m);
    return full;
}

int
answers_write(struct buf *b, struct slice msgpack, struct answers_beside *ret_beside)
{
    struct mp_cursor whole = {msgpack.at, (const uint8_t *)msgpack.at + msgpack.len}, at = whole;
    struct member members[ANSWERS_SORTED_MAX];
    const struct member *order[ANSWERS_SORTED_MAX];
    struct mp_value map;
    int full = BUF_OK;
    bool first = true;

    *ret_beside = (struct answers_beside){.key = {NULL, 0}, .text = {NULL, 0}};
    mp_take(&at, &map);
    size_t n = map.len;
    if (map.type != MP_MAP || n == 0 || n > ANSWERS_SORTED_MAX ||
        !members_read(&at, n, members, order))
        return json_text_write(b, &whole);
    size_t beside = long_find(order, n);
    for (size_t i = 0; i < n && full == BUF_OK; i++) {
        const struct member *m = order[i];
        if (i + 1 < n && key_equal(m->key, order[i + 1]->key))
            continue; /* the last one counts */
        full = member_write(b, m, first, i == beside);
        first = false;
        if (i == beside)
            *ret_beside = (struct answers_beside){
                m->key, {m->value.at, m->value.len}, b->size - (full == BUF_OK ? HOLE_LEN : 0)};
    }
    return full == BUF_OK ? buf_append(b, "}", 1) : full;
}
