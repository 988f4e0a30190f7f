/* Exact decimals as clinical data writes them: up to 18 digits and an exponent, never a double.
 *
 * value = coefficient × 10^exponent. A literal keeps its trailing zeros: "1.50" is 150 × 10^-2, so
 * that the number of decimal places is that of the text; decimal_compare sees values only. */
#ifndef SLUICE_QUESTIONNAIRE_DECIMAL_H
#define SLUICE_QUESTIONNAIRE_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DECIMAL_DIGITS_MAX 18
#define DECIMAL_EXPONENT_MAX 308
#define DECIMAL_TEXT_SIZE 352 /* sign, 1 + 308 + 18 digits, point, NUL; and some */

struct decimal {
    int64_t coefficient;
    int32_t exponent;
};

/* A JSON number. False: no number, more than DECIMAL_DIGITS_MAX digits without leading zeros, or an
 * exponent past DECIMAL_EXPONENT_MAX either way. */
bool decimal_parse(const char *text, size_t len, struct decimal *ret);
struct decimal decimal_from_int(int64_t i);
/* < 0, 0, > 0. Every int64 coefficient may come in. */
int decimal_compare(struct decimal a, struct decimal b);
/* Fraction digits − exponent of the literal that was parsed, at least 0. */
unsigned decimal_places(struct decimal d);
/* False, with *ret untouched, where 18 digits can't hold the result exactly. */
bool decimal_add(struct decimal a, struct decimal b, struct decimal *ret);
bool decimal_multiply(struct decimal a, struct decimal b, struct decimal *ret);
/* A JSON number without exponent; returns its length. */
size_t decimal_format(struct decimal d, char ret_text[DECIMAL_TEXT_SIZE]);

#endif
