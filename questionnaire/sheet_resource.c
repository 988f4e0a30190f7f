/* A QuestionnaireResponse laid out. Groups nest by item.item, questions by answer.item, in the
 * definition's order; a repeating group is several items, a repeating question one item with
 * several answers. Non-repeating groups are transparent: their items share the place around them.
 */
#include <string.h>

#include "base/error.h"
#include "questionnaire/sheet.h"
#include "questionnaire/value.h"

/* The members that are looked at, of an item or an answer. at NULL: absent. */
struct node {
    struct span link_id;
    struct mp_cursor item, answer, value; /* before the value's head */
    enum value_type type;
    bool modifier, malformed, values; /* values: more than one value[x] */
};

struct reader {
    struct sheet *s;
    uint32_t parent; /* item of the definition whose items are read, or ITEM_NONE */
    uint32_t place;
    uint32_t step; /* of what contains them */
};

static void items_read(const struct reader *r, struct mp_cursor list);

/* A whole key, even one that is no name. */
static void
key_next(struct mp_cursor *at, struct mp_value *ret)
{
    struct mp_cursor here = *at;

    mp_skip(at);
    mp_take(&here, ret);
}

/* Members that say nothing of the answers; those of primitives' extensions start with "_". */
static bool
is_ignored(const struct mp_value *key)
{
    static const char *const names[] = {"id", "extension", "text", "definition"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (mp_is_str(key, names[i]))
            return true;
    }
    return key->type == MP_STR && key->len > 1 && key->at[0] == '_';
}

/* An item or an answer; its members are told apart by the caller. */
static void
node_read(const struct mp_value *map, struct mp_cursor *at, struct node *ret)
{
    struct mp_value key, v;

    *ret = (struct node){0};
    for (uint32_t n = 0; n < map->len; n++) {
        key_next(at, &key);
        struct mp_cursor here = *at, inside = *at;
        mp_skip(at);
        mp_take(&inside, &v);
        enum value_type type = value_type_find(&key);
        if (type != VALUE_SHORT) {
            ret->values = ret->values || ret->value.at != NULL;
            ret->value = here;
            ret->type = type;
        } else if (mp_is_str(&key, "linkId")) {
            ret->malformed = ret->malformed || v.type != MP_STR;
            ret->link_id = (struct span){v.type == MP_STR ? (const char *)v.at : NULL, v.len};
        } else if (mp_is_str(&key, "item") || mp_is_str(&key, "answer")) {
            ret->malformed = ret->malformed || v.type != MP_ARRAY;
            bool some = v.type == MP_ARRAY && v.len > 0;
            if (some && mp_is_str(&key, "item"))
                ret->item = here;
            else if (some)
                ret->answer = here;
        } else if (mp_is_str(&key, "modifierExtension")) {
            ret->modifier = true;
        } else if (!is_ignored(&key)) {
            ret->malformed = true;
        }
    }
}

static void
answer_read(const struct reader *r, uint32_t i, uint32_t step, uint32_t position,
            struct mp_cursor *at)
{
    const struct mp_cursor here = *at;
    struct sheet *s = r->s;
    const char *more;
    struct node node;
    struct mp_value v;

