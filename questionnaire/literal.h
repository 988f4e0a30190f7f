/* JSON trees whose decimals keep their literal: jansson alone would make doubles of them, and
 * 0.1 would come back as 0.10000000000000001.
 *
 * A number with a fraction or an exponent stands in the tree as a string that begins with
 * LITERAL_MARK; no other string begins so, because a text that holds U+0001 is refused. Integers
 * stay JSON integers. A second door of questionnaire/, for those who store definitions. */
#ifndef SLUICE_QUESTIONNAIRE_LITERAL_H
#define SLUICE_QUESTIONNAIRE_LITERAL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "questionnaire/decimal.h"

#define LITERAL_MARK '\1'

/* NULL and *ret_error for what is no JSON; duplicate keys are refused. */
json_t *literal_load(const char *text, size_t len, json_error_t *ret_error);
/* Compact, keys sorted, every number as it was written. malloc'd. */
char *literal_dump(const json_t *root);

/* v's text; NULL if v is no string (a decimal is none). */
const char *literal_text(const json_t *v);
/* Integers and decimals; false for anything else, and for more than decimal.h holds. */
bool literal_number(const json_t *v, struct decimal *ret);

#endif
