/* Walks the answers once. A scope is what one map of the short form may hold: the whole form, one
 * occurrence of a repeating group, or the items under a question. The place is kept as a JSON
 * Pointer while walking; it holds only linkIds of the definition, array positions and our words. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "questionnaire/item.h"
#include "questionnaire/questionnaire.h"
#include "questionnaire/value.h"
#include "schemas/wire/mp.h"

/* Deep enough for every definition we compile: two steps a level, linkIds escaped. */
#define PLACE_SIZE 4096

struct check {
    struct questionnaire *q;
    struct findings *findings;
    bool complete;
    char place[PLACE_SIZE];
    size_t place_len;
};

static void scope_check(struct check *c, uint32_t scope, const struct mp_value *map,
                        struct mp_cursor *at);

static void
place_push(struct check *c, const char *step, size_t len)
{
    if (c->place_len + 2 * len + 2 > PLACE_SIZE)
        return; /* a shorter pointer to the same neighbourhood */
    c->place[c->place_len++] = '/';
    for (size_t i = 0; i < len; i++) {
        if (step[i] == '~' || step[i] == '/') {
            c->place[c->place_len++] = '~';
            c->place[c->place_len++] = step[i] == '~' ? '0' : '1';
        } else {
            c->place[c->place_len++] = step[i];
        }
    }
}

static void
place_push_index(struct check *c, uint32_t i)
{
    char text[12];

    place_push(c, text, (size_t)snprintf(text, sizeof(text), "%u", i));
}

static void
place_push_item(struct check *c, const struct item *item)
{
    place_push(c, item->link_id, item->link_id_len);
}

static void
broken(struct check *c, enum rule rule, const char *more)
{
    findings_add(c->findings, rule, c->place, c->place_len, more);
}

/* Skips what stands inside v, whose head was read. */
static void
inside_skip(const struct mp_value *v, struct mp_cursor *at)
{
    uint32_t n = v->type == MP_ARRAY ? v->len : v->type == MP_MAP ? v->len * 2 : 0;

    while (n-- > 0) {
        int bad = mp_skip(at);
        sluice_assert(bad == MP_OK); /* mp_check passed it */
    }
}

static void
next(struct mp_cursor *at, struct mp_value *ret)
{
    int bad = mp_next(at, ret);

    sluice_assert(bad == MP_OK);
}

static void
required_check(struct check *c, uint32_t first, uint32_t occurrence)
{
    if (!c->complete)
        return;
    for (uint32_t i = first; i != ITEM_NONE; i = c->q->items[i].next_in_scope) {
        const struct item *item = &c->q->items[i];
        bool value = item->type != ITEM_DISPLAY && (item->type != ITEM_GROUP || item->repeats);
        if (!item->required || item->conditional || !value || c->q->answered[i] == occurrence)
            continue;
        size_t back = c->place_len;
        place_push_item(c, item);
        broken(c, RULE_REQUIRED, NULL);
        c->place_len = back;
    }
}

/* {"value": …, "items": {…}}: only for questions that have items below them. */
static bool
is_value_with_items(const struct item *item, const struct mp_value *v, struct mp_cursor at)
{
    bool value = false, items = false;

    if (v->type != MP_MAP || item->first_inside == ITEM_NONE || v->len > 2)
        return false;
    for (uint32_t i = 0; i < v->len; i++) {
        struct mp_value key;
        next(&at, &key);
        value = value || mp_is_str(&key, "value");
        items = items || mp_is_str(&key, "items");
        mp_skip(&at);
    }
    return items && (value || v->len == 1);
}

/* One answer; true if it is one (not null). */
static bool
answer_check(struct check *c, uint32_t i, struct mp_cursor *at)
{
    const struct item *item = &c->q->items[i];
    size_t back = c->place_len;
    struct mp_value v;
    const char *more;
    bool answered = false, items_seen = false;

    next(at, &v);
    if (!is_value_with_items(item, &v, *at)) {
        if (v.type == MP_NIL)
            return false;
        enum rule rule = value_judge(item, &v, *at, &more);
        if (rule != RULE_COUNT)
            broken(c, rule, more);
        inside_skip(&v, at);
        answered = true;
    } else {
        for (uint32_t n = v.len; n > 0; n--) {
            struct mp_value key, inner;
            next(at, &key);
            place_push(c, (const char *)key.at, key.len); /* "value" or "items" */
            next(at, &inner);
            if (mp_is_str(&key, "items") && inner.type == MP_MAP) {
                scope_check(c, i, &inner, at);
                items_seen = true;
            } else if (mp_is_str(&key, "items")) {
                broken(c, RULE_TYPE, "an object");
                inside_skip(&inner, at);
            } else {
                enum rule rule =
                    inner.type == MP_NIL ? RULE_COUNT : value_judge(item, &inner, *at, &more);
                if (rule != RULE_COUNT)
                    broken(c, rule, more);
                answered = inner.type != MP_NIL;
                inside_skip(&inner, at);
            }
            c->place_len = back;
        }
    }
    if (answered && !items_seen && item->first_inside != ITEM_NONE) {
        place_push(c, "items", 5);
        required_check(c, item->first_inside, ++c->q->occurrence);
        c->place_len = back;
    }
    return answered;
}

