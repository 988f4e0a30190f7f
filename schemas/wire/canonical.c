/* One pass over the map, without recursion. Nearly all bytes stand in the form as they came, so
 * that a run of them is copied at once: when something must be written otherwise, or a map put in
 * order. Every open map keeps where its entries lie. When a map ends out of order, its entries are
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

/* A key and its value. */
struct extent {
    uint32_t at, end; /* within the form */
    uint32_t key_len;
    const uint8_t *key; /* the key's characters in the input */
    uint64_t prefix;    /* the first eight of them as a number: decides most comparisons */
};

struct level {
    bool is_map, in_order;
    uint32_t left;  /* elements, or pairs, that have not begun */
    uint32_t first; /* index of the map's first extent */
};

struct canonical {
    struct buf *form;   /* has room for twice the input: the form, and a map while it is permuted */
    const uint8_t *run; /* of the input: from here on it is to be copied as it is */
    const char *const *omit;
    struct level levels[MP_DEPTH_MAX];
    unsigned depth;
    struct extent *extents;
    uint32_t n_extents, cap_extents;
    struct extent inline_extents[ENTRIES_INLINE];
};

/* Where in the form it stands what comes from at in the input, which the run reaches. */
static uint32_t
form_at(const struct canonical *c, const uint8_t *at)
{
    return (uint32_t)(c->form->size + (size_t)(at - c->run));
}

/* Copies the run up to at; the next one begins at resume. */
static void
run_end(struct canonical *c, const uint8_t *at, const uint8_t *resume)
{
    size_t n = (size_t)(at - c->run);

    memcpy(c->form->data + c->form->size, c->run, n);
    buf_commit(c->form, n);
    c->run = resume;
}

/* Shorter keys end in zeros here, which keeps their order and ties them at worst. */
static uint64_t
key_prefix(const struct mp_value *key)
{
    uint64_t v = 0;

    if (key->len >= sizeof(v))
        memcpy(&v, key->at, sizeof(v));
    else
        memcpy(&v, key->at, key->len);
    return be64toh(v);
}

static int
key_compare(const struct extent *a, const struct extent *b)
{
    uint32_t len = a->key_len < b->key_len ? a->key_len : b->key_len;

    if (a->prefix != b->prefix)
        return a->prefix < b->prefix ? -1 : 1;
    int r = memcmp(a->key, b->key, len);
    return r != 0 ? r : (a->key_len > b->key_len) - (a->key_len < b->key_len);
}

static inline bool
key_after(const struct extent *a, const struct extent *b)
{
    return a->prefix > b->prefix || (a->prefix == b->prefix && key_compare(a, b) > 0);
}

static int
extent_order(const void *a, const void *b)
{
    const struct extent *x = a, *y = b;

    int r = key_compare(x, y);
    return r != 0 ? r : (x->at > y->at) - (x->at < y->at);
}

/* Equal keys (no edge lets them through) keep their order. */
static void
extents_sort(struct extent *e, uint32_t n)
{
    if (n > INSERTION_MAX) {
        qsort(e, n, sizeof(*e), extent_order);
        return;
    }
    for (uint32_t i = 1; i < n; i++) {
        struct extent moving = e[i];
        uint32_t j = i;
        for (; j > 0 && key_after(&e[j - 1], &moving); j--)
            e[j] = e[j - 1];
        e[j] = moving;
    }
}

/* All of the map was copied. */
static void
map_permute(struct canonical *c, const struct level *level)
{
    struct extent *e = c->extents + level->first;
    uint32_t n = c->n_extents - level->first;
    uint8_t *start = c->form->data + e[0].at, *spare = c->form->data + c->form->size, *to = spare;

    extents_sort(e, n);
    for (uint32_t i = 0; i < n; i++) {
        size_t size = e[i].end - e[i].at;
        memcpy(to, c->form->data + e[i].at, size);
        to += size;
    }
    memcpy(start, spare, (size_t)(to - spare));
}

static void __attribute__((cold)) extents_grow(struct canonical *c)
{
    bool was_inline = c->extents == c->inline_extents;

    c->extents =
        mem_grow(was_inline ? NULL : c->extents, (size_t)c->cap_extents * 2, sizeof(*c->extents));
    if (was_inline)
        memcpy(c->extents, c->inline_extents, sizeof(c->inline_extents));
    c->cap_extents *= 2;
}

