/* The short form laid out: structure and types in one walk over the bytes. Unknown names are told
 * at the place that holds them and without the name: a name can be a phone number. */
#include <string.h>

#include "base/error.h"
#include "questionnaire/sheet.h"
#include "questionnaire/value.h"

static void map_read(struct sheet *s, uint32_t place, const struct mp_value *map,
                     struct mp_cursor *at);

/* A value whose head was read, and where it began. */
struct met {
    struct mp_value v;
    const uint8_t *raw;
};

static inline void
met_take(struct mp_cursor *at, struct met *ret)
{
    ret->raw = at->at;
    mp_take(at, &ret->v);
}

static void
values_skip(uint64_t n, struct mp_cursor *at)
{
    while (n-- > 0) {
        int bad = mp_skip(at);
        sluice_assert(bad == MP_OK);
    }
}

/* Skips what stands inside v, whose head was read. */
static inline void
inside_skip(const struct mp_value *v, struct mp_cursor *at)
{
    if (v->type == MP_ARRAY)
        values_skip(v->len, at);
    else if (v->type == MP_MAP)
        values_skip((uint64_t)v->len * 2, at);
}

/* {"value": …, "items": {…}}: only for questions that have items below them. */
static bool
is_value_with_items(const struct item *item, const struct mp_value *v, struct mp_cursor at)
{
    bool value = false, items = false;

    if (v->type != MP_MAP || item->first_inside == ITEM_NONE || v->len == 0 || v->len > 2)
        return false;
    for (uint32_t i = 0; i < v->len; i++) {
        struct mp_value key;
        mp_take(&at, &key);
        value = value || mp_is_str(&key, "value");
        items = items || mp_is_str(&key, "items");
        mp_skip(&at);
    }
    if (v->len == 1) /* {"value": 5} alone is a quantity to a quantity */
        return items || (value && item->type != ITEM_QUANTITY);
    return value && items;
}

/* A question in its place. */
struct asked {
    struct sheet *s;
    const struct item *item;
    uint32_t i, place;
};

/* The value of answer a. */
static void
value_take(const struct asked *q, uint32_t a, const struct met *m, const struct mp_cursor *inside)
{
    struct answer *answer = &q->s->answers[a];
    const char *more;

    answer->v = m->v;
    answer->raw = m->raw;
    answer->inside = inside->at;
    if (m->v.type == MP_NIL)
        return;
    sheet_slot(q->s, q->i, q->place)->n++;
    enum rule rule = value_judge(q->item, answer, q->s->end, &more);
    answer->good = rule == RULE_COUNT;
    if (rule != RULE_COUNT)
        sheet_broken_answer(q->s, rule, q->i, q->place, a, more);
}

static void
object_missing(struct sheet *s, uint32_t place)
{
    sheet_broken_place(s, RULE_TYPE, place, "an object");
    s->places[place].failed = true;
}

/* {"value": …, "items": {…}}, whose head was read. */
static void
wrapped_read(const struct asked *q, uint32_t a, uint32_t members, struct mp_cursor *at)
{
    struct sheet *s = q->s;
    struct mp_cursor items = {NULL, NULL};
    struct mp_value key, v;
    struct met value;

    s->answers[a].wrapped = true;
    s->answers[a].v.type = MP_NIL;
    for (uint32_t n = 0; n < members; n++) {
        mp_take(at, &key);
        if (mp_is_str(&key, "items")) {
            items = *at;
            mp_skip(at);
        } else {
            met_take(at, &value);
            value_take(q, a, &value, at);
            inside_skip(&value.v, at);
        }
    }
    uint32_t below = sheet_place_add(s, q->i, q->place, a);
    if (items.at == NULL || below == SHEET_NONE)
        return;
    mp_take(&items, &v);
    if (v.type == MP_MAP)
        map_read(s, below, &v, &items);
    else if (v.type != MP_NIL)
        object_missing(s, below);
}

/* One answer, whose head was read. */
static void
answer_read(const struct asked *q, uint32_t position, const struct met *m, struct mp_cursor *at)
{
    uint32_t a = sheet_answer_add(q->s, q->i, q->place);

    if (a == SHEET_NONE) {
        inside_skip(&m->v, at);
        return;
    }
    q->s->answers[a].position = position;
    if (is_value_with_items(q->item, &m->v, *at)) {
        wrapped_read(q, a, m->v.len, at);
        return;
    }
    value_take(q, a, m, at);
    inside_skip(&m->v, at);
    if (m->v.type == MP_NIL) /* in an array it must be an answer */
        sheet_broken_answer(q->s, RULE_TYPE, q->i, q->place, a, item_type_values[q->item->type]);
    else if (q->item->first_inside != ITEM_NONE)
        sheet_place_add(q->s, q->i, q->place, a);
}

