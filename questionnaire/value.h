/* One value against the type of its item. Inner header of questionnaire/. */
#ifndef SLUICE_QUESTIONNAIRE_VALUE_H
#define SLUICE_QUESTIONNAIRE_VALUE_H

#include "questionnaire/decimal.h"
#include "questionnaire/findings.h"
#include "questionnaire/item.h"
#include "questionnaire/sheet.h"
#include "schemas/wire/mp.h"

enum number_outcome {
    NUMBER_OK = 0,
    NUMBER_NONE = 1,   /* no number */
    NUMBER_DIGITS = 2, /* a number of more digits than a decimal holds */
};
int number_read(const struct mp_value *v, struct decimal *ret);

struct span {
    const char *at; /* NULL: not given */
    size_t len;
};
bool span_is(struct span s, const char *text);

/* A quantity, or a bare number in the item's default unit. */
struct quantity {
    struct mp_value number;
    struct span code, unit, system;
    bool comparator;
};
/* False where it is none. inside stands behind v's head. */
bool quantity_read(const struct mp_value *v, struct mp_cursor inside, struct quantity *ret);
/* Whether the quantity's own unit, or the default one where it names none, is the given one: same
 * code (of the same system, where both name one), else same text. */
bool quantity_has_unit(const struct quantity *x, const struct unit *fallback,
                       const struct unit *unit);
/* Its value, in its own or the default unit, against number in unit. False where they can't be
 * compared. */
bool quantity_compare(const struct quantity *x, struct decimal value, const struct unit *fallback,
                      struct decimal number, const struct unit *unit, int *ret_order);
/* Whether UCUM can convert its unit to the given one. */
bool quantity_converts(const struct quantity *x, const struct unit *fallback,
                       const struct unit *unit);

struct coding {
    struct span system, code, display, text;
};
/* {"system","code","display"} or {"text"}; resource: as FHIR's Coding. */
bool coding_read(const struct mp_value *v, struct mp_cursor inside, bool resource,
                 struct coding *ret);

/* Judges a->v, whose head was read, for the level "type", and finds the option it names:
 * a->option, a->pending. Returns the rule it breaks, or RULE_COUNT. *ret_more: the parameter, or
 * NULL. */
enum rule value_judge(const struct item *item, struct answer *a, const uint8_t *end,
                      const char **ret_more);
/* For an item with options: a->option and a->pending. */
void option_resolve(const struct item *item, struct answer *a, struct mp_cursor inside);

#endif
