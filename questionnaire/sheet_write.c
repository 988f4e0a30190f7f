/* From the layout back to the short form. A value that came in the short form is copied as it
 * stands; one from a resource takes the shortest form that says the same. */
#include <string.h>

#include "base/error.h"
#include "questionnaire/sheet.h"
#include "questionnaire/ucum.h"
#include "questionnaire/value.h"

static int place_write(const struct sheet *s, uint32_t place, struct buf *out);

static int
raw_write(const struct sheet *s, const struct answer *a, struct buf *out)
{
    struct mp_cursor at = {a->raw, s->end};
    int bad = mp_skip(&at);

    sluice_assert(bad == MP_OK);
    return buf_append(out, a->raw, (size_t)(at.at - a->raw));
}

static void
member_write(struct buf *out, const char *name, struct span s)
{
    if (s.at == NULL)
        return;
    mp_put_cstr(out, name);
    mp_put_str(out, s.at, s.len);
}

/* The option's code, with its system where another option has that code too. */
static int
option_write(const struct item *item, uint32_t option, struct buf *out)
{
    const struct option *o = &item->options[option];

    if (o->code == NULL) {
        mp_put_map(out, 1);
        mp_put_cstr(out, "display");
        return mp_put_cstr(out, o->display);
    }
    bool alike = false;
    for (uint32_t i = option_find(item->set, o->code, strlen(o->code)); i != OPTION_NONE;
         i = item->options[i].next_alike)
        alike = alike || (i != option && item->options[i].code != NULL);
    if (!alike || o->system == NULL)
        return mp_put_cstr(out, o->code);
    mp_put_map(out, 2);
    mp_put_cstr(out, "system");
    mp_put_cstr(out, o->system);
    mp_put_cstr(out, "code");
    return mp_put_cstr(out, o->code);
}

static int
coding_write(const struct sheet *s, const struct answer *a, struct buf *out)
{
    struct coding c;

    if (!coding_read(&a->v, (struct mp_cursor){a->inside, s->end}, true, &c))
        return raw_write(s, a, out);
    mp_put_map(out, (c.system.at != NULL) + (c.code.at != NULL) + (c.display.at != NULL));
    member_write(out, "system", c.system);
    member_write(out, "code", c.code);
    member_write(out, "display", c.display);
    return BUF_OK;
}

static int
quantity_write(const struct sheet *s, const struct item *item, const struct answer *a,
               struct buf *out)
{
    struct mp_cursor inside = {a->inside, s->end};
    struct answer number = *a;
    struct mp_value key;
    struct quantity x;

    if (a->v.type != MP_MAP || !quantity_read(&a->v, inside, &x) || x.comparator)
        return raw_write(s, a, out);
    for (uint32_t i = 0; i < a->v.len; i++) {
        mp_next(&inside, &key);
        number.raw = mp_is_str(&key, "value") ? inside.at : number.raw;
        mp_skip(&inside);
    }
    bool nameless = x.code.at == NULL && x.unit.at == NULL;
    if (nameless || (item->unit != NULL && quantity_has_unit(&x, NULL, item->unit)))
        return raw_write(s, &number, out);
    bool ucum = x.code.at != NULL && span_is(x.system, UCUM_SYSTEM);
    if (ucum)
        x.system.at = NULL;
    mp_put_map(out, 1 + (x.code.at != NULL) + (x.unit.at != NULL) + (x.system.at != NULL));
    mp_put_cstr(out, "value");
    int full = raw_write(s, &number, out);
    member_write(out, "code", x.code);
    member_write(out, "unit", x.unit);
    member_write(out, "system", x.system);
    return full;
}

int
sheet_write_value(const struct sheet *s, const struct item *item, const struct answer *a,
                  struct buf *out)
{
    bool choice = item->type == ITEM_CHOICE || item->type == ITEM_OPEN_CHOICE;

