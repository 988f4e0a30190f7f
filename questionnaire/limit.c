/* One function for each kind of value; each tells every limit that is broken. Parameters are the
 * definition's, never the value. */
#include "questionnaire/limit.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "questionnaire/attachment.h"
#include "questionnaire/moment.h"
#include "questionnaire/reference.h"
#include "questionnaire/regex.h"
#include "questionnaire/text.h"
#include "questionnaire/value.h"

#define LIST_SIZE (FINDINGS_PARAMETER_MAX + 8)

/* Where an answer stands, for what is said about it. */
struct spot {
    struct sheet *s;
    const struct item *item;
    uint32_t i, place, answer;
};

static void
broken(const struct spot *at, enum rule rule, const char *parameter)
{
    sheet_broken_answer(at->s, rule, at->i, at->place, at->answer, parameter);
}

static void
broken_number(const struct spot *at, enum rule rule, int64_t most)
{
    char text[24];

    snprintf(text, sizeof(text), "%lld", (long long)most);
    broken(at, rule, text);
}

/* Names one after the other; what does not fit is left out at a whole name. */
static void
list_add(char list[LIST_SIZE], const char *name)
{
    size_t have = strlen(list), more = strlen(name);

    if (have + more + 2 > LIST_SIZE)
        return;
    if (have > 0)
        list[have++] = ' ';
    memcpy(list + have, name, more + 1);
}

static const char *
unit_name(const struct unit *u)
{
    return u->code != NULL ? u->code : u->text != NULL ? u->text : "";
}

static void
broken_quantity(const struct spot *at, enum rule rule, const struct limit *l)
{
    const struct unit *own = at->item->unit;
    char text[DECIMAL_TEXT_SIZE], list[LIST_SIZE] = "";
    const char *unit = unit_name(&l->unit);

    decimal_format(l->number, text);
    list_add(list, text);
    if (*unit == '\0' && own != NULL)
        unit = unit_name(own);
    if (*unit != '\0')
        list_add(list, unit);
    broken(at, rule, list);
}

static void
text_limits(const struct spot *at, const char *text, size_t len)
{
    const struct item *item = at->item;
    int64_t n = item->min_length > 0 || (item->max_length > 0 && len > (size_t)item->max_length)
                    ? (int64_t)text_characters(text, len)
                    : 0;

    if (item->min_length > 0 && n < item->min_length)
        broken_number(at, RULE_MIN_LENGTH, item->min_length);
    if (item->max_length > 0 && n > item->max_length)
        broken_number(at, RULE_MAX_LENGTH, item->max_length);
}

static void
regex_limit(const struct spot *at, const char *text, size_t len)
{
    if (at->item->regex == NULL)
        return;
    /* A hostile form must not make us try again and again. */
    bool tired = at->s->undecided >= SHEET_UNDECIDED_MAX;
    switch (tired ? REGEX_UNDECIDED : regex_match(at->item->regex, text, len)) {
    case REGEX_MATCHES:
        break;
    case REGEX_DIFFERS:
        broken(at, RULE_REGEX, NULL);
        break;
    case REGEX_UNDECIDED:
        at->s->undecided++;
        sheet_warn_answer(at->s, RULE_REGEX_UNDECIDED, at->i, at->place, at->answer, NULL);
        break;
    }
}

/* The number's own limits; false if it has more digits than can be compared. */
static bool
digits_limit(const struct spot *at, const struct mp_value *v, struct decimal *ret)
{
    int32_t places = at->item->max_decimal_places;

    if (number_read(v, ret) != NUMBER_OK) {
        broken_number(at, RULE_DIGITS, DECIMAL_DIGITS_MAX);
        return false;
    }
    if (places >= 0 && decimal_places(*ret) > (unsigned)places)
        broken_number(at, RULE_MAX_DECIMAL_PLACES, places);
    return true;
}

static void
number_limits(const struct spot *at, const struct mp_value *v)
{
    const struct limit *min = &at->item->min, *max = &at->item->max;
    char text[DECIMAL_TEXT_SIZE];
    struct decimal value;

    if (!digits_limit(at, v, &value))
        return;
    if (min->kind == LIMIT_NUMBER && decimal_compare(value, min->number) < 0) {
        decimal_format(min->number, text);
        broken(at, RULE_MIN_VALUE, text);
    }
    if (max->kind == LIMIT_NUMBER && decimal_compare(value, max->number) > 0) {
        decimal_format(max->number, text);
        broken(at, RULE_MAX_VALUE, text);
    }
}

