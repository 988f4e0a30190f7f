/* Copies the answers value by value; only a question's linkId counts, at whatever depth, so that a
 * value at the wrong place is taken out too. Depth is bounded by mp_check. */
#include "questionnaire/identifiers.h"

#include <string.h>

#include "base/error.h"
#include "questionnaire/item.h"
#include "schemas/wire/mp.h"

#define AGE_TOLD_MAX 89 /* HIPAA 164.514(b)(2)(i)(C) */
#define YEAR_DIGITS 4
#define AT_MAX 40

struct taking {
    const struct questionnaire *q;
    int this_year;
    void (*each)(void *arg, const struct identifier *found);
    void *arg;
    struct buf *out;
    int full;
    uint32_t *places; /* by item: answers met */
};

static void any_copy(struct taking *t, struct mp_cursor *at);

bool
questionnaire_identifies(const struct questionnaire *q)
{
    for (uint32_t i = 0; i < q->n_items; i++)
        if (q->items[i].identifier != IDENTIFIER_NONE)
            return true;
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

/* The year to keep of a date text, or 0. */
static int
year_of(const struct taking *t, const struct mp_value *v)
{
    int year = 0;

    if (v->type != MP_STR || v->len < YEAR_DIGITS)
        return 0;
    for (int i = 0; i < YEAR_DIGITS; i++) {
        if (v->at[i] < '0' || v->at[i] > '9')
            return 0;
        year = year * 10 + (v->at[i] - '0');
    }
    return t->this_year - year > AGE_TOLD_MAX ? t->this_year - AGE_TOLD_MAX - 1 : year;
}

/* One value of an identifier item; a blank stays a blank. */
static void
identifier_take(struct taking *t, uint32_t i, struct mp_cursor *at)
{
    const struct item *item = &t->q->items[i];
    const uint8_t *begin = at->at;
    struct mp_value v;

    mp_take(at, &v);
    if (v.type == MP_NIL) {
        t->full |= mp_put_nil(t->out);
        return;
    }
    at->at = begin;
    mp_skip(at);
    int year = item->identifier_action == IDENTIFIER_ACTION_YEAR ? year_of(t, &v) : 0;
    t->full |= mp_put_map(t->out, year > 0 ? 2 : 1);
    t->full |= mp_put_cstr(t->out, "identity");
    t->full |= mp_put_bool(t->out, true);
    if (year > 0) {
        t->full |= mp_put_cstr(t->out, "year");
        t->full |= mp_put_uint(t->out, (uint64_t)year);
    }
    uint32_t place = t->places[i]++;
    if (item->identifier_action != IDENTIFIER_ACTION_DROP)
        t->each(t->arg, &(struct identifier){
                            .kind = identifier_kind_codes[item->identifier],
                            .link_id = item->link_id,
                            .place = place,
                            .value = begin,
                            .size = (size_t)(at->at - begin),
                        });
}

/* {"value": …, "items": {…}} */
static bool
has_items(const struct mp_value *v, struct mp_cursor at)
{
    struct mp_value key;

    for (uint32_t i = 0; v->type == MP_MAP && v->len <= 2 && i < v->len; i++) {
        mp_take(&at, &key);
        if (mp_is_str(&key, "items"))
            return true;
        mp_skip(&at);
    }
    return false;
}

static void
answer_take(struct taking *t, uint32_t i, struct mp_cursor *at)
{
    struct mp_cursor peek = *at;
    struct mp_value v, key;

    mp_take(&peek, &v);
    if (!has_items(&v, peek)) {
        identifier_take(t, i, at);
        return;
    }
    *at = peek;
    t->full |= mp_put_map(t->out, v.len);
    for (uint32_t n = 0; n < v.len; n++) {
        mp_take(at, &key);
        t->full |= mp_put_str(t->out, (const char *)key.at, key.len);
        if (mp_is_str(&key, "value"))
            identifier_take(t, i, at);
        else
            any_copy(t, at);
    }
}

static void
question_take(struct taking *t, uint32_t i, struct mp_cursor *at)
{
    struct mp_cursor peek = *at;
    struct mp_value v;

    mp_take(&peek, &v);
    if (v.type != MP_ARRAY) {
        answer_take(t, i, at);
        return;
    }
    *at = peek;
    t->full |= mp_put_array(t->out, v.len);
    for (uint32_t n = 0; n < v.len; n++)
        answer_take(t, i, at);
}

/* A map of linkIds, an array of such, or anything else, which is copied as it stands. */
static void
any_copy(struct taking *t, struct mp_cursor *at)
{
    struct mp_cursor inside = *at;
    struct mp_value v, key;

    mp_take(&inside, &v);
    if (v.type != MP_MAP && v.type != MP_ARRAY) {
        value_copy(t, at);
        return;
    }
    *at = inside;
    t->full |= v.type == MP_MAP ? mp_put_map(t->out, v.len) : mp_put_array(t->out, v.len);
    for (uint32_t n = 0; n < v.len; n++) {
        uint32_t i = ITEM_NONE;
        if (v.type == MP_MAP) {
            mp_take(at, &key);
            sluice_assert(key.type == MP_STR);
            t->full |= mp_put_str(t->out, (const char *)key.at, key.len);
            i = item_find(t->q, (const char *)key.at, key.len);
        }
        if (i != ITEM_NONE && t->q->items[i].identifier != IDENTIFIER_NONE)
            question_take(t, i, at);
        else
            any_copy(t, at);
    }
}

int
identifiers_take(const struct questionnaire *q, const uint8_t *answers, size_t size, int this_year,
                 void (*each)(void *arg, const struct identifier *found), void *arg,
                 struct buf *out)
{
    struct taking t = {
        .q = q,
        .this_year = this_year,
        .each = each,
        .arg = arg,
        .out = out,
        .places = mem_new(q->n_items + 1, sizeof(uint32_t)),
    };
    struct mp_cursor at = {answers, answers + size};

    any_copy(&t, &at);
    free(t.places);
    return t.full != 0 ? BUF_FULL : BUF_OK;
}

/* Digits and what stands between them: no name, so no name; begins as a moment does, so no number.
 */
static bool
is_time(const char *text, size_t len)
{
    static const char allowed[] = "0123456789T:.+-Z";

    for (size_t i = 0; i < len; i++)
        if (memchr(allowed, text[i], sizeof(allowed) - 1) == NULL)
            return false;
    return len >= sizeof("2026-11-22T08:00Z") - 1 && len <= AT_MAX && text[4] == '-' &&
           text[10] == 'T';
}

static void
edit_mask(struct taking *t, const uint8_t *edit, size_t size, const struct item *item)
{
    const char *at = NULL;
    size_t len = 0;

    if (!mp_find_str(edit, size, "at", &at, &len) || !is_time(at, len))
        at = NULL;
    t->full |= mp_put_map(t->out, 1 + (item != NULL) + (at != NULL));
    if (item != NULL) {
        t->full |= mp_put_cstr(t->out, "linkId");
        t->full |= mp_put_cstr(t->out, item->link_id);
    }
    if (at != NULL) {
        t->full |= mp_put_cstr(t->out, "at");
        t->full |= mp_put_str(t->out, at, len);
    }
    t->full |= mp_put_cstr(t->out, "identity");
    t->full |= mp_put_bool(t->out, true);
}

int
identifiers_edits(const struct questionnaire *q, const uint8_t *edits, size_t size, struct buf *out)
{
    struct taking t = {.q = q, .out = out};
    struct mp_cursor at = {edits, edits + size};
    struct mp_value array;

    mp_take(&at, &array);
    sluice_assert(array.type == MP_ARRAY);
    t.full |= mp_put_array(out, array.len);
    for (uint32_t n = 0; n < array.len; n++) {
        const uint8_t *edit = at.at;
        const struct item *item = NULL;
        const char *link_id;
        size_t len;

        mp_skip(&at);
        size_t edit_size = (size_t)(at.at - edit);
        if (mp_find_str(edit, edit_size, "linkId", &link_id, &len)) {
            uint32_t i = item_find(q, link_id, len);
            item = i != ITEM_NONE ? &q->items[i] : NULL;
        }
        if (item != NULL && item->type != ITEM_GROUP && item->identifier == IDENTIFIER_NONE)
            t.full |= buf_append(out, edit, edit_size);
        else
            edit_mask(&t, edit, edit_size, item);
    }
    return t.full != 0 ? BUF_FULL : BUF_OK;
}
