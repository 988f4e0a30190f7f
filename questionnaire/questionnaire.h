/* A FHIR R4 Questionnaire compiled to a flat form, and answers in the short form checked against
 * it.
 *
 * Short form: one flat map from linkId to value. Non-repeating groups are transparent; a repeating
 * group is "group": [{…}, {…}], nested likewise; items under a question: {"value": …, "items":
 * {…}}. A repeating question takes an array (a scalar is one answer). null and [] say "left blank".
 *
 * Judged here: known items at their place, types, options, maxLength, required, repeats. Items with
 * enableWhen, and what lies below them, are never missed by "required" (enabling is not evaluated
 * yet, and a wrong rejection would be worse). A definition that says what we can't judge at all
 * (value sets, type question, …) is refused at load, naming the item.
 *
 * A compiled questionnaire holds scratch memory for the check: one thread at a time. */
#ifndef SLUICE_QUESTIONNAIRE_QUESTIONNAIRE_H
#define SLUICE_QUESTIONNAIRE_QUESTIONNAIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "questionnaire/findings.h"

#define QUESTIONNAIRE_ITEMS_MAX 10000
#define QUESTIONNAIRE_DEPTH_MAX 32
#define QUESTIONNAIRE_LINK_ID_MAX 255

struct questionnaire; /* opaque */

enum questionnaire_outcome { QUESTIONNAIRE_OK = 0, QUESTIONNAIRE_REFUSED = 1 };

/* json: a Questionnaire resource. On QUESTIONNAIRE_REFUSED *ret_why is a malloc'd text. */
int questionnaire_compile(const char *json, size_t len, struct questionnaire **ret_questionnaire,
                          char **ret_why);
void questionnaire_free(struct questionnaire *q);
size_t questionnaire_items(const struct questionnaire *q);

/* answers: a msgpack map that mp_check has passed. Broken rules are added to findings, their
 * pointers below "/answers". complete: required is judged (status completed). */
void questionnaire_check(struct questionnaire *q, const uint8_t *answers, size_t size,
                         bool complete, struct findings *findings);

#endif
