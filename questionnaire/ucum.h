/* UCUM units that clinical data uses: which can be converted, and comparing across them exactly.
 * Codes are case-sensitive, e.g. mg/dL, 10*9/L, mm[Hg], {beats}/min; annotations count as one. A
 * code whose atoms are not in ucum.def, or that has parentheses, is not known: it is comparable
 * with nothing here. */
#ifndef SLUICE_QUESTIONNAIRE_UCUM_H
#define SLUICE_QUESTIONNAIRE_UCUM_H

#include <stdbool.h>
#include <stddef.h>

#include "questionnaire/decimal.h"

#define UCUM_SYSTEM "http://unitsofmeasure.org"
#define UCUM_CODE_MAX 64

enum ucum_outcome {
    UCUM_OK = 0,
    UCUM_INCOMPARABLE = 1, /* unknown code, or of another dimension */
};

/* *ret_order: < 0, 0, > 0, exact. */
int ucum_compare(struct decimal a, const char *unit_a, size_t unit_a_len, struct decimal b,
                 const char *unit_b, size_t unit_b_len, int *ret_order);
bool ucum_convertible(const char *from, size_t from_len, const char *to, size_t to_len);
/* value of from in to: exact where 18 digits hold it (154 [lb_av] = 69.85322498 kg), else rounded
 * to 15 significant digits, half to even; no trailing zeros. Incomparable, too, where the result or
 * a step to it passes the exponents of a decimal. */
int ucum_convert(struct decimal value, const char *from, size_t from_len, const char *to,
                 size_t to_len, struct decimal *ret_value);

#endif
