/* What the load functions share: members of a JSON object taken one by one, with the first fault
 * kept as words that name its place. Inner header of store/catalog. */
#ifndef SLUICE_STORE_CATALOG_FILE_H
#define SLUICE_STORE_CATALOG_FILE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define CATALOG_FAULT_SIZE 512
#define CATALOG_PLACE_SIZE 200

struct catalog_fault {
    char text[CATALOG_FAULT_SIZE];  /* "" while all is well */
    char place[CATALOG_PLACE_SIZE]; /* where we are: "recipients/anna"; "" at the top */
};

/* Strict: duplicate keys and trailing bytes are faults. Decimals keep their literal
 * (questionnaire/literal.h). NULL after a fault. */
json_t *catalog_parse(const char *json, size_t len, struct catalog_fault *fault);
/* The same with decimals as they are written: for literal_dump (questionnaire/literal.h). */
json_t *catalog_parse_literal(const char *json, size_t len, struct catalog_fault *fault);
/* The first one stands, behind its place. */
void catalog_fail(struct catalog_fault *fault, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Where the faults that follow are; an empty text: at the top. */
void catalog_place(struct catalog_fault *fault, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Members must be among names (NULL-terminated); what: as people call the object. */
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
/* A member that is an object (an array), or NULL where it is absent; fault where it is anything
 * else or has more than max members. */
const json_t *catalog_object(const json_t *object, const char *name, size_t max,
                             struct catalog_fault *fault);
const json_t *catalog_array(const json_t *object, const char *name, size_t max,
                            struct catalog_fault *fault);
/* An integer member from least to most, or fallback where it is absent. */
int64_t catalog_integer(const json_t *object, const char *name, int64_t least, int64_t most,
                        int64_t fallback, struct catalog_fault *fault);
/* Whether text is a duration as in configuration files ("30min", "7d"), at most a year. */
bool catalog_duration(const char *text, int64_t *ret_us);
/* A subject code must not be a personal identifier by its looks, in whatever character width; a
 * text longer than CATALOG_TEXT_MAX is none and looks like anything. */
#define CATALOG_TEXT_MAX 1024
bool catalog_code_looks_personal(const char *code, size_t len);

#endif