static void
question_read(struct sheet *s, uint32_t i, uint32_t place, struct mp_cursor *at)
{
    struct asked q = {s, &s->q->items[i], i, place};
    struct met m, one;

    met_take(at, &m);
    if (m.v.type == MP_NIL)
        return;
    if (m.v.type != MP_ARRAY) {
        answer_read(&q, 0, &m, at);
        return;
    }
    sheet_slot(s, i, place)->array = m.v.len > 0;
    for (uint32_t n = 0; n < m.v.len; n++) {
        met_take(at, &one);
        answer_read(&q, n, &one, at);
    }
}

static void
group_read(struct sheet *s, uint32_t i, uint32_t place, struct mp_cursor *at)
{
    struct mp_value v, one;

    mp_take(at, &v);
    if (v.type == MP_NIL)
        return;
    if (v.type != MP_ARRAY) {
        sheet_broken_item(s, RULE_TYPE, i, place, item_type_values[ITEM_GROUP]);
        inside_skip(&v, at);
        return;
    }
    for (uint32_t n = 0; n < v.len; n++) {
        mp_take(at, &one);
        uint32_t inside = sheet_place_add(s, i, place, SHEET_NONE);
        if (inside == SHEET_NONE) {
            inside_skip(&one, at);
            continue;
        }
        s->places[inside].position = n;
        sheet_slot(s, i, place)->n++;
        if (one.type == MP_MAP) {
            map_read(s, inside, &one, at);
        } else {
            object_missing(s, inside);
            inside_skip(&one, at);
        }
    }
}

/* The item that a member names. */
static uint32_t
name_find(const struct questionnaire *q, const struct mp_value *key, uint32_t expected)
{
    if (key->type != MP_STR)
        return ITEM_NONE;
    if (expected != ITEM_NONE && q->items[expected].link_id_len == key->len &&
        memcmp(q->items[expected].link_id, key->at, key->len) == 0)
        return expected;
    return item_find(q, (const char *)key->at, key->len);
}

/* What is said of item i, or of none, stands at the cursor. */
static void
member_read(struct sheet *s, uint32_t place, uint32_t i, struct mp_cursor *at)
{
    if (i == ITEM_NONE) {
        sheet_broken_place(s, RULE_UNKNOWN_ITEM, place, NULL);
        mp_skip(at);
        return;
    }
    const struct item *item = &s->q->items[i];
    bool group = item->type == ITEM_GROUP;
    if (item->scope != s->places[place].scope) {
        s->misplaced[i] = true;
        sheet_broken_item(s, RULE_MISPLACED_ITEM, i, place, NULL);
        mp_skip(at);
        return;
    }
    struct slot *slot = sheet_slot(s, i, place);
    if (item->type == ITEM_DISPLAY || (group && !item->repeats)) {
        sheet_broken_item(s, RULE_NOT_A_QUESTION, i, place, NULL);
        mp_skip(at);
    } else if (slot->shown) {
        sheet_broken_item(s, RULE_DUPLICATE_ITEM, i, place, NULL);
        mp_skip(at);
    } else {
        slot->shown = true;
        if (group)
            group_read(s, i, place, at);
        else
            question_read(s, i, place, at);
    }
}

static void
map_read(struct sheet *s, uint32_t place, const struct mp_value *map, struct mp_cursor *at)
{
    /* Senders write the members in the definition's order, nearly always. */
    uint32_t expected = sheet_first_item(s, place);
    struct mp_value key;

    for (uint32_t n = 0; n < map->len; n++) {
        mp_take(at, &key);
        if (key.type == MP_MAP || key.type == MP_ARRAY)
            inside_skip(&key, at); /* a key that is no name */
        uint32_t i = name_find(s->q, &key, expected);
        member_read(s, place, i, at);
        if (i != ITEM_NONE)
            expected = s->q->items[i].next_in_scope;
    }
}

void
sheet_read(struct sheet *s, const uint8_t *answers, size_t size, struct findings *findings)
{
    struct mp_cursor at = {answers, answers + size};
    struct mp_value map;

    sheet_begin(s, answers + size, false, findings);
    mp_take(&at, &map);
    if (map.type == MP_MAP)
        map_read(s, 0, &map, &at);
    else
        object_missing(s, 0);
}
