/* Walks the answers as SQL's answers_flat does, so that both number them alike. Depth is bounded by
 * mp_check. */
#include "questionnaire/normal.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "questionnaire/item.h"
#include "questionnaire/ucum.h"
#include "questionnaire/value.h"
#include "questionnaire/width.h"
#include "schemas/wire/mp.h"

#define GROUP_SIZE (12 * MP_DEPTH_MAX) /* "4294967295." an occurrence */

struct taking {
    const struct questionnaire *q;
    struct buf entries, text; /* text: of one answer */
    char group[GROUP_SIZE];
    size_t group_len;
    uint32_t n;
    bool widths; /* some text may have another width */
    int full;
};

static void map_walk(struct taking *t, struct mp_cursor *at);

static bool
has_text(const struct item *item)
{
    bool typed = item->type == ITEM_STRING || item->type == ITEM_TEXT;

    return item->identifier == IDENTIFIER_NONE &&
           ((typed && item->set == NULL) || item->type == ITEM_OPEN_CHOICE);
}

bool
normal_has_unit(const struct item *item)
{
    return item->identifier == IDENTIFIER_NONE && item->type == ITEM_QUANTITY &&
           item->unit != NULL && item->unit->code != NULL;
}

bool
questionnaire_normalises(const struct questionnaire *q)
{
    for (uint32_t i = 0; i < q->n_items; i++) {
        if (has_text(&q->items[i]))
            return true;
    }
    return q->converts;
}

static void
key_put(struct taking *t, const struct item *item, uint32_t nth)
{
    char key[GROUP_SIZE + 16 + QUESTIONNAIRE_LINK_ID_MAX];
    int n = snprintf(key, sizeof(key), "%.*s/%u/%.*s", (int)t->group_len, t->group, nth,
                     (int)item->link_id_len, item->link_id);

    t->full |= mp_put_str(&t->entries, key, (size_t)n);
    t->n++;
}

/* In another unit than the default one, which UCUM converts to it. */
static void
quantity_take(struct taking *t, const struct item *item, const struct mp_value *v,
              struct mp_cursor inside, uint32_t nth)
{
    const struct unit *own = item->unit;
    char text[DECIMAL_TEXT_SIZE];
    struct decimal written, normal;
    struct quantity x;

    if (v->type != MP_MAP || !quantity_read(v, inside, &x) || x.code.at == NULL ||
        quantity_has_unit(&x, own, own) || !quantity_converts(&x, own, own) ||
        number_read(&x.number, &written) != NUMBER_OK ||
        ucum_convert(written, x.code.at, x.code.len, own->code, strlen(own->code), &normal) !=
            UCUM_OK)
        return;
    key_put(t, item, nth);
    t->full |= mp_put_map(&t->entries, 2) | mp_put_cstr(&t->entries, "value");
    t->full |= mp_put_ext(&t->entries, MP_DECIMAL, text, decimal_format(normal, text));
    t->full |= mp_put_cstr(&t->entries, "code") | mp_put_cstr(&t->entries, own->code);
}

static void
text_take(struct taking *t, const struct item *item, const struct mp_value *v, uint32_t nth)
{
    bool differs;

    if (v->type != MP_STR || !width_may_differ(v->at, v->len))
        return;
    buf_clear(&t->text);
    t->full |= width_normal((const char *)v->at, v->len, &t->text, &differs);
    if (!differs)
        return;
    key_put(t, item, nth);
    t->full |= mp_put_map(&t->entries, 1) | mp_put_cstr(&t->entries, "text");
    t->full |= mp_put_str(&t->entries, (const char *)t->text.data, t->text.size);
}

/* {"text": "…"} of an open-choice. */
static void
free_text_take(struct taking *t, const struct item *item, const struct mp_value *v,
               struct mp_cursor inside, uint32_t nth)
{
    struct coding coding;

    if (v->type != MP_MAP || !coding_read(v, inside, false, &coding) || coding.text.at == NULL)
        return;
    text_take(t, item,
              &(struct mp_value){.type = MP_STR,
                                 .at = (const uint8_t *)coding.text.at,
                                 .len = (uint32_t)coding.text.len},
              nth);
}

