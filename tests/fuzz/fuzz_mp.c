/* msgpack and canonical forms. What mp_check lets through can be walked, copied and skipped to its
 * exact end, and its canonical form is canonical; what it refuses does no harm. */
#include <string.h>

#include "base/error.h"
#include "schemas/wire/canonical.h"
#include "schemas/wire/mp.h"
#include "tests/fuzz/fuzz.h"

#define NODES_MAX 100000

static int
value_put(struct buf *b, const struct mp_value *v)
{
    switch (v->type) {
    case MP_NIL:
    case MP_FLOAT: /* no writer: floats never come from us */
        return mp_put_nil(b);
    case MP_BOOL:
        return mp_put_bool(b, v->boolean);
    case MP_INT:
        return mp_put_int(b, v->i);
    case MP_UINT:
        return mp_put_uint(b, v->u);
    case MP_STR:
        return mp_put_str(b, (const char *)v->at, v->len);
    case MP_BIN:
        return mp_put_bin(b, v->at, v->len);
    case MP_ARRAY:
        return mp_put_array(b, v->len);
    case MP_MAP:
        return mp_put_map(b, v->len);
    case MP_EXT:
        return mp_put_ext(b, v->ext_type, v->at, v->len);
    }
    return BUF_FULL;
}

/* Every node written again: as sound, and never longer. */
static void
copy_is_sound(const uint8_t *data, size_t size)
{
    struct mp_cursor c = {data, data + size};
    struct mp_value v;
    struct buf copy;

    buf_init(&copy, size);
    while (c.at < c.end) {
        int r = mp_next(&c, &v);
        sluice_assert(r == MP_OK);
        r = value_put(&copy, &v);
        sluice_assert(r == BUF_OK);
    }
    sluice_assert(mp_check(copy.data, copy.size, NODES_MAX) == MP_OK);
    buf_deinit(&copy);
}

static void
canonical_is_canonical(const uint8_t *data, size_t size)
{
    static const char *const none[] = {NULL}, *const some[] = {"id", "sentAt", NULL};
    const uint8_t *form, *again;
    size_t form_size, again_size;
    struct buf first, second;

    buf_init(&first, 2 * size + 16);
    buf_init(&second, 2 * size + 16);
    int r = canonical_form(data, size, some, &first, &form, &form_size);
    sluice_assert(r != CANONICAL_TOO_LARGE);
    if (r == CANONICAL_OK) {
        sluice_assert(form_size <= size);
        sluice_assert(mp_check(form, form_size, NODES_MAX) == MP_OK);
        r = canonical_form(form, form_size, none, &second, &again, &again_size);
        sluice_assert(r == CANONICAL_OK && again_size == form_size);
        sluice_assert(memcmp(form, again, form_size) == 0);
    }
    buf_deinit(&first);
    buf_deinit(&second);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mp_cursor c = {data, data + size};
    struct mp_value v;

    bool sound = mp_check(data, size, NODES_MAX) == MP_OK;
    if (mp_skip(&c) == MP_OK)
        sluice_assert(c.at > data && c.at <= c.end);
    else
        sluice_assert(!sound && c.at == data);
    if (sound)
        sluice_assert(c.at == c.end);
    mp_find(data, size, "id", &v, &c);
    sluice_assert(c.at >= data && c.at <= data + size);
    if (sound)
        copy_is_sound(data, size);
    canonical_is_canonical(data, size); /* bytes nobody checked do no harm either */
    return 0;
}
