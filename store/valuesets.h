/* Value sets that were loaded (sluicectl valueset load): FHIR R4 ValueSet resources whose codes are
 * all written out in them. A version never changes.
 *
 * A definition may name a value set without its version. It then means the newest one that was
 * there when the definition was loaded, for ever: loading a newer value set changes no definition
 * that is in use. */
#ifndef SLUICE_STORE_VALUESETS_H
#define SLUICE_STORE_VALUESETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "questionnaire/questionnaire.h"
#include "store/catalog.h"
#include "store/connection.h"

#define VALUESET_NOW INT64_MAX /* for a definition that is not loaded yet */

struct valuesets; /* opaque: all of them, in memory */

int store_valuesets_read(struct store *s, struct valuesets **ret_valuesets);
void valuesets_free(struct valuesets *v);
/* None at all: for a program without a database. */
struct valuesets *valuesets_new(void);
/* Adds a copy; url|version may stand there already, then nothing happens. */
void valuesets_add(struct valuesets *v, const char *url, const char *version, int64_t loaded_us,
                   const char *json, size_t len);
/* canonical: url or url|version. The newest that fits and was loaded not after at_us; *ret_json
 * lives as long as v. */
bool valuesets_find(const struct valuesets *v, const char *canonical, int64_t at_us,
                    const char **ret_json, size_t *ret_len);

/* questionnaire_compile with the value sets as they were at at_us. v may be NULL: none. */
int valuesets_compile(const struct valuesets *v, int64_t at_us, const char *json, size_t len,
                      bool unchecked, struct questionnaire **ret_questionnaire, char **ret_why);

/* load->url and load->version stand in for what the file does not say. STORE_INVALID with store_why
 * where it is refused. */
int store_valueset_load(struct store *s, const struct catalog_load *load,
                        struct catalog_loaded *ret_loaded);

#endif
