/* Whole numbers of 512 bits: the ground of exact unit conversion. Inner header of questionnaire/.
 * Who multiplies sees to it that the product fits; passing 512 bits is our own mistake. */
#ifndef SLUICE_QUESTIONNAIRE_WIDE_H
#define SLUICE_QUESTIONNAIRE_WIDE_H

#include <stdbool.h>
#include <stdint.h>

#define WIDE_LIMBS 8 /* 64 bits each */

struct wide {
    uint64_t limb[WIDE_LIMBS]; /* least first */
};

bool wide_is_zero(const struct wide *w);
int wide_compare(const struct wide *a, const struct wide *b); /* < 0, 0, > 0 */
void wide_multiply(struct wide *w, uint64_t by);
void wide_multiply_ten(struct wide *w, unsigned times); /* by 10, so often */
void wide_add(struct wide *w, const struct wide *by);
void wide_subtract(struct wide *w, const struct wide *by); /* by is not above w */

#endif
