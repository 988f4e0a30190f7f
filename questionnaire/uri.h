/* URIs as they may stand in an answer. Inner header of questionnaire/. */
#ifndef SLUICE_QUESTIONNAIRE_URI_H
#define SLUICE_QUESTIONNAIRE_URI_H

#include <stdbool.h>
#include <stddef.h>

/* A URI or relative reference of RFC 3986, not empty; what starts with urn:uuid: or urn:oid: must
 * be a whole one (a UUID's letters in either case). */
bool uri_check(const char *text, size_t len);
/* "urn:uuid:" and a UUID. */
bool uri_is_uuid(const char *text, size_t len);

/* Whether it starts with a scheme: no relative reference. */
bool uri_has_scheme(const char *text, size_t len);

#endif
