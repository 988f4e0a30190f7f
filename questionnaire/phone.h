/* The normal format of a phone number: digits with a leading + where the country is told. */
#ifndef SLUICE_QUESTIONNAIRE_PHONE_H
#define SLUICE_QUESTIONNAIRE_PHONE_H

#include <stdbool.h>
#include <stddef.h>

#define PHONE_DIGITS_MIN 5
#define PHONE_DIGITS_MAX 20
#define PHONE_NORMAL_SIZE (PHONE_DIGITS_MAX + 2) /* +, digits, NUL */

/* text: UTF-8 as typed: ASCII, full-width or Arabic-Indic digits; spaces, dots, dashes, slashes and
 * parentheses between them; "tel:" before them. 00 in front says + ; "(0)" after a country's code
 * is the trunk digit that one leaves out. No country is guessed: a number without one keeps its
 * digits. False, with ret untouched: it is no phone number (letters, @, an extension, too few
 * digits or too many). Of a normal format it is that. */
bool phone_normal(const char *text, size_t len, char ret[PHONE_NORMAL_SIZE]);

#endif
