/* Copies the answers value by value; a map under the linkId of an attachment item is one, at
 * whatever depth. Depth is bounded by mp_check. */
#include "questionnaire/attachments_take.h"

#include <sodium.h>
#include <string.h>

#include "base/error.h"
#include "questionnaire/attachment.h"
#include "questionnaire/item.h"
#include "schemas/wire/mp.h"

struct taking {
    const struct questionnaire *q;
    attachment_keep_fn *keep;
    void *arg;
    struct buf *out;
    int full;
};

static void any_copy(struct taking *t, const struct item *item, struct mp_cursor *at);

bool
questionnaire_attaches(const struct questionnaire *q)
{
    for (uint32_t i = 0; i < q->n_items; i++) {
        if (q->items[i].type == ITEM_ATTACHMENT)
            return true;
    }
    return false;
}

/* The bytes of one whole value, copied; the cursor moves on. */
static void
value_copy(struct taking *t, struct mp_cursor *at)
{
    const uint8_t *begin = at->at;

    mp_skip(at);
    t->full |= buf_append(t->out, begin, (size_t)(at->at - begin));
}

/* Hands the data over; the name under which it is kept, in hex. */
static void
data_keep(struct taking *t, const struct item *item, const struct attachment *x,
          char ret_name[2 * ATTACHMENT_HASH_BYTES + 1])
{
    uint8_t *content = mem_new(x->data_bytes + 1, 1), hash[ATTACHMENT_HASH_BYTES];
    size_t size = 0;

    int bad = sodium_base642bin(content, x->data_bytes, x->data.at, x->data.len, " \t\r\n", &size,
                                NULL, sodium_base64_VARIANT_ORIGINAL);
    sluice_assert(bad == 0 && size == x->data_bytes); /* attachment_read looked at it */
    t->keep(t->arg,
            &(struct attachment_taken){.link_id = item->link_id,
                                       .content_type = x->content_type.at,
                                       .content_type_len = x->content_type.len,
                                       .content = content,
                                       .size = size},
            hash);
    sodium_bin2hex(ret_name, 2 * ATTACHMENT_HASH_BYTES + 1, hash, sizeof(hash));
    free(content);
}

static bool
is_replaced(const struct mp_value *key)
{
    return mp_is_str(key, "data") || mp_is_str(key, "size") || mp_is_str(key, "stored");
}

/* An Attachment with data, whose head was read. */
static void
attachment_take(struct taking *t, const struct item *item, const struct attachment *x,
                const struct mp_value *v, struct mp_cursor *at)
{
    char name[2 * ATTACHMENT_HASH_BYTES + 1];
    struct mp_cursor count = *at;
    struct mp_value key;
    uint32_t kept = 0;

    for (uint32_t n = 0; n < v->len; n++) {
        mp_take(&count, &key);
        kept += !is_replaced(&key);
        mp_skip(&count);
    }
    t->full |= mp_put_map(t->out, kept + 2);
    for (uint32_t n = 0; n < v->len; n++) {
        mp_take(at, &key);
        if (is_replaced(&key)) {
            mp_skip(at);
            continue;
        }
        t->full |= mp_put_str(t->out, (const char *)key.at, key.len);
        value_copy(t, at);
    }
    data_keep(t, item, x, name);
    t->full |= mp_put_cstr(t->out, "size") | mp_put_uint(t->out, x->data_bytes);
    t->full |= mp_put_cstr(t->out, "stored") | mp_put_cstr(t->out, name);
}

/* item: the attachment item under whose linkId this stands, or NULL. */
static void
any_copy(struct taking *t, const struct item *item, struct mp_cursor *at)
{
    struct mp_cursor inside = *at;
    struct mp_value v, key;
    struct attachment x;

    mp_take(&inside, &v);
    if (v.type != MP_MAP && v.type != MP_ARRAY) {
        value_copy(t, at);
        return;
    }
    *at = inside;
    if (item != NULL && v.type == MP_MAP && attachment_read(&v, inside, &x) && x.data.at != NULL) {
        attachment_take(t, item, &x, &v, at);
        return;
    }
    t->full |= v.type == MP_MAP ? mp_put_map(t->out, v.len) : mp_put_array(t->out, v.len);
    for (uint32_t n = 0; n < v.len; n++) {
        const struct item *inner = item; /* of an array, or of {"value", "items"} */
        if (v.type == MP_MAP) {
            const uint8_t *begin = at->at;
            mp_take(at, &key);
            t->full |= buf_append(t->out, begin, (size_t)(at->at - begin));
            uint32_t i = item_find(t->q, (const char *)key.at, key.len);
            inner = i != ITEM_NONE && t->q->items[i].type == ITEM_ATTACHMENT ? &t->q->items[i]
                    : mp_is_str(&key, "value")                               ? item
                                                                             : NULL;
        }
        any_copy(t, inner, at);
    }
}

int
attachments_take(const struct questionnaire *q, const uint8_t *answers, size_t size,
                 attachment_keep_fn *keep, void *arg, struct buf *out)
{
    struct taking t = {.q = q, .keep = keep, .arg = arg, .out = out};
    struct mp_cursor at = {answers, answers + size};

    any_copy(&t, NULL, &at);
    return t.full != 0 ? BUF_FULL : BUF_OK;
}
