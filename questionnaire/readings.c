/* Walks the answers once, loosely: a question's linkId is enough, at whatever depth. Depth is
 * bounded by mp_check. */
#include "questionnaire/readings.h"

#include <string.h>

#include "base/error.h"
#include "questionnaire/reading.h"

static void any_walk(struct readings *r, struct mp_cursor *at, uint32_t older);

struct readings *
readings_new(void)
{
    return mem_new(1, sizeof(struct readings));
}

void
readings_free(struct readings *r)
{
    if (r == NULL)
        return;
    free(r->all);
    free(r->first);
    free(r->last);
    free(r);
}

static void
reading_add(struct readings *r, uint32_t item, const struct reading *x)
{
    if (r->n == r->room) {
        r->room = r->room > 0 ? 2 * r->room : 64;
        r->all = mem_grow(r->all, r->room, sizeof(*r->all));
    }
    r->all[r->n] = *x;
    if (r->first[item] == READING_NONE)
        r->first[item] = r->n;
    else
        r->all[r->last[item]].next = r->n;
    r->last[item] = r->n++;
}

/* What stands inside v, whose head was read. */
static void
inside_skip(const struct mp_value *v, struct mp_cursor *at)
{
    uint32_t n = v->type == MP_ARRAY ? v->len : v->type == MP_MAP ? v->len * 2 : 0;

    while (n-- > 0)
        mp_skip(at);
}

/* {"value": …, "items": {…}}, also of a question that has none below it. */
static bool
has_items(const struct mp_value *v, struct mp_cursor at)
{
    struct mp_value key;

    if (v->type != MP_MAP || v->len > 2)
        return false;
    for (uint32_t i = 0; i < v->len; i++) {
        mp_take(&at, &key);
        if (mp_is_str(&key, "items"))
            return true;
        inside_skip(&key, &at);
        mp_skip(&at);
    }
    return false;
}

static void
value_walk(struct readings *r, uint32_t i, struct mp_cursor *at, uint32_t older)
{
    struct reading x;
    struct mp_value v;

    mp_take(at, &v);
    bool wanted = older == 0 || r->first[i] == READING_NONE || r->first[i] >= older - 1;
    if (wanted && reading_take(&r->q->items[i], &v, *at, &x)) {
        if (older > 0)
            x.text = x.unit = NULL; /* those answers need not stay */
        reading_add(r, i, &x);
    }
    inside_skip(&v, at);
}

static void
answer_walk(struct readings *r, uint32_t i, struct mp_cursor *at, uint32_t older)
{
    struct mp_cursor peek = *at;
    struct mp_value v, key;

    mp_take(&peek, &v);
    if (!has_items(&v, peek)) {
        value_walk(r, i, at, older);
        return;
    }
    *at = peek;
    for (uint32_t n = 0; n < v.len; n++) {
        mp_take(at, &key);
        inside_skip(&key, at);
        if (mp_is_str(&key, "value"))
            value_walk(r, i, at, older);
        else
            any_walk(r, at, older);
    }
}

static void
question_walk(struct readings *r, uint32_t i, struct mp_cursor *at, uint32_t older)
{
    struct mp_cursor peek = *at;
    struct mp_value v;

    mp_take(&peek, &v);
    if (v.type != MP_ARRAY) {
        answer_walk(r, i, at, older);
        return;
    }
    *at = peek;
    for (uint32_t n = 0; n < v.len; n++)
        answer_walk(r, i, at, older);
}

/* A map of linkIds, an array of such, or anything else, which is passed over. */
static void
any_walk(struct readings *r, struct mp_cursor *at, uint32_t older)
{
    struct mp_value v, key;

    mp_take(at, &v);
    for (uint32_t n = 0; v.type == MP_ARRAY && n < v.len; n++)
        any_walk(r, at, older);
    for (uint32_t n = 0; v.type == MP_MAP && n < v.len; n++) {
        mp_take(at, &key);
        inside_skip(&key, at); /* a key that is no text */
        uint32_t i =
            key.type == MP_STR ? item_find(r->q, (const char *)key.at, key.len) : ITEM_NONE;
        bool question = i != ITEM_NONE && r->q->items[i].type != ITEM_GROUP &&
                        r->q->items[i].type != ITEM_DISPLAY;
        if (question)
            question_walk(r, i, at, older);
        else
            any_walk(r, at, older);
    }
}

void
readings_clear(struct readings *r, const struct questionnaire *q)
{
    if (q->n_items > r->items_room) {
        r->items_room = q->n_items;
        r->first = mem_grow(r->first, r->items_room, sizeof(*r->first));
        r->last = mem_grow(r->last, r->items_room, sizeof(*r->last));
    }
    r->q = q;
    r->n = 0;
    memset(r->first, 0xff, q->n_items * sizeof(*r->first));
}

void
readings_take(struct readings *r, const struct questionnaire *q, const uint8_t *answers,
              size_t size)
{
    struct mp_cursor at = {answers, answers + size};

    readings_clear(r, q);
    any_walk(r, &at, 0);
}

void
readings_add_older(struct readings *r, const uint8_t *answers, size_t size)
{
    struct mp_cursor at = {answers, answers + size};

    any_walk(r, &at, r->n + 1); /* readings before this number are newer */
}

const struct reading *
readings_of(const struct readings *r, uint32_t item)
{
    return r->first[item] != READING_NONE ? &r->all[r->first[item]] : NULL;
}

const struct reading *
readings_next(const struct readings *r, const struct reading *x)
{
    return x->next != READING_NONE ? &r->all[x->next] : NULL;
}

const struct reading *
readings_one(const struct readings *r, uint32_t item)
{
    const struct reading *x = readings_of(r, item);

    return x != NULL && x->next == READING_NONE ? x : NULL;
}
