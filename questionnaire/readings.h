/* What the answers of one form are worth as numbers: the ground that scores and alerts stand on.
 *
 * Every answer whose value is of its item's type is read, whatever else is wrong with the form:
 * required answers missing, limits and options broken, an answer to a disabled item, a question at
 * the wrong place. A form that is rejected for a typo must not lose its alert. What is stored as
 * complete was checked, so that its readings are those of a sound form.
 *
 * A number is: an integer or decimal; a boolean as 1 or 0; the weight of the chosen option, else
 * its integer; a quantity in the item's default unit. An answer without a number ("not applicable")
 * is read, but counts as unanswered for sums. Reused from one form to the next; one thread at a
 * time. */
#ifndef SLUICE_QUESTIONNAIRE_READINGS_H
#define SLUICE_QUESTIONNAIRE_READINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "questionnaire/questionnaire.h"

struct readings; /* opaque; readings_inner.h */

struct readings *readings_new(void);
void readings_free(struct readings *r);
/* answers: a msgpack map in the short form that mp_check has passed. It and q must stay as long as
 * r is used; what r held before is forgotten. */
void readings_take(struct readings *r, const struct questionnaire *q, const uint8_t *answers,
                   size_t size);
/* Forgets all: for a subject without an earlier form. */
void readings_clear(struct readings *r, const struct questionnaire *q);
/* Adds the answers of an older form, to items that have none yet: so "the previous answer" is taken
 * from several earlier forms, newest first. Only numbers are kept of them: the bytes need not stay.
 */
void readings_add_older(struct readings *r, const uint8_t *answers, size_t size);

#endif
