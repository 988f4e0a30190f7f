/* What a compiled definition owns: small arrays taken from chunks, JSON trees, patterns. All goes
 * at once. Inner header of questionnaire/. */
#ifndef SLUICE_QUESTIONNAIRE_MEMORY_H
#define SLUICE_QUESTIONNAIRE_MEMORY_H

#include <jansson.h>
#include <stddef.h>

#include "questionnaire/regex.h"

struct definition_memory; /* opaque */

struct definition_memory *definition_memory_new(void);
void definition_memory_free(struct definition_memory *m);
/* n elements of size bytes, zeroed; never NULL. */
void *definition_memory_take(struct definition_memory *m, size_t n, size_t size);
char *definition_memory_text(struct definition_memory *m, const char *text);
/* Takes over the reference. */
void definition_memory_keep(struct definition_memory *m, json_t *tree);
/* The pattern compiled, or the one that was compiled before for the same text. REGEX_ outcomes;
 * refuses also when all patterns together pass a bound. */
int definition_memory_regex(struct definition_memory *m, const char *pattern,
                            struct regex **ret_regex, char ret_why[REGEX_WHY_SIZE]);

#endif