    mp_take(at, &v);
    if (v.type != MP_MAP) {
        sheet_broken_step(s, RULE_RESOURCE, step, "", i, "an object");
        sheet_slot(s, i, r->place)->failed = true;
        for (uint32_t n = v.type == MP_ARRAY ? v.len : 0; n > 0; n--)
            mp_skip(at);
        return;
    }
    node_read(&v, at, &node);
    if (node.modifier)
        sheet_broken_step(s, RULE_MODIFIER, step, "modifierExtension", i, NULL);
    if (node.malformed || node.values || node.answer.at != NULL || node.link_id.at != NULL) {
        sheet_broken_step(s, RULE_RESOURCE, step, "", i, "one value[x], item");
        sheet_slot(s, i, r->place)->failed = true;
        sheet_orphan_answer(s, i, here);
        return;
    }
    uint32_t a = sheet_answer_add(s, i, r->place);
    if (a == SHEET_NONE)
        return;
    struct answer *answer = &s->answers[a];
    answer->step = step;
    answer->position = position;
    answer->v.type = MP_NIL;
    if (node.value.at != NULL) {
        answer->type = (uint8_t)node.type;
        answer->raw = node.value.at;
        mp_take(&node.value, &answer->v);
        answer->inside = node.value.at;
        enum rule rule = value_judge(&s->q->items[i], answer, s->end, &more);
        answer->good = rule == RULE_COUNT;
        sheet_slot(s, i, r->place)->n++;
        if (rule != RULE_COUNT)
            sheet_broken_answer(s, rule, i, r->place, a, more);
    }
    bool below = s->q->items[i].first_inside != ITEM_NONE;
    answer->wrapped = below && node.item.at != NULL;
    if (!below && node.item.at == NULL)
        return;
    if (!below) {
        struct reader inner = {s, i, r->place, step};
        items_read(&inner, node.item);
        return;
    }
    uint32_t place = sheet_place_add(s, i, r->place, a);
    if (place == SHEET_NONE)
        return;
    s->places[place].step = step;
    if (node.item.at != NULL) {
        struct reader inner = {s, i, place, step};
        items_read(&inner, node.item);
    }
}

static void
question_read(const struct reader *r, uint32_t i, uint32_t step, const struct node *node)
{
    struct sheet *s = r->s;
    struct mp_cursor at = node->answer;
    struct mp_value list;

    if (at.at == NULL)
        return;
    mp_take(&at, &list);
    sheet_slot(s, i, r->place)->array = list.len > 1;
    for (uint32_t n = 0; n < list.len; n++) {
        uint32_t inner = sheet_step_add(s, step, true, n);
        if (inner == SHEET_NONE)
            return;
        answer_read(r, i, inner, n, &at);
    }
}

static void
group_read(const struct reader *r, uint32_t i, uint32_t step, const struct node *node)
{
    struct sheet *s = r->s;
    struct reader inner = {s, i, r->place, step};

    if (s->q->items[i].repeats) {
        inner.place = sheet_place_add(s, i, r->place, SHEET_NONE);
        if (inner.place == SHEET_NONE)
            return;
        struct slot *slot = sheet_slot(s, i, r->place);
        s->places[inner.place].position = slot->n++;
        s->places[inner.place].step = step;
    }
    if (node->item.at != NULL)
        items_read(&inner, node->item);
}

/* What an item says of its own shape; false: nothing in it is read. */
static bool
shape_check(const struct reader *r, uint32_t i, uint32_t step, const struct node *node)
{
    struct sheet *s = r->s;
    const struct item *item = &s->q->items[i];
    struct slot *slot = sheet_slot(s, i, r->place);
    bool question = item->type != ITEM_GROUP && item->type != ITEM_DISPLAY;
    enum rule rule = RULE_COUNT;
    const char *member = "";

    if (node->modifier)
        sheet_broken_step(s, RULE_MODIFIER, step, "modifierExtension", i, NULL);
    if (node->item.at != NULL && node->answer.at != NULL) {
        rule = RULE_ITEM_AND_ANSWER;
    } else if (node->answer.at != NULL && !question) {
        rule = RULE_NOT_A_QUESTION;
        member = "answer";
    } else if (node->item.at != NULL && item->type != ITEM_GROUP) {
        rule = question ? RULE_ITEM_NESTING : RULE_NOT_A_QUESTION;
        member = "item";
    } else if (node->value.at != NULL || node->malformed) {
        rule = RULE_RESOURCE;
    } else if (slot->shown && !(item->type == ITEM_GROUP && item->repeats)) {
        rule = RULE_DUPLICATE_ITEM;
    }
    if (rule == RULE_COUNT)
        return true;
    sheet_broken_step(s, rule, step, member, i,
                      rule == RULE_RESOURCE ? "linkId and item or answer" : NULL);
    slot->failed = true;
    return false;
}

/* One item of a list; *last is the last place in the definition that was passed. False: nothing in
 * it was laid out. */
