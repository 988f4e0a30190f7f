/* One pass over the map, without recursion. Elements are written behind each other as they come;
 * every open map keeps where its entries lie. When a map ends out of order, its entries are
 * permuted within what was written: a byte is moved at most once a level, and not at all where the
 * keys already stand in order (the usual case is about 15 keys in one or two maps).
 *
 * The top-level map's head is written last, right before its first entry, because members left out
 * change its count and so its size. */
#include "schemas/wire/canonical.h"

#include <endian.h>
#include <stdbool.h>
#include <string.h>

#include "base/error.h"
#include "schemas/wire/mp.h"

#define HEAD_ROOM 8       /* bytes in front of the first entry; a map's head has at most 5 */
#define ENTRIES_INLINE 96 /* entries of all open maps together that need no memory of their own */
#define INSERTION_MAX 24

/* A key and its value within the form. */
struct extent {
    uint32_t at, end;
    uint32_t key_at, key_len; /* the key's characters */
    uint64_t prefix;          /* the first eight of them as a number: decides most comparisons */
};

struct level {
    bool is_map, in_order;
    bool in_entry;  /* a key was read, its value comes next */
    uint32_t left;  /* elements, or pairs, that have not begun */
    uint32_t first; /* index of the map's first extent */
};

struct canonical {
    struct buf *form; /* has room for twice the input: the form, and a map while it is permuted */
    const char *const *omit;
    struct level levels[MP_DEPTH_MAX];
    unsigned depth;
    struct extent *extents;
    uint32_t n_extents, cap_extents;
    struct extent inline_extents[ENTRIES_INLINE];
};

/* Shorter keys end in zeros here, which keeps their order and ties them at worst. */
static uint64_t
key_prefix(const struct mp_value *key)
{
    uint64_t v = 0;

    memcpy(&v, key->at, key->len < sizeof(v) ? key->len : sizeof(v));
    return be64toh(v);
}

static int
key_compare(const uint8_t *form, const struct extent *a, const struct extent *b)
{
    uint32_t len = a->key_len < b->key_len ? a->key_len : b->key_len;

    if (a->prefix != b->prefix)
        return a->prefix < b->prefix ? -1 : 1;
    int r = memcmp(form + a->key_at, form + b->key_at, len);
    return r != 0 ? r : (a->key_len > b->key_len) - (a->key_len < b->key_len);
}

static int
extent_order(const void *a, const void *b, void *form)
{
    const struct extent *x = a, *y = b;

    int r = key_compare(form, x, y);
    return r != 0 ? r : (x->at > y->at) - (x->at < y->at);
}

/* Equal keys (no edge lets them through) keep their order. */
static void
extents_sort(const uint8_t *form, struct extent *e, uint32_t n)
{
    if (n > INSERTION_MAX) {
        qsort_r(e, n, sizeof(*e), extent_order, (void *)(uintptr_t)form);
        return;
    }
    for (uint32_t i = 1; i < n; i++) {
        struct extent moving = e[i];
        uint32_t j = i;
        for (; j > 0 && key_compare(form, &e[j - 1], &moving) > 0; j--)
            e[j] = e[j - 1];
        e[j] = moving;
    }
}

static void
map_permute(struct canonical *c, const struct level *level)
{
    struct extent *e = c->extents + level->first;
    uint32_t n = c->n_extents - level->first;
    uint8_t *start = c->form->data + e[0].at, *spare = c->form->data + c->form->size, *to = spare;

    extents_sort(c->form->data, e, n);
    for (uint32_t i = 0; i < n; i++) {
        size_t size = e[i].end - e[i].at;
        memcpy(to, c->form->data + e[i].at, size);
        to += size;
    }
    memcpy(start, spare, (size_t)(to - spare));
}

static void
extent_begin(struct canonical *c, const struct extent *e)
{
    if (c->n_extents == c->cap_extents) {
        bool was_inline = c->extents == c->inline_extents;
        c->extents = mem_grow(was_inline ? NULL : c->extents, (size_t)c->cap_extents * 2,
                              sizeof(*c->extents));
        if (was_inline)
            memcpy(c->extents, c->inline_extents, sizeof(c->inline_extents));
        c->cap_extents *= 2;
    }
    c->extents[c->n_extents++] = *e;
}

static bool
key_is_omitted(const struct canonical *c, const struct mp_value *key)
{
    for (const char *const *name = c->omit; *name != NULL; name++) {
        if (mp_is_str(key, *name))
            return true;
    }
    return false;
}

/* Ends what the last element completed: its entry, and every container it was the last of. */
static void
levels_end(struct canonical *c)
{
    while (c->depth > 0) {
        struct level *level = &c->levels[c->depth - 1];
        if (level->in_entry) {
            c->extents[c->n_extents - 1].end = (uint32_t)c->form->size;
            level->in_entry = false;
        }
        if (level->left > 0)
            return;
        if (level->is_map) {
            if (!level->in_order)
                map_permute(c, level);
            /* The top level's count is asked for at the end. */
            if (c->depth > 1)
                c->n_extents = level->first;
        }
        c->depth--;
    }
}

static void
level_begin(struct canonical *c, const struct mp_value *v)
{
    c->levels[c->depth++] = (struct level){
        .is_map = v->type == MP_MAP,
        .in_order = true,
        .left = v->len,
        .first = c->n_extents,
    };
}

