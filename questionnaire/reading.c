/* Types only: limits, options out of the set and patterns are check.c's business. A literal of more
 * digits than a decimal holds is cut, not lost: 18 digits tell every alert limit apart. */
#include "questionnaire/reading.h"

#include <stdio.h>
#include <string.h>

#include "questionnaire/ucum.h"
#include "questionnaire/value.h"

#define SMALL_SET 16

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A well-formed literal of too many digits: the first DECIMAL_DIGITS_MAX significant ones. */
static bool
long_literal_take(const char *text, size_t len, struct decimal *ret)
{
    char cut[DECIMAL_DIGITS_MAX + 16];
    size_t n = 0, digits = 0, i = 0;
    int32_t exponent = 0;
    bool point = false;

    if (i < len && text[i] == '-')
        cut[n++] = text[i++];
    for (; i < len && (is_digit(text[i]) || text[i] == '.'); i++) {
        if (text[i] == '.') {
            point = true;
            continue;
        }
        bool take = digits < DECIMAL_DIGITS_MAX;
        if (take && (digits > 0 || text[i] != '0')) {
            cut[n++] = text[i];
            digits++;
        }
        if (exponent > -DECIMAL_EXPONENT_MAX && exponent < DECIMAL_EXPONENT_MAX)
            exponent += (take ? 0 : 1) - (point ? 1 : 0);
    }
    struct decimal scale;
    char one[16];
    if (len - i > sizeof(one) - 2)
        return false;
    one[0] = '1';
    memcpy(one + 1, text + i, len - i); /* "1" and the exponent part, if there is one */
    if (digits == 0 || !decimal_parse(one, len - i + 1, &scale))
        return false;
    n += (size_t)snprintf(cut + n, sizeof(cut) - n, "e%d", exponent + scale.exponent);
    return decimal_parse(cut, n, ret);
}

static bool
number_take(const struct mp_value *v, struct decimal *ret)
{
    char text[24];
    int64_t i;

    if (mp_as_int(v, &i)) {
        *ret = decimal_from_int(i);
        return true;
    }
    if (v->type == MP_UINT) {
        int n = snprintf(text, sizeof(text), "%llu", (unsigned long long)v->u);
        return long_literal_take(text, (size_t)n, ret);
    }
    if (v->type != MP_EXT || v->ext_type != MP_DECIMAL)
        return false;
    return decimal_parse((const char *)v->at, v->len, ret) ||
           long_literal_take((const char *)v->at, v->len, ret);
}

static void
option_read(const struct option *o, struct reading *r)
{
    r->option = o;
    if (o->has_weight)
        r->number = o->weight;
    else if (o->kind == OPTION_INTEGER)
        r->number = decimal_from_int(o->integer);
    r->has_number = o->has_weight || o->kind == OPTION_INTEGER;
}

static bool
choice_take(const struct item *item, const struct mp_value *v, struct mp_cursor inside,
            struct reading *r)
{
    struct answer a = {.v = *v, .option = OPTION_NONE, .type = VALUE_SHORT};
    int64_t integer;

    if (v->type != MP_STR && v->type != MP_MAP && !mp_as_int(v, &integer))
        return false;
    if (item->set != NULL)
        option_resolve(item, &a, inside);
    if (a.option != OPTION_NONE)
        option_read(&item->set->options[a.option], r);
    return true;
}

/* As written, and in the item's default unit. */
static bool
quantity_take(const struct item *item, const struct mp_value *v, struct mp_cursor inside,
              struct reading *r)
{
    const struct unit *own = item->unit;
    struct quantity x;

    if (!quantity_read(v, inside, &x) || !number_take(&x.number, &r->as_written))
        return false;
    const struct span unit = x.code.at != NULL ? x.code : x.unit;
    if (unit.at == NULL || (own != NULL && quantity_has_unit(&x, own, own))) {
        r->number = r->as_written;
        r->has_number = true;
        return true;
    }
    r->unit = unit.at;
    r->unit_len = (uint32_t)unit.len;
    r->has_number = own != NULL && quantity_converts(&x, own, own) &&
                    ucum_convert(r->as_written, unit.at, unit.len, own->code, strlen(own->code),
                                 &r->number) == UCUM_OK;
    return true;
}

/* Whether looking for the option of a number may be worth it: small sets, most of them without
 * weights, are looked through first. */
static bool
may_weigh(const struct option_set *set)
{
    bool weighs = set != NULL && set->n > SMALL_SET;

    for (uint32_t i = 0; set != NULL && !weighs && i < set->n; i++)
        weighs = set->options[i].has_weight;
    return weighs;
}

/* A number that an option of the item may give a weight of its own. */
static bool
counted_take(const struct item *item, const struct mp_value *v, struct mp_cursor inside,
             struct reading *r)
{
    struct reading by_option = {0};

    if (may_weigh(item->set) && choice_take(item, v, inside, &by_option) && by_option.has_number)
        *r = by_option;
    else
        r->has_number = number_take(v, &r->number);
    return r->has_number;
}

static bool
text_take(const struct mp_value *v, struct reading *r)
{
    r->text = (const char *)v->at;
    r->text_len = v->len;
    return v->type == MP_STR;
}

bool
reading_take(const struct item *item, const struct mp_value *v, struct mp_cursor inside,
             struct reading *ret)
{
    struct reading r = {.next = READING_NONE};
    bool good = false;
    int64_t integer;

    switch (item->type) {
    case ITEM_BOOLEAN:
        good = v->type == MP_BOOL;
        r.is_boolean = r.has_number = good;
        r.number = decimal_from_int(good && v->boolean);
        break;
    case ITEM_INTEGER:
        good = mp_as_int(v, &integer) && integer >= INT32_MIN && integer <= INT32_MAX &&
               counted_take(item, v, inside, &r);
        break;
    case ITEM_DECIMAL:
        good = counted_take(item, v, inside, &r);
        break;
    case ITEM_CHOICE:
    case ITEM_OPEN_CHOICE:
        good = choice_take(item, v, inside, &r);
        break;
    case ITEM_QUANTITY:
        good = quantity_take(item, v, inside, &r);
        break;
    case ITEM_DATE:
    case ITEM_DATE_TIME:
    case ITEM_TIME:
    case ITEM_STRING:
    case ITEM_TEXT:
    case ITEM_URL:
        good = text_take(v, &r);
        break;
    case ITEM_ATTACHMENT:
    case ITEM_REFERENCE:
    case ITEM_GROUP:
    case ITEM_DISPLAY:
    case ITEM_TYPE_COUNT:
        break;
    }
    if (good) {
        r.next = READING_NONE; /* counted_take may have replaced the whole */
        *ret = r;
    }
    return good;
}