static bool
question_check(struct check *c, uint32_t i, struct mp_cursor *at)
{
    const struct item *item = &c->q->items[i];
    struct mp_cursor peek = *at;
    struct mp_value v;
    bool answered = false;

    next(&peek, &v);
    if (v.type != MP_ARRAY)
        return answer_check(c, i, at);
    *at = peek;
    if (!item->repeats && v.len > 0) {
        broken(c, RULE_REPEATS, NULL);
        inside_skip(&v, at);
        return true;
    }
    size_t back = c->place_len;
    for (uint32_t n = 0; n < v.len; n++) {
        place_push_index(c, n);
        if (answer_check(c, i, at))
            answered = true;
        else
            broken(c, RULE_TYPE, item_type_values[item->type]);
        c->place_len = back;
    }
    return answered;
}

static bool
group_check(struct check *c, uint32_t i, struct mp_cursor *at)
{
    size_t back = c->place_len;
    struct mp_value v, one;

    next(at, &v);
    if (v.type == MP_NIL)
        return false;
    if (v.type != MP_ARRAY) {
        broken(c, RULE_TYPE, item_type_values[ITEM_GROUP]);
        inside_skip(&v, at);
        return true;
    }
    for (uint32_t n = 0; n < v.len; n++) {
        place_push_index(c, n);
        next(at, &one);
        if (one.type == MP_MAP) {
            scope_check(c, i, &one, at);
        } else {
            broken(c, RULE_TYPE, "an object");
            inside_skip(&one, at);
        }
        c->place_len = back;
    }
    return v.len > 0;
}

/* A member of a scope's map: key was read, its value stands at the cursor. */
static void
member_check(struct check *c, uint32_t scope, const struct mp_value *key, struct mp_cursor *at,
             uint32_t occurrence)
{
    uint32_t i = key->type == MP_STR ? item_find(c->q, (const char *)key->at, key->len) : ITEM_NONE;
    size_t back = c->place_len;
    bool answered = false;

    if (i == ITEM_NONE) {
        /* At the parent's place and without its name: a name can be a phone number. */
        broken(c, RULE_UNKNOWN_ITEM, NULL);
        mp_skip(at);
        return;
    }
    const struct item *item = &c->q->items[i];
    place_push_item(c, item);
    if (item->scope != scope) {
        broken(c, RULE_MISPLACED_ITEM, NULL);
        mp_skip(at);
    } else if (item->type == ITEM_GROUP && item->repeats) {
        answered = group_check(c, i, at);
    } else if (item->type == ITEM_GROUP || item->type == ITEM_DISPLAY) {
        broken(c, RULE_NOT_A_QUESTION, NULL);
        mp_skip(at);
    } else {
        answered = question_check(c, i, at);
    }
    c->place_len = back;
    if (answered)
        c->q->answered[i] = occurrence;
}

static void
scope_check(struct check *c, uint32_t scope, const struct mp_value *map, struct mp_cursor *at)
{
    uint32_t occurrence = ++c->q->occurrence;
    struct mp_value key;

    for (uint32_t n = 0; n < map->len; n++) {
        next(at, &key);
        member_check(c, scope, &key, at, occurrence);
    }
    required_check(c, scope == ITEM_NONE ? c->q->first : c->q->items[scope].first_inside,
                   occurrence);
}

void
questionnaire_check(struct questionnaire *q, const uint8_t *answers, size_t size, bool complete,
                    struct findings *findings)
{
    struct check c = {.q = q, .findings = findings, .complete = complete};
    struct mp_cursor at = {answers, answers + size};
    struct mp_value map;

    if (q->occurrence > UINT32_MAX / 2) {
        memset(q->answered, 0, (q->n_items + 1) * sizeof(*q->answered));
        q->occurrence = 0;
    }
    memcpy(c.place, "/answers", 8);
    c.place_len = 8;
    next(&at, &map);
    if (map.type == MP_MAP)
        scope_check(&c, ITEM_NONE, &map, &at);
    else
        broken(&c, RULE_TYPE, "an object");
}
