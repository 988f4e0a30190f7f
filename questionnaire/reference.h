/* FHIR references as they may stand in an answer. Inner header of questionnaire/. */
#ifndef SLUICE_QUESTIONNAIRE_REFERENCE_H
#define SLUICE_QUESTIONNAIRE_REFERENCE_H

#include <stdbool.h>
#include <stddef.h>

#include "questionnaire/value.h"
#include "schemas/wire/mp.h"

struct reference {
    struct span reference, type; /* each may be NULL; without a reference there is an identifier */
};

/* A Reference object with a reference or an identifier; false if it is none. */
bool reference_read(const struct mp_value *v, struct mp_cursor inside, struct reference *ret);
/* A literal reference: [base/]Type/id[/_history/version], #id or urn:uuid:…. *ret_type points at
 * the type within text, or is NULL where none is said. */
bool reference_check(const char *text, size_t len, const char **ret_type, size_t *ret_type_len);
/* Whether FHIR R4 has a resource of this name. */
bool resource_type_known(const char *name, size_t len);

#endif
