/* What the load functions share: members of a JSON object taken one by one, with the first fault
 * kept as words. Inner header of store/catalog. */
#ifndef SLUICE_STORE_CATALOG_FILE_H
#define SLUICE_STORE_CATALOG_FILE_H

#include <jansson.h>
#include <stdbool.h>

#define CATALOG_FAULT_SIZE 256

struct catalog_fault {
    char text[CATALOG_FAULT_SIZE]; /* "" while all is well */
};

/* Strict: duplicate keys and trailing bytes are faults. NULL after a fault. */
json_t *catalog_parse(const char *json, size_t len, struct catalog_fault *fault);
void catalog_fail(struct catalog_fault *fault, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Members must be among names (NULL-terminated). */
void catalog_members(const json_t *object, const char *what, const char *const *names,
                     struct catalog_fault *fault);
/* A string member or NULL where it is absent; fault where it is no string, empty or too long. */
const char *catalog_string(const json_t *object, const char *name, size_t max, bool required,
                           struct catalog_fault *fault);
/* A study's, site's or subject's code. */
const char *catalog_code(const json_t *object, const char *name, bool required,
                         struct catalog_fault *fault);
/* One of the words (NULL-terminated); the first is the default. */
const char *catalog_word(const json_t *object, const char *name, const char *const *words,
                         struct catalog_fault *fault);
/* A subject code must not be a personal identifier by its looks. */
bool catalog_code_looks_personal(const char *code);

#endif