    if (a->v.type == MP_NIL)
        return mp_put_nil(out);
    if (a->type == VALUE_SHORT || !a->good)
        return raw_write(s, a, out);
    if (choice && a->option != OPTION_NONE && a->v.type == MP_MAP)
        return option_write(item, a->option, out);
    if (a->type == VALUE_CODING)
        return coding_write(s, a, out);
    if (a->type == VALUE_QUANTITY)
        return quantity_write(s, item, a, out);
    if (choice && a->type == VALUE_STRING && a->option == OPTION_NONE && a->pending == RULE_COUNT) {
        mp_put_map(out, 1);
        mp_put_cstr(out, "text");
    }
    return raw_write(s, a, out);
}

/* Members that a place's map will have. */
static uint32_t
place_members(const struct sheet *s, uint32_t place)
{
    uint32_t n = 0;

    for (uint32_t i = sheet_first_item(s, place); i != ITEM_NONE;
         i = s->q->items[i].next_in_scope) {
        const struct item *item = &s->q->items[i];
        const struct slot *slot = sheet_slot(s, i, place);
        if (item->type == ITEM_GROUP)
            n += item->repeats && slot->first_place != SHEET_NONE;
        else
            n += item->type != ITEM_DISPLAY && slot->shown;
    }
    return n;
}

static bool
answer_says(const struct sheet *s, const struct answer *a)
{
    return a->v.type != MP_NIL || (a->place != SHEET_NONE && place_members(s, a->place) > 0);
}

static int
answer_write(const struct sheet *s, const struct item *item, const struct answer *a,
             struct buf *out)
{
    bool items = a->place != SHEET_NONE && place_members(s, a->place) > 0;

    if (!items)
        return sheet_write_value(s, item, a, out);
    mp_put_map(out, 2);
    mp_put_cstr(out, "value");
    sheet_write_value(s, item, a, out);
    mp_put_cstr(out, "items");
    return place_write(s, a->place, out);
}

static int
question_write(const struct sheet *s, const struct item *item, const struct slot *slot,
               struct buf *out)
{
    uint32_t n = 0;
    int full = BUF_OK;

    for (uint32_t a = slot->first; a != SHEET_NONE; a = s->answers[a].next)
        n += answer_says(s, &s->answers[a]);
    if (n == 0)
        return mp_put_nil(out);
    if (item->repeats || n > 1)
        mp_put_array(out, n);
    for (uint32_t a = slot->first; a != SHEET_NONE; a = s->answers[a].next) {
        if (answer_says(s, &s->answers[a]))
            full = answer_write(s, item, &s->answers[a], out);
    }
    return full;
}

static int
place_write(const struct sheet *s, uint32_t place, struct buf *out)
{
    uint32_t orphans = place == 0 ? s->n_orphans : 0;
    int full = mp_put_map(out, place_members(s, place) + orphans);

    for (uint32_t i = sheet_first_item(s, place); i != ITEM_NONE;
         i = s->q->items[i].next_in_scope) {
        const struct item *item = &s->q->items[i];
        const struct slot *slot = sheet_slot(s, i, place);
        bool group = item->type == ITEM_GROUP;
        if (item->type == ITEM_DISPLAY || !(group ? slot->first_place != SHEET_NONE : slot->shown))
            continue;
        mp_put_str(out, item->link_id, item->link_id_len);
        if (!group) {
            full = question_write(s, item, slot, out);
            continue;
        }
        mp_put_array(out, slot->n);
        for (uint32_t p = slot->first_place; p != SHEET_NONE; p = s->places[p].next)
            full = place_write(s, p, out);
    }
    return orphans > 0 ? buf_append(out, s->orphans.data, s->orphans.size) : full;
}

int
sheet_write(const struct sheet *s, struct buf *out)
{
    size_t before = out->size;

    place_write(s, 0, out);
    /* A write that does not fit changes nothing and later ones might fit: only a whole value is
     * one. */
    if (mp_check(out->data + before, out->size - before, SIZE_MAX) == MP_OK)
        return BUF_OK;
    out->size = before;
    return BUF_FULL;
}