/* Does head begin the shortest encoding of v? Nearly always: our own encoder writes no other. */
static bool
head_is_shortest(const struct mp_value *v, uint8_t head)
{
    switch (v->type) {
    case MP_UINT:
    case MP_INT:
        return head < 0x80 || head >= 0xe0;
    case MP_STR:
        return head < 0xc0 || (head == 0xd9 && v->len >= 32);
    case MP_BIN:
        return head == 0xc4;
    case MP_EXT:
        return head == 0xc7 ? v->len > 16 || (v->len & (v->len - 1)) != 0
                            : head >= 0xd4 && head <= 0xd8;
    case MP_NIL:
    case MP_BOOL:
    case MP_FLOAT:
        return true;
    case MP_ARRAY:
    case MP_MAP:
        break;
    }
    return false;
}

/* Room was made for all of it at the start. */
static void
scalar_put(struct buf *b, const struct mp_value *v, const uint8_t *raw, size_t raw_size)
{
    if (head_is_shortest(v, *raw)) {
        memcpy(b->data + b->size, raw, raw_size);
        buf_commit(b, raw_size);
    } else if (v->type == MP_UINT) {
        mp_put_uint(b, v->u);
    } else if (v->type == MP_INT) {
        mp_put_int(b, v->i);
    } else if (v->type == MP_STR) {
        mp_put_str(b, (const char *)v->at, v->len);
    } else if (v->type == MP_BIN) {
        mp_put_bin(b, v->at, v->len);
    } else {
        mp_put_ext(b, v->ext_type, v->at, v->len);
    }
}

/* Reads the key that is due in level; a top-level member left out goes with its value. */
static int
key_take(struct canonical *c, struct level *level, struct mp_cursor *in)
{
    const uint8_t *raw = in->at;
    struct mp_value key;

    level->left--;
    if (mp_next(in, &key) != MP_OK || key.type != MP_STR)
        return CANONICAL_MALFORMED;
    if (c->depth == 1 && key_is_omitted(c, &key)) {
        if (mp_skip(in) != MP_OK)
            return CANONICAL_MALFORMED;
        levels_end(c);
        return CANONICAL_OK;
    }
    struct extent e = {.at = (uint32_t)c->form->size, .key_len = key.len};
    e.prefix = key_prefix(&key);
    scalar_put(c->form, &key, raw, (size_t)(in->at - raw));
    e.key_at = (uint32_t)c->form->size - key.len;
    if (c->n_extents > level->first &&
        key_compare(c->form->data, &c->extents[c->n_extents - 1], &e) > 0)
        level->in_order = false;
    extent_begin(c, &e);
    level->in_entry = true;
    return CANONICAL_OK;
}

static int
element_take(struct canonical *c, struct mp_cursor *in)
{
    struct level *level = &c->levels[c->depth - 1];
    const uint8_t *raw = in->at;
    struct mp_value v;

    if (level->is_map && !level->in_entry)
        return key_take(c, level, in);
    if (!level->is_map)
        level->left--;
    if (mp_next(in, &v) != MP_OK)
        return CANONICAL_MALFORMED;
    if (v.type != MP_MAP && v.type != MP_ARRAY) {
        scalar_put(c->form, &v, raw, (size_t)(in->at - raw));
        levels_end(c);
        return CANONICAL_OK;
    }
    if (c->depth == MP_DEPTH_MAX)
        return CANONICAL_MALFORMED;
    if (v.type == MP_MAP)
        mp_put_map(c->form, v.len);
    else
        mp_put_array(c->form, v.len);
    level_begin(c, &v);
    if (v.len == 0)
        levels_end(c);
    return CANONICAL_OK;
}

/* Puts the head right in front of the first entry. */
static void
head_put(struct canonical *c, const uint8_t **ret_form, size_t *ret_size)
{
    size_t end = c->form->size;

    mp_put_map(c->form, c->n_extents);
    size_t head_size = c->form->size - end;
    uint8_t *head = c->form->data + HEAD_ROOM - head_size;
    memcpy(head, c->form->data + end, head_size);
    c->form->size = end;
    *ret_form = head;
    *ret_size = end - HEAD_ROOM + head_size;
}

int
canonical_form(const uint8_t *data, size_t size, const char *const *omit, struct buf *scratch,
               const uint8_t **ret_form, size_t *ret_size)
{
    struct canonical c;
    struct mp_cursor in = {data, data + size};
    struct mp_value top;
    uint8_t *room;

    buf_clear(scratch);
    if (size > INT32_MAX || buf_reserve(scratch, 2 * size + 2 * HEAD_ROOM, &room) != BUF_OK)
        return CANONICAL_TOO_LARGE;
    if (mp_next(&in, &top) != MP_OK || top.type != MP_MAP)
        return CANONICAL_MALFORMED;
    buf_commit(scratch, HEAD_ROOM);
    c.form = scratch;
    c.omit = omit;
    c.depth = 0;
    c.extents = c.inline_extents;
    c.n_extents = 0;
    c.cap_extents = ENTRIES_INLINE;
    level_begin(&c, &top);
    if (top.len == 0)
        levels_end(&c);

    int r = CANONICAL_OK;
    while (r == CANONICAL_OK && c.depth > 0)
        r = element_take(&c, &in);
    if (r == CANONICAL_OK)
        head_put(&c, ret_form, ret_size);
    if (c.extents != c.inline_extents)
        free(c.extents);
    return r;
}
