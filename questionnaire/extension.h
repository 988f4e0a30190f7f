/* Reading FHIR extensions from a JSON tree that literal.h made. Inner header of questionnaire/. */
#ifndef SLUICE_QUESTIONNAIRE_EXTENSION_H
#define SLUICE_QUESTIONNAIRE_EXTENSION_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "questionnaire/decimal.h"

/* Next extension of v with this url from *at on (start with 0), or NULL. */
const json_t *extension_next(const json_t *v, const char *url, size_t *at);
const json_t *extension_first(const json_t *v, const char *url);
size_t extension_count(const json_t *v, const char *url);
/* Its value[x], whatever its type, or NULL. */
const json_t *extension_value(const json_t *extension);

/* False: the value is none of these types. */
bool extension_number(const json_t *extension, struct decimal *ret); /* decimal, integer */
bool extension_integer(const json_t *extension, int64_t *ret);       /* integer types */
bool extension_flag(const json_t *extension, bool *ret);             /* boolean */
bool extension_text(const json_t *extension, const char **ret);      /* string, code, id, uri … */

#endif
