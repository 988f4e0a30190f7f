/* Strict reading of the small JSON files that people write. */
#include "store/catalog_file.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "store/catalog.h"

void
catalog_fail(struct catalog_fault *fault, const char *fmt, ...)
{
    va_list args;

    if (fault->text[0] != '\0')
        return;
    va_start(args, fmt);
    vsnprintf(fault->text, sizeof(fault->text), fmt, args);
    va_end(args);
}

json_t *
catalog_parse(const char *json, size_t len, struct catalog_fault *fault)
{
    json_error_t error;
    json_t *root = json_loadb(json, len, JSON_REJECT_DUPLICATES, &error);

    if (root == NULL) {
        catalog_fail(fault, "line %d: %s", error.line, error.text);
    } else if (!json_is_object(root)) {
        catalog_fail(fault, "must be one JSON object");
        json_decref(root);
        root = NULL;
    }
    return root;
}

void
catalog_members(const json_t *object, const char *what, const char *const *names,
                struct catalog_fault *fault)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)object, key, value)
    {
        const char *const *n = names;
        while (*n != NULL && strcmp(*n, key) != 0)
            n++;
        if (*n == NULL)
            catalog_fail(fault, "%s: unknown member '%.60s'", what, key);
    }
}

const char *
catalog_string(const json_t *object, const char *name, size_t max, bool required,
               struct catalog_fault *fault)
{
    const json_t *v = json_object_get(object, name);

    if (v == NULL) {
        if (required)
            catalog_fail(fault, "'%s' is missing", name);
        return NULL;
    }
    if (!json_is_string(v)) {
        catalog_fail(fault, "'%s' must be a string", name);
        return NULL;
    }
    size_t n = json_string_length(v);
    if (n == 0 || n > max || strlen(json_string_value(v)) != n) {
        catalog_fail(fault, "'%s' must have 1 to %zu bytes", name, max);
        return NULL;
    }
    return json_string_value(v);
}

const char *
catalog_code(const json_t *object, const char *name, bool required, struct catalog_fault *fault)
{
    const char *code = catalog_string(object, name, CATALOG_CODE_MAX, required, fault);

    for (const char *c = code; c != NULL && *c != '\0'; c++) {
        if (!isalnum((unsigned char)*c) && strchr("._-", *c) == NULL) {
            catalog_fail(fault, "'%s' may have letters, digits, '.', '_' and '-' only", name);
            return NULL;
        }
    }
    return code;
}

const char *
catalog_word(const json_t *object, const char *name, const char *const *words,
             struct catalog_fault *fault)
{
    const char *word = catalog_string(object, name, 64, false, fault);

    if (word == NULL)
        return words[0];
    for (const char *const *w = words; *w != NULL; w++) {
        if (strcmp(*w, word) == 0)
            return *w;
    }
    catalog_fail(fault, "'%s' must be one of: %s …", name, words[0]);
    return words[0];
}

/* d: a digit, D: a digit or X; anything else itself. */
static bool
pattern_fits(const char *code, const char *pattern)
{
    for (; *pattern != '\0'; pattern++, code++) {
        bool fits = *pattern == 'd'   ? isdigit((unsigned char)*code) != 0
                    : *pattern == 'D' ? isdigit((unsigned char)*code) || strchr("Xx", *code) != NULL
                                      : *code == *pattern;
        if (*code == '\0' || !fits)
            return false;
    }
    return *code == '\0';
}

bool
catalog_code_looks_personal(const char *code)
{
    /* North American and Chinese telephone numbers, US social security, Chinese resident id. A
     * usual USUBJID such as 01-701-1015 fits none. */
    static const char *const patterns[] = {
        "ddd-ddd-dddd",  "ddd.ddd.dddd",    "dddddddddd",  "ddddddddddd",        "dddddddddddd",
        "ddddddddddddd", "ddddddddddddddd", "ddd-dd-dddd", "dddddddddddddddddD", "ddd-dddd-dddd"};

    if (strpbrk(code, "@+") != NULL)
        return true;
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        if (pattern_fits(code, patterns[i]))
            return true;
    }
    return false;
}