static bool
key_is_omitted(const struct canonical *c, const struct mp_value *key)
{
    for (const char *const *name = c->omit; *name != NULL; name++) {
        /* The first character already tells nearly all apart. */
        if (key->len > 0 && key->at[0] == (uint8_t)(*name)[0] && mp_is_str(key, *name))
            return true;
    }
    return false;
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

/* A value of the innermost level ended before at: with it, if that is a map, an entry. */
static void
value_end(struct canonical *c, const uint8_t *at)
{
    if (c->levels[c->depth - 1].is_map)
        c->extents[c->n_extents - 1].end = form_at(c, at);
}

/* Ends every container of which nothing is left. */
static void
levels_end(struct canonical *c, const uint8_t *at)
{
    while (c->depth > 0 && c->levels[c->depth - 1].left == 0) {
        const struct level *level = &c->levels[c->depth - 1];
        if (level->is_map && !level->in_order) {
            run_end(c, at, at);
            map_permute(c, level);
        }
        /* The top level's count is asked for at the end. */
        if (level->is_map && c->depth > 1)
            c->n_extents = level->first;
        c->depth--;
        if (c->depth > 0)
            value_end(c, at);
    }
}

/* Does head, which is longer than a byte, begin the shortest encoding of v? Nearly always: our own
 * encoder writes no other. */
static bool
head_is_shortest(const struct mp_value *v, uint8_t head)
{
    switch (v->type) {
    case MP_STR:
        return head == 0xd9 ? v->len >= 32 : head == 0xda && v->len > UINT8_MAX;
    case MP_BIN:
        return head == 0xc4;
    case MP_EXT:
        return head == 0xc7 ? v->len > 16 || (v->len & (v->len - 1)) != 0
                            : head >= 0xd4 && head <= 0xd8;
    case MP_FLOAT:
        return true;
    case MP_NIL:
    case MP_BOOL:
    case MP_UINT:
    case MP_INT:
    case MP_ARRAY:
    case MP_MAP:
        break;
    }
    return false;
}

/* Writes v, or of a container the head, otherwise than it came. Room was made for all of it at the
 * start. */
static void
value_put(struct buf *b, const struct mp_value *v)
{
    if (v->type == MP_UINT)
        mp_put_uint(b, v->u);
    else if (v->type == MP_INT)
        mp_put_int(b, v->i);
    else if (v->type == MP_STR)
        mp_put_str(b, (const char *)v->at, v->len);
    else if (v->type == MP_BIN)
        mp_put_bin(b, v->at, v->len);
    else if (v->type == MP_EXT)
        mp_put_ext(b, v->ext_type, v->at, v->len);
    else if (v->type == MP_MAP)
        mp_put_map(b, v->len);
    else
        mp_put_array(b, v->len);
}

/* v stood between raw and the cursor. */
static inline void
value_take(struct canonical *c, const struct mp_value *v, const uint8_t *raw,
           const struct mp_cursor *in)
{
    bool one_byte = *raw < 0xc4 || *raw >= 0xe0;

    if (one_byte || head_is_shortest(v, *raw))
        return; /* the run goes on */
    run_end(c, raw, in->at);
    value_put(c->form, v);
}

/* An entry of level begins with this key. */
static void
entry_begin(struct canonical *c, struct level *level, const struct mp_value *key,
            const uint8_t *raw)
{
    if (c->n_extents == c->cap_extents)
        extents_grow(c);
    struct extent *e = &c->extents[c->n_extents++];
    e->at = form_at(c, raw);
    e->key_len = key->len;
    e->key = key->at;
    e->prefix = key_prefix(key);
    if (level->in_order && e > &c->extents[level->first] && key_after(e - 1, e))
        level->in_order = false;
}

/* Reads an element of the innermost level, of a map with its key; of a container the head. A
 * top-level member left out goes with its value. */
static int
element_take(struct canonical *c, struct mp_cursor *in)
{
    struct level *level = &c->levels[c->depth - 1];
    const uint8_t *raw = in->at;
    struct mp_value v;

    level->left--;
    if (level->is_map) {
        if (mp_next(in, &v) != MP_OK || v.type != MP_STR)
            return CANONICAL_MALFORMED;
        if (c->depth == 1 && key_is_omitted(c, &v)) {
            if (mp_skip(in) != MP_OK)
                return CANONICAL_MALFORMED;
            run_end(c, raw, in->at);
            levels_end(c, in->at);
            return CANONICAL_OK;
        }
        entry_begin(c, level, &v, raw);
        value_take(c, &v, raw, in);
        raw = in->at;
    }
    if (mp_next(in, &v) != MP_OK)
        return CANONICAL_MALFORMED;
    value_take(c, &v, raw, in);
    if (v.type != MP_MAP && v.type != MP_ARRAY) {
        value_end(c, in->at);
    } else {
        if (c->depth == MP_DEPTH_MAX)
            return CANONICAL_MALFORMED;
        level_begin(c, &v);
    }
    if (c->levels[c->depth - 1].left == 0)
        levels_end(c, in->at);
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
    c.run = in.at;
    c.omit = omit;
    c.depth = 0;
    c.extents = c.inline_extents;
    c.n_extents = 0;
    c.cap_extents = ENTRIES_INLINE;
    level_begin(&c, &top);
    levels_end(&c, in.at);

    int r = CANONICAL_OK;
    while (r == CANONICAL_OK && c.depth > 0)
        r = element_take(&c, &in);
    if (r == CANONICAL_OK) {
        run_end(&c, in.at, in.at);
        head_put(&c, ret_form, ret_size);
    }
    if (c.extents != c.inline_extents)
        free(c.extents);
    return r;
}