/* One value, without the items below it. */
static void
value_take(struct taking *t, const struct item *item, struct mp_cursor *at, uint32_t nth)
{
    struct mp_cursor inside = *at;
    struct mp_value v;

    mp_take(&inside, &v);
    if (normal_has_unit(item))
        quantity_take(t, item, &v, inside, nth);
    else if (t->widths && has_text(item) && item->type == ITEM_OPEN_CHOICE)
        free_text_take(t, item, &v, inside, nth);
    else if (t->widths && has_text(item))
        text_take(t, item, &v, nth);
    mp_skip(at);
}

/* What stands below the nth answer or occurrence. */
static void
below_walk(struct taking *t, struct mp_cursor *at, uint32_t nth)
{
    size_t len = t->group_len;
    int n = snprintf(t->group + len, sizeof(t->group) - len, "%s%u", len > 0 ? "." : "", nth);

    sluice_assert(n > 0 && len + (size_t)n < sizeof(t->group));
    t->group_len += (size_t)n;
    map_walk(t, at);
    t->group_len = len;
}

/* {"value": …, "items": {…}}, or one of them; {"value": …} alone is a quantity to a quantity. */
static bool
is_wrapped(const struct item *item, const struct mp_value *v, struct mp_cursor at)
{
    bool value = false, items = false;
    struct mp_value key;

    for (uint32_t i = 0; v->type == MP_MAP && v->len <= 2 && i < v->len; i++) {
        mp_take(&at, &key);
        value = value || mp_is_str(&key, "value");
        items = items || mp_is_str(&key, "items");
        mp_skip(&at);
    }
    return items || (value && v->len == 1 && item->type != ITEM_QUANTITY);
}

static void
answer_walk(struct taking *t, const struct item *item, struct mp_cursor *at, uint32_t nth)
{
    struct mp_cursor inside = *at;
    struct mp_value v, key;

    if (item->type == ITEM_GROUP) {
        below_walk(t, at, nth);
        return;
    }
    mp_take(&inside, &v);
    if (!is_wrapped(item, &v, inside)) {
        value_take(t, item, at, nth);
        return;
    }
    *at = inside;
    for (uint32_t i = 0; i < v.len; i++) {
        mp_take(at, &key);
        if (mp_is_str(&key, "items"))
            below_walk(t, at, nth);
        else
            value_take(t, item, at, nth);
    }
}

/* linkId → answer, or array of answers. */
static void
map_walk(struct taking *t, struct mp_cursor *at)
{
    struct mp_cursor inside = *at;
    struct mp_value map, key, v;

    mp_take(&inside, &map);
    if (map.type != MP_MAP) {
        mp_skip(at);
        return;
    }
    *at = inside;
    for (uint32_t n = 0; n < map.len; n++) {
        mp_take(at, &key);
        sluice_assert(key.type == MP_STR);
        uint32_t i = item_find(t->q, (const char *)key.at, key.len);
        inside = *at;
        mp_take(&inside, &v);
        if (i == ITEM_NONE) {
            mp_skip(at);
        } else if (v.type != MP_ARRAY) {
            answer_walk(t, &t->q->items[i], at, 1);
        } else {
            *at = inside;
            for (uint32_t nth = 1; nth <= v.len; nth++)
                answer_walk(t, &t->q->items[i], at, nth);
        }
    }
}

int
normals_take(const struct questionnaire *q, const uint8_t *answers, size_t size, struct buf *out)
{
    struct taking t = {.q = q, .widths = width_may_differ(answers, size)};
    struct mp_cursor at = {answers, answers + size};

    if (!q->converts && !t.widths)
        return BUF_OK;
    buf_init(&t.entries, out->ceiling);
    buf_init(&t.text, out->ceiling);
    map_walk(&t, &at);
    if (t.n > 0)
        t.full |= mp_put_map(out, t.n) | buf_append(out, t.entries.data, t.entries.size);
    buf_deinit(&t.entries);
    buf_deinit(&t.text);
    return t.full != 0 ? BUF_FULL : BUF_OK;
}
