/* What an item's answers are chosen from: answerOption, answerValueSet, and a quantity's units. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "questionnaire/compile.h"
#include "questionnaire/extension.h"
#include "questionnaire/moment.h"
#include "questionnaire/valueset.h"

#define TYPE(NAME) (1u << ITEM_##NAME)
#define TYPES_CHOICE (TYPE(CHOICE) | TYPE(OPEN_CHOICE))
#define TYPES_SET (TYPES_CHOICE | TYPE(STRING) | TYPE(TEXT))

/* The value[x] of an answerOption and the types of items that may have it as an answer. */
static const struct {
    const char *name;
    enum option_kind kind;
    unsigned types;
} values[] = {
    {"valueCoding", OPTION_CODING, TYPES_CHOICE},
    {"valueString", OPTION_STRING, TYPES_SET | TYPE(URL)},
    {"valueInteger", OPTION_INTEGER, TYPES_CHOICE | TYPE(INTEGER) | TYPE(DECIMAL)},
    {"valueDate", OPTION_DATE, TYPES_CHOICE | TYPE(DATE)},
    {"valueTime", OPTION_TIME, TYPES_CHOICE | TYPE(TIME)},
    {"valueReference", OPTION_REFERENCE, TYPES_CHOICE | TYPE(REFERENCE)},
};

static bool
coding_take(struct compiler *c, const struct item *item, const json_t *v, struct option *o)
{
    if (!json_is_object(v))
        return item_refuse(c, item, "valueCoding must be an object");
    if (!text_take(c, item, v, "system", &o->system) || !text_take(c, item, v, "code", &o->code) ||
        !text_take(c, item, v, "display", &o->display))
        return false;
    if (o->code == NULL && o->display == NULL)
        return item_refuse(c, item, "an option needs a code or a display");
    return weight_read(v, o) || item_refuse(c, item, "an option's weight is no decimal");
}

static bool
scalar_take(struct compiler *c, const struct item *item, const json_t *v, struct option *o)
{
    char digits[16];

    if (o->kind == OPTION_INTEGER) {
        o->integer = json_integer_value(v);
        if (!json_is_integer(v) || o->integer < INT32_MIN || o->integer > INT32_MAX)
            return item_refuse(c, item, "an option is no integer of 32 bits");
        snprintf(digits, sizeof(digits), "%d", (int)o->integer);
        o->code = definition_memory_text(c->q->memory, digits);
        return true;
    }
    if (o->kind == OPTION_REFERENCE) {
        o->display = literal_text(json_object_get(v, "display"));
        v = json_object_get(v, "reference");
    }
    o->code = literal_text(v);
    size_t len = o->code != NULL ? strlen(o->code) : 0;
    if (len == 0)
        return item_refuse(c, item, "an option's value must be a text");
    if ((o->kind == OPTION_DATE && moment_check_date(o->code, len) != MOMENT_OK) ||
        (o->kind == OPTION_TIME && moment_check_time(o->code, len) != MOMENT_OK))
        return item_refuse(c, item, "an option is no date or time");
    return true;
}

static bool
option_take(struct compiler *c, struct item *item, const json_t *v, struct option *o)
{
    const json_t *value = NULL, *x;
    size_t i = 0;

    if (!json_is_object(v))
        return item_refuse(c, item, "an option must be an object");
    if (!members_take(c, item, v, SUPPORT_OPTION) || !extensions_take(c, item, v, SUPPORT_OPTION))
        return false;
    while (i < ARRAY_LEN(values) && (value = json_object_get(v, values[i].name)) == NULL)
        i++;
    if (i == ARRAY_LEN(values))
        return item_refuse(c, item, "an option without a value");
    if ((values[i].types & (1u << item->type)) == 0)
        return item_refuse(c, item, "an option's %s does not fit type %s", values[i].name,
                           item_type_codes[item->type]);
    o->kind = values[i].kind;
    if (!(o->kind == OPTION_CODING ? coding_take(c, item, value, o)
                                   : scalar_take(c, item, value, o)))
        return false;
    struct option outer = {.has_weight = false};
    if (!weight_read(v, &outer) || !weight_inherit(c->valuesets, o))
        return item_refuse(c, item, "an option's weight is no decimal");
    if (outer.has_weight) {
        o->weight = outer.weight;
        o->has_weight = true;
    }
    x = extension_first(v, support_rows[HAS_OPTION_EXCLUSIVE].key);
    return x == NULL || extension_value(x) == NULL || extension_flag(x, &o->exclusive) ||
           item_refuse(c, item, "optionExclusive must be true or false");
}

/* Two options that no answer can tell apart. */
static bool
twins(const struct option *a, const struct option *b)
{
    bool systems = a->system == NULL || b->system == NULL ? a->system == b->system
                                                          : strcmp(a->system, b->system) == 0;

    return a->kind == b->kind && systems && (a->code != NULL) == (b->code != NULL);
}

static void
twins_warn(struct compiler *c, const struct item *item, const struct option_set *set)
{
    for (uint32_t i = 0; i < set->n; i++) {
        const struct option *o = &set->options[i];
        /* Neighbours in the chain are enough for a hint, and keep this linear. */
        if (o->next_alike != OPTION_NONE && twins(o, &set->options[o->next_alike])) {
            item_warn(c, item, "the option '%.60s' stands twice",
                      o->code != NULL ? o->code : o->display);
            return;
        }
    }
}

