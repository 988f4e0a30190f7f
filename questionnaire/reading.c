/* Types only: limits, options out of the set and patterns are check.c's business. A literal of more
 * digits than a decimal holds is cut, not lost: 18 digits tell every alert limit apart. */
#include "questionnaire/reading.h"

#include <stdio.h>
#include <string.h>

#include "questionnaire/ucum.h"

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

static bool
text_is(const char *a, const struct mp_value *b)
{
    return a != NULL && strlen(a) == b->len && memcmp(a, b->at, b->len) == 0;
}

struct choice { /* each may have at == NULL */
    struct mp_value system, code, display;
};

/* The only option that fits; NULL: none, or several. */
static const struct option *
option_fit(const struct option_set *set, const struct choice *want)
{
    const struct mp_value *key = want->code.at != NULL ? &want->code : &want->display;
    const struct option *found = NULL;

    if (set == NULL || key->at == NULL)
        return NULL;
    uint32_t i = option_find(set, (const char *)key->at, key->len);
    for (; i != OPTION_NONE; i = set->options[i].next_alike) {
        const struct option *o = &set->options[i];
        if ((o->code != NULL) != (want->code.at != NULL))
            continue;
        if (want->system.at != NULL && o->system != NULL && !text_is(o->system, &want->system))
            continue;
        if (found != NULL)
            return NULL;
        found = o;
    }
    return found;
}

static bool
choice_read(const struct mp_value *v, struct mp_cursor inside, struct choice *ret)
{
    if (v->type == MP_STR) {
        ret->code = *v;
        return true;
    }
    if (v->type != MP_MAP)
        return false;
    for (uint32_t i = 0; i < v->len; i++) {
        struct mp_value key, value;
        if (mp_next(&inside, &key) != MP_OK || mp_next(&inside, &value) != MP_OK ||
            value.type != MP_STR)
            return false;
        if (mp_is_str(&key, "system"))
            ret->system = value;
        else if (mp_is_str(&key, "code"))
            ret->code = value;
        else if (mp_is_str(&key, "display"))
            ret->display = value;
    }
    return true;
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
    struct choice want = {0};
    struct mp_value digits = {.type = MP_STR};
    char text[24];
    int64_t integer;

    if (mp_as_int(v, &integer)) {
        digits.len = (uint32_t)snprintf(text, sizeof(text), "%lld", (long long)integer);
        digits.at = (const uint8_t *)text;
        want.code = digits;
    } else if (!choice_read(v, inside, &want)) {
        return false;
    }
    const struct option *o = option_fit(item->set, &want);
    if (o != NULL)
        option_read(o, r);
    return true;
}

/* A number, or {"value", "code" or "unit"}: as written, and in the item's default unit. */
static bool
quantity_take(const struct item *item, const struct mp_value *v, struct mp_cursor inside,
              struct reading *r)
{
    struct mp_value key, value, code = {0}, unit = {0};
    bool has_value = false;

    if (v->type != MP_MAP) {
        r->has_number = number_take(v, &r->number);
        r->as_written = r->number;
        return r->has_number;
    }
    for (uint32_t i = 0; i < v->len; i++) {
        if (mp_next(&inside, &key) != MP_OK || mp_next(&inside, &value) != MP_OK)
            return false;
        if (mp_is_str(&key, "value"))
            has_value = number_take(&value, &r->as_written);
        else if (mp_is_str(&key, "code") && value.type == MP_STR)
            code = value;
        else if (mp_is_str(&key, "unit") && value.type == MP_STR)
            unit = value;
    }
    if (!has_value)
        return false;
    const struct mp_value *named = code.at != NULL ? &code : &unit;
    const struct unit *own = item->unit;
    if (named->at == NULL ||
        (own != NULL && (text_is(own->code, named) || text_is(own->text, named)))) {
        r->number = r->as_written;
        r->has_number = true;
        return true;
    }
    r->unit = (const char *)named->at;
    r->unit_len = named->len;
    double converted;
    char text[32];
    if (own != NULL && own->code != NULL &&
        ucum_convert(r->as_written, r->unit, r->unit_len, own->code, strlen(own->code),
                     &converted) == UCUM_OK) {
        int n = snprintf(text, sizeof(text), "%.15g", converted);
        r->has_number = decimal_parse(text, (size_t)n, &r->number);
    }
    return true;
}

/* A number that an option of the item may give a weight of its own. */
static bool
counted_take(const struct item *item, const struct mp_value *v, struct mp_cursor inside,
             struct reading *r)
{
    struct reading by_option = {0};

    if (item->set != NULL && choice_take(item, v, inside, &by_option) && by_option.has_number)
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
