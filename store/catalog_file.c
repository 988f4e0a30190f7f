/* Strict reading of the small JSON files that people write. */
#include "store/catalog_file.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/config_value.h"
#include "questionnaire/literal.h"
#include "questionnaire/width.h"
#include "store/catalog.h"

#define DURATION_MAX_US (INT64_C(366) * 86400 * 1000000)

void
catalog_fail(struct catalog_fault *fault, const char *fmt, ...)
{
    va_list args;
    int at = 0;

    if (fault->text[0] != '\0')
        return;
    if (fault->place[0] != '\0')
        at = snprintf(fault->text, sizeof(fault->text), "%s: ", fault->place);
    va_start(args, fmt);
    vsnprintf(fault->text + at, sizeof(fault->text) - (size_t)at, fmt, args);
    va_end(args);
}

void
catalog_place(struct catalog_fault *fault, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vsnprintf(fault->place, sizeof(fault->place), fmt, args);
    va_end(args);
}

static json_t *
object_only(json_t *root, const json_error_t *error, struct catalog_fault *fault)
{
    if (root == NULL) {
        catalog_fail(fault, "line %d: %s", error->line, error->text);
    } else if (!json_is_object(root)) {
        catalog_fail(fault, "must be one JSON object");
        json_decref(root);
        root = NULL;
    }
    return root;
}

json_t *
catalog_parse(const char *json, size_t len, struct catalog_fault *fault)
{
    json_error_t error;
    json_t *root = literal_load(json, len, &error);

    return object_only(root, &error, fault);
}

json_t *
catalog_parse_literal(const char *json, size_t len, struct catalog_fault *fault)
{
    json_error_t error;
    json_t *root = literal_load(json, len, &error);

    return object_only(root, &error, fault);
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
    if (literal_text(v) == NULL) {
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
    char list[128] = "";
    for (size_t n = 0, i = 0; words[i] != NULL && n < sizeof(list); i++)
        n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s", i > 0 ? ", " : "", words[i]);
    catalog_fail(fault, "'%s' must be one of: %s", name, list);
    return words[0];
}

const json_t *
catalog_object(const json_t *object, const char *name, size_t max, struct catalog_fault *fault)
{
    const json_t *v = json_object_get(object, name);

    if (v == NULL || (json_is_object(v) && json_object_size(v) <= max))
        return v;
    catalog_fail(fault, "'%s' must be an object with at most %zu members", name, max);
    return NULL;
}

const json_t *
catalog_array(const json_t *object, const char *name, size_t max, struct catalog_fault *fault)
{
    const json_t *v = json_object_get(object, name);

    if (v == NULL || (json_is_array(v) && json_array_size(v) <= max))
        return v;
    catalog_fail(fault, "'%s' must be an array of at most %zu", name, max);
    return NULL;
}

int64_t
catalog_integer(const json_t *object, const char *name, int64_t least, int64_t most,
                int64_t fallback, struct catalog_fault *fault)
{
    const json_t *v = json_object_get(object, name);

    if (v == NULL)
        return fallback;
    if (json_is_integer(v) && json_integer_value(v) >= least && json_integer_value(v) <= most)
        return json_integer_value(v);
    catalog_fail(fault, "'%s' must be a whole number from %lld to %lld", name, (long long)least,
                 (long long)most);
    return fallback;
}

bool
catalog_duration(const char *text, int64_t *ret_us)
{
    const struct config_key key = {
        .section = "", .name = "", .type = CONFIG_DURATION, .max = DURATION_MAX_US};
    struct config_value value = {0};
    char rule[CONFIG_RULE_SIZE];

    /* a bare number would be milliseconds: nobody means that in a study file */
    if (*text == '\0' || isdigit((unsigned char)text[strlen(text) - 1]) ||
        config_value_parse(&key, text, "/", &value, rule) != CONFIG_OK)
        return false;
    free(value.text);
    *ret_us = value.number;
    return true;
}

/* d: a digit, D: a digit or X, L: a letter; anything else itself. */
static bool
pattern_fits(const char *code, const char *pattern)
{
    for (; *pattern != '\0'; pattern++, code++) {
        unsigned char c = (unsigned char)*code;
        bool fits = *pattern == 'd'   ? isdigit(c) != 0
                    : *pattern == 'D' ? isdigit(c) || c == 'X' || c == 'x'
                    : *pattern == 'L' ? isalpha(c) != 0
                                      : *code == *pattern;
        if (c == '\0' || !fits)
            return false;
    }
    return *code == '\0';
}

/* A Chinese mobile number or resident id with something before or behind it: they are known by
 * their digits alone. */
static bool
digits_look_personal(const char *code)
{
    for (const char *at = code; *at != '\0';) {
        size_t n = strspn(at, "0123456789");
        if (n == 11 && at[0] == '1' && at[1] >= '3')
            return true;
        if ((n == 18 || (n == 17 && strchr("Xx", at[17]) != NULL && at[17] != '\0')) &&
            (strncmp(at + 6, "19", 2) == 0 || strncmp(at + 6, "20", 2) == 0))
            return true;
        at += n > 0 ? n : 1;
    }
    return false;
}

static bool
looks_personal(const char *code)
{
    /* Telephone numbers as they are written in North America, China, France and Germany; US social
     * security, Chinese, Korean, Brazilian, British, Italian, Spanish and Indian ids. A usual
     * USUBJID such as 01-701-1015 fits none. */
    static const char *const patterns[] = {
        "ddd-ddd-dddd",   "ddd.ddd.dddd",       "dddddddddd",      "ddddddddddd",
        "dddddddddddd",   "ddddddddddddd",      "ddddddddddddddd", "ddd-dddd-dddd",
        "dd.dd.dd.dd.dd", "dd-dd-dd-dd-dd",     "0ddd-ddddddd",    "0ddd-dddddddd",
        "ddd-dd-dddd",    "dddddddddddddddddD", "dddddd-ddddddd",  "ddd.ddd.ddd-dd",
        "LLddddddL",      "LLLLLLddLddLdddL",   "ddddddddL",       "LLLLLddddL"};

    if (strpbrk(code, "@+") != NULL || digits_look_personal(code))
        return true;
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        if (pattern_fits(code, patterns[i]))
            return true;
    }
    return false;
}

bool
catalog_code_looks_personal(const char *code, size_t len)
{
    struct buf usual;
    bool differs;

    if (len > CATALOG_TEXT_MAX)
        return true;
    buf_init(&usual, 2 * CATALOG_TEXT_MAX);
    bool personal = width_normal(code, len, &usual, &differs) != BUF_OK ||
                    buf_append(&usual, "", 1) != BUF_OK ||
                    memchr(usual.data, '\0', usual.size) != usual.data + usual.size - 1 ||
                    looks_personal((const char *)usual.data);
    buf_deinit(&usual);
    return personal;
}