static bool
list_take(struct compiler *c, struct item *item, const json_t *list)
{
    struct questionnaire *q = c->q;
    const json_t *v;
    size_t i;

    if (!json_is_array(list) || json_array_size(list) == 0)
        return item_refuse(c, item, "'answerOption' must be an array of options");
    struct option_set *set = definition_memory_take(q->memory, 1, sizeof(*set));
    set->options = q->options + q->n_options;
    json_array_foreach(list, i, v)
    {
        if (!option_take(c, item, v, &set->options[set->n]))
            return false; /* one reason an item is enough here */
        set->n++;
        q->n_options++;
    }
    option_set_index(set, q->memory);
    twins_warn(c, item, set);
    item->set = set;
    return true;
}

/* A value set by its name; *ret_set NULL and true where it was flagged as unverified. */
static bool
set_take(struct compiler *c, struct item *item, const char *what, const char *canonical,
         const struct option_set **ret_set)
{
    const char *why;

    switch ((enum valueset_outcome)valueset_get(c->valuesets, canonical, ret_set, &why)) {
    case VALUESET_OK:
        return true;
    case VALUESET_REFUSED:
        return item_refuse(c, item, "%s %.150s: %s", what, canonical, why);
    case VALUESET_OPEN:
        break;
    }
    *ret_set = NULL;
    item_warn(c, item, "%s %.150s: %s", what, canonical, why);
    return unsupported(c, item, HAS_VALUE_SET_OPEN, what);
}

bool
options_take(struct compiler *c, const json_t *v, struct item *item)
{
    const json_t *list = json_object_get(v, "answerOption");
    const char *canonical;

    if (!text_take(c, item, v, "answerValueSet", &canonical))
        return false;
    if (list != NULL && canonical != NULL)
        return item_refuse(c, item, "has both answerOption and answerValueSet");
    if (canonical != NULL && (TYPES_SET & (1u << item->type)) == 0)
        return item_refuse(c, item, "answerValueSet does not fit type %s",
                           item_type_codes[item->type]);
    if (list != NULL && !list_take(c, item, list))
        return false;
    if (canonical != NULL && !set_take(c, item, "answerValueSet", canonical, &item->set))
        return false;
    if (item->set != NULL) {
        item->options = item->set->options;
        item->n_options = item->set->n;
    }
    if (item->type == ITEM_CHOICE && item->set == NULL && !item->unverified)
        return item_refuse(c, item, "a choice needs answerOption or answerValueSet");
    return true;
}

static bool
unit_take(struct compiler *c, const struct item *item, const json_t *x, const char *what,
          struct unit *ret)
{
    const json_t *coding = json_object_get(x, "valueCoding");

    if (!json_is_object(coding))
        return item_refuse(c, item, "%s must be a Coding", what);
    if (!text_take(c, item, coding, "system", &ret->system) ||
        !text_take(c, item, coding, "code", &ret->code) ||
        !text_take(c, item, coding, "display", &ret->text))
        return false;
    return ret->code != NULL || ret->text != NULL ||
           item_refuse(c, item, "%s needs a code or a display", what);
}

static bool
default_unit_take(struct compiler *c, const json_t *v, struct item *item)
{
    const unsigned types = TYPE(QUANTITY) | TYPE(DECIMAL) | TYPE(INTEGER);
    const json_t *x = extension_first(v, support_rows[HAS_UNIT].key);

    if (x == NULL || extension_value(x) == NULL)
        return true;
    if ((types & (1u << item->type)) == 0)
        return item_refuse(c, item, "questionnaire-unit does not fit type %s",
                           item_type_codes[item->type]);
    if (extension_count(v, support_rows[HAS_UNIT].key) > 1)
        return item_refuse(c, item, "questionnaire-unit stands twice");
    struct unit *unit = definition_memory_take(c->q->memory, 1, sizeof(*unit));
    item->unit = unit;
    return unit_take(c, item, x, "questionnaire-unit", unit);
}

/* Whether the default is among the allowed ones; if not it is allowed all the same. */
static void
default_unit_allow(struct compiler *c, struct item *item, struct unit *units)
{
    for (uint32_t i = 0; i < item->n_units; i++) {
        const char *a = item->unit->code != NULL ? item->unit->code : item->unit->text;
        const char *b = units[i].code != NULL ? units[i].code : units[i].text;
        if (strcmp(a, b) == 0)
            return;
    }
    item_warn(c, item, "the default unit is none of the units to choose from; it is taken too");
    units[item->n_units++] = *item->unit;
}

bool
units_take(struct compiler *c, const json_t *v, struct item *item)
{
    const char *option_url = support_rows[HAS_UNIT_OPTION].key, *canonical = NULL;
    const json_t *x, *named = extension_first(v, support_rows[HAS_UNIT_VALUE_SET].key);
    size_t n = extension_count(v, option_url), at = 0;
    const struct option_set *set = NULL;

    if (!default_unit_take(c, v, item))
        return false;
    if (n == 0 && named == NULL)
        return true;
    if (item->type != ITEM_QUANTITY)
        return item_refuse(c, item, "units to choose from do not fit type %s",
                           item_type_codes[item->type]);
    if (named != NULL && !extension_text(named, &canonical))
        return item_refuse(c, item, "unitValueSet must be a canonical");
    if (canonical != NULL && !set_take(c, item, "unitValueSet", canonical, &set))
        return false;
    uint32_t n_set = set != NULL ? set->n : 0;
    struct unit *units = definition_memory_take(c->q->memory, n + n_set + 1, sizeof(*units));
    item->units = units;
    while ((x = extension_next(v, option_url, &at)) != NULL) {
        if (extension_value(x) == NULL)
            continue;
        if (!unit_take(c, item, x, "unitOption", &units[item->n_units++]))
            return false;
    }
    for (uint32_t i = 0; i < n_set; i++) {
        const struct option *o = &set->options[i];
        units[item->n_units++] = (struct unit){o->system, o->code, o->display};
    }
    if (item->unit != NULL && item->n_units > 0)
        default_unit_allow(c, item, units);
    return true;
}
