/* Quantities and their units. A unit is a code of a system (UCUM where none is named) or, without a
 * code, a text for people; a text compares only with itself. */
#include <string.h>

#include "questionnaire/ucum.h"
#include "questionnaire/value.h"

static bool
is_number(const struct mp_value *v)
{
    struct decimal d;

    return number_read(v, &d) != NUMBER_NONE;
}

bool
quantity_read(const struct mp_value *v, struct mp_cursor inside, struct quantity *ret)
{
    *ret = (struct quantity){.number = *v};
    if (v->type != MP_MAP)
        return is_number(v);
    ret->number.type = MP_NIL;
    for (uint32_t i = 0; i < v->len; i++) {
        struct mp_value key, value;
        struct span *part = NULL;
        if (mp_next(&inside, &key) != MP_OK)
            return false;
        struct mp_cursor at = inside;
        if (mp_skip(&inside) != MP_OK || mp_next(&at, &value) != MP_OK)
            return false;
        if (mp_is_str(&key, "value"))
            ret->number = value;
        else if (mp_is_str(&key, "comparator"))
            ret->comparator = true;
        else if (mp_is_str(&key, "code"))
            part = &ret->code;
        else if (mp_is_str(&key, "unit"))
            part = &ret->unit;
        else if (mp_is_str(&key, "system"))
            part = &ret->system;
        else if (!mp_is_str(&key, "id") && !mp_is_str(&key, "extension"))
            return false;
        if (part == NULL)
            continue;
        if (value.type != MP_STR || value.len == 0)
            return false;
        *part = (struct span){(const char *)value.at, value.len};
    }
    return is_number(&ret->number);
}

static struct span
span_from(const char *text)
{
    return (struct span){text, text != NULL ? strlen(text) : 0};
}

/* The unit it names, else the default one, else nothing. */
static void
unit_resolve(const struct quantity *x, const struct unit *fallback, struct quantity *ret)
{
    bool named = x->code.at != NULL || x->unit.at != NULL;

    *ret = *x;
    if (named || fallback == NULL)
        return;
    ret->code = span_from(fallback->code);
    ret->unit = span_from(fallback->text);
    ret->system = span_from(fallback->system);
}

bool
quantity_has_unit(const struct quantity *x, const struct unit *fallback, const struct unit *unit)
{
    struct quantity own;

    unit_resolve(x, fallback, &own);
    if (own.code.at != NULL && unit->code != NULL) {
        bool system =
            own.system.at == NULL || unit->system == NULL || span_is(own.system, unit->system);
        return system && span_is(own.code, unit->code);
    }
    if (own.unit.at != NULL && unit->text != NULL)
        return span_is(own.unit, unit->text);
    /* A text where the definition has a code, or a code where it has a text. */
    return span_is(own.unit.at != NULL ? own.unit : own.code,
                   unit->code != NULL ? unit->code : unit->text);
}

static bool
is_ucum(struct span system)
{
    return system.at == NULL || span_is(system, UCUM_SYSTEM);
}

bool
quantity_converts(const struct quantity *x, const struct unit *fallback, const struct unit *unit)
{
    struct quantity own;

    unit_resolve(x, fallback, &own);
    return own.code.at != NULL && unit->code != NULL && is_ucum(own.system) &&
           is_ucum(span_from(unit->system)) &&
           ucum_convertible(own.code.at, own.code.len, unit->code, strlen(unit->code));
}

bool
quantity_compare(const struct quantity *x, struct decimal value, const struct unit *fallback,
                 struct decimal number, const struct unit *unit, int *ret_order)
{
    struct quantity own;
    bool nameless = unit->code == NULL && unit->text == NULL;

    if (nameless) {
        if (fallback == NULL) {
            *ret_order = decimal_compare(value, number);
            return true;
        }
        unit = fallback;
    }
    if (quantity_has_unit(x, fallback, unit)) {
        *ret_order = decimal_compare(value, number);
        return true;
    }
    unit_resolve(x, fallback, &own);
    return quantity_converts(x, fallback, unit) &&
           ucum_compare(value, own.code.at, own.code.len, number, unit->code, strlen(unit->code),
                        ret_order) == UCUM_OK;
}
