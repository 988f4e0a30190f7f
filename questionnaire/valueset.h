/* Value sets as sets of options: those that the definition contains, and loaded ones by the
 * caller's lookup. Each is expanded once a definition, however many items name it. Inner header of
 * questionnaire/.
 *
 * Only codes that are written out count: an expansion, concepts listed in compose, a whole code
 * system that the definition contains. Filters, imports and foreign code systems can't be
 * evaluated. */
#ifndef SLUICE_QUESTIONNAIRE_VALUESET_H
#define SLUICE_QUESTIONNAIRE_VALUESET_H

#include <jansson.h>

#include "questionnaire/item.h"
#include "questionnaire/memory.h"
#include "questionnaire/questionnaire.h"

enum valueset_outcome {
    VALUESET_OK = 0,
    VALUESET_REFUSED = 1, /* not loaded, or no sound value set */
    VALUESET_OPEN = 2,    /* sound, and its codes are not written out */
};

struct definition_sets; /* opaque */

/* root: the definition, whose contained resources are indexed. All outlive it. */
struct definition_sets *definition_sets_new(const json_t *root,
                                            const struct questionnaire_options *options,
                                            struct definition_memory *memory);
void definition_sets_free(struct definition_sets *s);

/* canonical: "#id", url or url|version. On another outcome than OK *ret_why says why; it lives as
 * long as s. */
int valueset_get(struct definition_sets *s, const char *canonical,
                 const struct option_set **ret_set, const char **ret_why);

/* The weight that v (an answerOption, a Coding, a concept) carries. False: malformed. */
bool weight_read(const json_t *v, struct option *option);
/* The weight that a contained code system gives to option's code, if it has none of its own. */
bool weight_inherit(struct definition_sets *s, struct option *option);

#endif
