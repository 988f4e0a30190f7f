/* Members are gathered on the stack and sorted by insertion: there are few of them. */
#include "store/answers.h"

#include <stdbool.h>
#include <string.h>

#include "base/error.h"
#include "schemas/wire/mp.h"
#include "store/json_text.h"

#define HOLE_LEN (sizeof(ANSWERS_HOLE) - 1)

struct member {
    struct slice key;
    struct mp_cursor value;
    struct slice text; /* at NULL: the value is no string */
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

/* Reads n members in order of their keys. False: a key is no string. */
static bool
members_read(struct mp_cursor *at, struct member *members, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct mp_value key, value;
        int bad = mp_next(at, &key);
        struct mp_cursor begin = *at, inside = *at;
        bad |= mp_next(&inside, &value);
        if (value.type == MP_MAP || value.type == MP_ARRAY)
            bad |= mp_skip(at);
        else
            *at = inside;
        sluice_assert(bad == MP_OK);
        if (key.type != MP_STR)
            return false;
        struct member m = {.key = {key.at, key.len}, .value = begin};
        if (value.type == MP_STR)
            m.text = (struct slice){value.at, value.len};
        size_t to = i;
        for (; to > 0 && key_less(m.key, members[to - 1].key); to--)
            members[to] = members[to - 1];
        members[to] = m;
    }
    return true;
}

/* The longest text that is worth a way of its own, or n. Where a key stands twice there is none. */
static size_t
long_find(const struct member *members, size_t n)
{
    size_t found = n, len = ANSWERS_LONG_MIN - 1;

    for (size_t i = 0; i < n; i++) {
        bool twice = i > 0 && key_equal(members[i - 1].key, members[i].key);
        if (twice)
            return n;
        if (members[i].text.at != NULL && members[i].text.len > len) {
            found = i;
            len = members[i].text.len;
        }
    }
    return found;
}

static int
member_write(struct buf *b, const struct member *m, bool first, bool empty)
{
    struct mp_cursor value = m->value;
    int full = first ? buf_append(b, "{", 1) : buf_append(b, ", ", 2);

    if (full == BUF_OK)
        full = json_text_string(b, m->key.at, m->key.len);
    if (full == BUF_OK)
        full = buf_append(b, ": ", 2);
    if (full == BUF_OK)
        full = empty ? buf_append(b, ANSWERS_HOLE, HOLE_LEN) : json_text_write(b, &value);
    return full;
}

int
answers_write(struct buf *b, struct slice msgpack, struct answers_beside *ret_beside)
{
    struct mp_cursor whole = {msgpack.at, (const uint8_t *)msgpack.at + msgpack.len}, at = whole;
    struct member members[ANSWERS_SORTED_MAX];
    struct mp_value map;
    int full = BUF_OK;
    bool first = true;

    *ret_beside = (struct answers_beside){.key = {NULL, 0}, .text = {NULL, 0}};
    int bad = mp_next(&at, &map);
    sluice_assert(bad == MP_OK);
    size_t n = map.len;
    if (map.type != MP_MAP || n == 0 || n > ANSWERS_SORTED_MAX || !members_read(&at, members, n))
        return json_text_write(b, &whole);
    size_t beside = long_find(members, n);
    for (size_t i = 0; i < n && full == BUF_OK; i++) {
        if (i + 1 < n && key_equal(members[i].key, members[i + 1].key))
            continue; /* the last one counts */
        full = member_write(b, &members[i], first, i == beside);
        first = false;
        if (i == beside)
            *ret_beside = (struct answers_beside){members[i].key, members[i].text,
                                                  b->size - (full == BUF_OK ? HOLE_LEN : 0)};
    }
    return full == BUF_OK ? buf_append(b, "}", 1) : full;
}