/* A regex sees a number as it was written. */
static void
number_regex(const struct spot *at, const struct mp_value *v)
{
    char text[24];

    if (at->item->regex == NULL)
        return;
    if (v->type == MP_EXT)
        regex_limit(at, (const char *)v->at, v->len);
    else if (v->type == MP_INT)
        regex_limit(at, text, (size_t)snprintf(text, sizeof(text), "%lld", (long long)v->i));
    else
        regex_limit(at, text,
                    (size_t)snprintf(text, sizeof(text), "%llu", (unsigned long long)v->u));
}

static void
moment_limits(const struct spot *at, const struct mp_value *v)
{
    const struct limit *min = &at->item->min, *max = &at->item->max;
    const char *text = (const char *)v->at;

    if (min->kind == LIMIT_MOMENT && moment_compare(text, v->len, min->text, min->text_len) < 0)
        broken(at, RULE_MIN_VALUE, min->text);
    if (max->kind == LIMIT_MOMENT && moment_compare(text, v->len, max->text, max->text_len) > 0)
        broken(at, RULE_MAX_VALUE, max->text);
}

/* Whether the item takes the quantity's unit: one of the list; where there is only a default unit,
 * any that converts to it. */
static bool
unit_allowed(const struct item *item, const struct quantity *x)
{
    if (item->n_units == 0)
        return item->unit == NULL || quantity_has_unit(x, item->unit, item->unit) ||
               quantity_converts(x, item->unit, item->unit);
    for (uint32_t i = 0; i < item->n_units; i++) {
        if (quantity_has_unit(x, item->unit, &item->units[i]))
            return true;
    }
    return false;
}

static void
broken_unit(const struct spot *at, const struct limit *l)
{
    char list[LIST_SIZE] = "";

    for (uint32_t i = 0; i < at->item->n_units; i++)
        list_add(list, unit_name(&at->item->units[i]));
    if (list[0] == '\0')
        list_add(list, unit_name(l != NULL ? &l->unit : at->item->unit));
    broken(at, RULE_UNIT, list);
}

static void
quantity_limits(const struct spot *at, const struct mp_value *v, struct mp_cursor inside)
{
    const struct item *item = at->item;
    const struct limit *limits[] = {&item->min, &item->max};
    struct quantity x;
    struct decimal value;
    int order;

    bool good = quantity_read(v, inside, &x);
    sluice_assert(good);
    if (!unit_allowed(item, &x)) {
        broken_unit(at, NULL);
        return;
    }
    if (!digits_limit(at, &x.number, &value))
        return;
    for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
        if (limits[i]->kind != LIMIT_QUANTITY)
            continue;
        if (!quantity_compare(&x, value, item->unit, limits[i]->number, &limits[i]->unit, &order)) {
            broken_unit(at, limits[i]);
            return;
        }
        if (i == 0 && order < 0)
            broken_quantity(at, RULE_MIN_QUANTITY, limits[i]);
        if (i == 1 && order > 0)
            broken_quantity(at, RULE_MAX_QUANTITY, limits[i]);
    }
}

static void
reference_limits(const struct spot *at, const struct mp_value *v, struct mp_cursor inside)
{
    const struct item *item = at->item;
    char list[LIST_SIZE] = "";
    struct reference r;
    const char *type = NULL;
    size_t len = 0;

    if (item->n_reference_types == 0 || !reference_read(v, inside, &r))
        return;
    if (r.reference.at != NULL)
        reference_check(r.reference.at, r.reference.len, &type, &len);
    if (type == NULL && r.type.at != NULL) {
        type = r.type.at;
        len = r.type.len;
    }
    if (type == NULL)
        return; /* #id, urn:uuid: or an identifier: the type is not said */
    for (uint32_t i = 0; i < item->n_reference_types; i++) {
        if (span_is((struct span){type, len}, item->reference_types[i]))
            return;
        list_add(list, item->reference_types[i]);
    }
    broken(at, RULE_REFERENCE_TYPE, list);
}