static bool
item_read(const struct reader *r, uint32_t step, const struct node *node, uint32_t *last)
{
    struct sheet *s = r->s;
    uint32_t i =
        node->link_id.at != NULL ? item_find(s->q, node->link_id.at, node->link_id.len) : ITEM_NONE;

    if (i == ITEM_NONE) {
        bool nameless = node->link_id.at == NULL;
        sheet_broken_step(s, nameless ? RULE_RESOURCE : RULE_UNKNOWN_ITEM, step, "", ITEM_NONE,
                          nameless ? "linkId" : NULL);
        return false;
    }
    const struct item *item = &s->q->items[i];
    if (item->parent != r->parent) {
        s->misplaced[i] = true;
        sheet_broken_step(s, RULE_MISPLACED_ITEM, step, "", i, NULL);
        return false;
    }
    if (*last != ITEM_NONE && i < *last) {
        sheet_broken_step(s, RULE_ITEM_ORDER, step, "", i, NULL);
        sheet_slot(s, i, r->place)->failed = true;
    } else {
        *last = i;
    }
    bool sound = shape_check(r, i, step, node);
    struct slot *slot = sheet_slot(s, i, r->place);
    slot->shown = true;
    if (slot->step == SHEET_NONE)
        slot->step = step;
    if (!sound)
        return false;
    if (item->type == ITEM_GROUP)
        group_read(r, i, step, node);
    else if (item->type != ITEM_DISPLAY)
        question_read(r, i, step, node);
    return true;
}

/* list: before the head of an array. */
static void
items_read(const struct reader *r, struct mp_cursor list)
{
    struct mp_value head, v;
    struct node node;
    uint32_t last = ITEM_NONE;

    mp_take(&list, &head);
    for (uint32_t n = 0; n < head.len; n++) {
        uint32_t step = sheet_step_add(r->s, r->step, false, n);
        if (step == SHEET_NONE)
            return;
        const struct mp_cursor here = list;
        mp_take(&list, &v);
        if (v.type == MP_MAP) {
            node_read(&v, &list, &node);
            if (!item_read(r, step, &node, &last))
                sheet_orphan_items(r->s, here);
            continue;
        }
        sheet_broken_step(r->s, RULE_RESOURCE, step, "", ITEM_NONE, "an object");
        for (uint32_t k = v.type == MP_ARRAY ? v.len : 0; k > 0; k--)
            mp_skip(&list);
    }
}

void
sheet_read_resource(struct sheet *s, const uint8_t *resource, size_t size,
                    struct findings *findings)
{
    struct mp_cursor at = {resource, resource + size};
    struct reader r = {s, ITEM_NONE, 0, SHEET_NONE};
    struct mp_value map, key, v;
    bool typed = false;

    sheet_begin(s, resource + size, true, findings);
    mp_take(&at, &map);
    for (uint32_t n = 0; map.type == MP_MAP && n < map.len; n++) {
        key_next(&at, &key);
        struct mp_cursor here = at, inside = at;
        mp_skip(&at);
        mp_take(&inside, &v);
        if (mp_is_str(&key, "resourceType"))
            typed = mp_is_str(&v, "QuestionnaireResponse");
        else if (mp_is_str(&key, "modifierExtension") || mp_is_str(&key, "implicitRules"))
            sheet_broken_step(s, RULE_MODIFIER, SHEET_NONE,
                              mp_is_str(&key, "implicitRules") ? "implicitRules"
                                                               : "modifierExtension",
                              ITEM_NONE, NULL);
        else if (mp_is_str(&key, "item") && v.type == MP_ARRAY)
            items_read(&r, here);
        else if (mp_is_str(&key, "item"))
            sheet_broken_step(s, RULE_RESOURCE, SHEET_NONE, "item", ITEM_NONE, "an array");
    }
    if (typed)
        return;
    s->places[0].failed = true;
    sheet_broken_step(s, RULE_RESOURCE, SHEET_NONE, map.type == MP_MAP ? "resourceType" : "",
                      ITEM_NONE, "QuestionnaireResponse");
}
