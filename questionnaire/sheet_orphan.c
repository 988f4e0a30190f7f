/* Answers of a QuestionnaireResponse that stand where they don't belong. They are no part of the
 * layout, and the form is rejected; but an alert must not be lost because an app left a group out
 * or sent a question twice. So what is of its item's type is kept, under its linkId, and written
 * beside the rest. */
#include "base/error.h"
#include "questionnaire/sheet.h"
#include "questionnaire/value.h"

/* A whole key, even one that is no name; the cursor stands before its value. */
static void
key_next(struct mp_cursor *at, struct mp_value *ret)
{
    struct mp_cursor here = *at;

    mp_skip(at);
    mp_take(&here, ret);
}

static void
orphan_keep(struct sheet *s, uint32_t i, enum value_type type, struct mp_cursor at)
{
    const struct item *item = &s->q->items[i];
    struct answer a = {.type = (uint8_t)type, .raw = at.at, .place = SHEET_NONE};
    size_t before = s->orphans.size;
    const char *more;

    mp_take(&at, &a.v);
    a.inside = at.at;
    a.good = value_judge(item, &a, s->end, &more) == RULE_COUNT;
    if (!a.good)
        return;
    int full = mp_put_str(&s->orphans, item->link_id, item->link_id_len);
    size_t value = s->orphans.size;
    full |= sheet_write_value(s, item, &a, &s->orphans);
    /* A write that did not fit left nodes out. */
    if (full == BUF_OK &&
        mp_check(s->orphans.data + value, s->orphans.size - value, SIZE_MAX) == MP_OK)
        s->n_orphans++;
    else
        s->orphans.size = before;
}

void
sheet_orphan_answer(struct sheet *s, uint32_t i, struct mp_cursor at)
{
    struct mp_value map, key;

    mp_take(&at, &map);
    for (uint32_t n = 0; map.type == MP_MAP && n < map.len; n++) {
        key_next(&at, &key);
        enum value_type type = value_type_find(&key);
        if (type != VALUE_SHORT && i != ITEM_NONE)
            orphan_keep(s, i, type, at);
        else if (mp_is_str(&key, "item"))
            sheet_orphan_items(s, at);
        mp_skip(&at);
    }
}

/* One item and all below it. */
static void
item_walk(struct sheet *s, const struct mp_value *map, struct mp_cursor at)
{
    struct mp_cursor items = {NULL, NULL}, answers = {NULL, NULL};
    struct mp_value key, v;
    uint32_t i = ITEM_NONE;

    for (uint32_t n = 0; n < map->len; n++) {
        key_next(&at, &key);
        struct mp_cursor inside = at;
        mp_take(&inside, &v);
        if (mp_is_str(&key, "linkId") && v.type == MP_STR)
            i = item_find(s->q, (const char *)v.at, v.len);
        else if (mp_is_str(&key, "item"))
            items = at;
        else if (mp_is_str(&key, "answer") && v.type == MP_ARRAY)
            answers = at;
        mp_skip(&at);
    }
    if (items.at != NULL)
        sheet_orphan_items(s, items);
    if (answers.at == NULL)
        return;
    mp_take(&answers, &v);
    for (uint32_t n = 0; n < v.len; n++) {
        sheet_orphan_answer(s, i, answers);
        mp_skip(&answers);
    }
}

void
sheet_orphan_items(struct sheet *s, struct mp_cursor at)
{
    struct mp_value v;

    mp_take(&at, &v);
    if (v.type == MP_MAP) {
        item_walk(s, &v, at);
        return;
    }
    for (uint32_t n = 0; v.type == MP_ARRAY && n < v.len; n++) {
        sheet_orphan_items(s, at);
        mp_skip(&at);
    }
}