static void
attachment_limits(const struct spot *at, const struct mp_value *v, struct mp_cursor inside)
{
    const struct item *item = at->item;
    char list[LIST_SIZE] = "";
    struct attachment x;
    bool allowed = item->n_mime_types == 0;

    bool good = attachment_read(v, inside, &x);
    sluice_assert(good);
    for (uint32_t i = 0; i < item->n_mime_types && !allowed; i++) {
        allowed =
            x.content_type.at != NULL && mime_type_matches(x.content_type, item->mime_types[i]);
        list_add(list, item->mime_types[i]);
    }
    if (!allowed)
        broken(at, RULE_MIME_TYPE, list);
    bool inlined = x.data.at != NULL;
    if (inlined && x.has_size && x.size != x.data_bytes)
        broken(at, RULE_ATTACHMENT_SIZE, NULL);
    if (inlined && x.data_bytes > ATTACHMENT_INLINE_MAX)
        broken_number(at, RULE_INLINE_SIZE, ATTACHMENT_INLINE_MAX);
    uint64_t bytes = inlined ? x.data_bytes : x.size;
    if (item->max_bytes > 0 && bytes > item->max_bytes)
        broken_number(at, RULE_MAX_SIZE, (int64_t)item->max_bytes);
}

/* Free text of an open-choice, if that is what it is. */
static void
free_text_limits(const struct spot *at, const struct answer *a)
{
    struct coding coding;

    if (a->option != OPTION_NONE || a->pending != RULE_COUNT)
        return;
    struct span text = {(const char *)a->v.at, a->v.len};
    if (a->v.type == MP_MAP) {
        coding_read(&a->v, (struct mp_cursor){a->inside, at->s->end}, a->type != VALUE_SHORT,
                    &coding);
        text = coding.text;
    } else if (a->v.type != MP_STR) {
        return;
    }
    if (text.at != NULL) {
        text_limits(at, text.at, text.len);
        regex_limit(at, text.at, text.len);
    }
}

static void
answer_limits(const struct spot *at)
{
    const struct answer *a = &at->s->answers[at->answer];
    struct mp_cursor inside = {a->inside, at->s->end};

    if (a->pending != RULE_COUNT)
        broken(at, (enum rule)a->pending, NULL);
    switch (at->item->type) {
    case ITEM_DECIMAL:
    case ITEM_INTEGER:
        number_limits(at, &a->v);
        number_regex(at, &a->v);
        break;
    case ITEM_DATE:
    case ITEM_DATE_TIME:
    case ITEM_TIME:
        moment_limits(at, &a->v);
        regex_limit(at, (const char *)a->v.at, a->v.len);
        break;
    case ITEM_STRING:
    case ITEM_TEXT:
    case ITEM_URL:
        text_limits(at, (const char *)a->v.at, a->v.len);
        regex_limit(at, (const char *)a->v.at, a->v.len);
        break;
    case ITEM_OPEN_CHOICE:
        free_text_limits(at, a);
        break;
    case ITEM_QUANTITY:
        quantity_limits(at, &a->v, inside);
        break;
    case ITEM_REFERENCE:
        reference_limits(at, &a->v, inside);
        break;
    case ITEM_ATTACHMENT:
        attachment_limits(at, &a->v, inside);
        break;
    case ITEM_BOOLEAN:
    case ITEM_CHOICE:
    case ITEM_GROUP:
    case ITEM_DISPLAY:
    case ITEM_TYPE_COUNT:
        break;
    }
}

void
limits_check(struct sheet *s, uint32_t i, uint32_t place)
{
    const struct item *item = &s->q->items[i];
    struct slot *slot = sheet_slot(s, i, place);
    struct spot at = {.s = s, .item = item, .i = i, .place = place};
    bool exclusive = false;

    for (uint32_t a = slot->first; a != SHEET_NONE; a = s->answers[a].next) {
        if (!s->answers[a].good)
            continue;
        at.answer = a;
        answer_limits(&at);
        uint32_t option = s->answers[a].option;
        exclusive = exclusive || (option != OPTION_NONE && item->options[option].exclusive);
    }
    if (exclusive && slot->n > 1)
        sheet_broken_item(s, RULE_OPTION_EXCLUSIVE, i, place, NULL);
}
