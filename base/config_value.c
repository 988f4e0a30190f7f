/* The types of configuration values. Every type is read and written here and nowhere else.
 *
 * Invariant: what config_value_format writes, config_value_parse reads as the same value. So a text
 * that ZPL can't hold (control characters, both kinds of quotation marks, too long for a line) is
 * refused even where it comes from the command line. */
#include "base/config_value.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"

struct unit {
    const char *name;
    int64_t factor;
};

/* Smallest first; config_value_format takes the largest that divides. */
static const struct unit byte_units[] = {
    {"", 1},
    {"KiB", INT64_C(1) << 10},
    {"MiB", INT64_C(1) << 20},
    {"GiB", INT64_C(1) << 30},
};
static const struct unit duration_units[] = {
    {"ms", US_PER_MS},      {"s", US_PER_S},         {"min", 60 * US_PER_S},
    {"h", 3600 * US_PER_S}, {"d", 86400 * US_PER_S},
};
static const struct unit plain_units[] = {{"", 1}};

static void
units_of(enum config_type type, const struct unit **ret_units, size_t *ret_n)
{
    if (type == CONFIG_BYTES) {
        *ret_units = byte_units;
        *ret_n = ARRAY_LEN(byte_units);
    } else if (type == CONFIG_DURATION) {
        *ret_units = duration_units;
        *ret_n = ARRAY_LEN(duration_units);
    } else {
        *ret_units = plain_units;
        *ret_n = ARRAY_LEN(plain_units);
    }
}

/* Digits, then one of the units (none: the first). False: not such a number, or past int64. */
static bool
number_parse(const char *text, enum config_type type, int64_t *ret_number)
{
    const struct unit *units;
    size_t n_units;
    bool negative = *text == '-';
    int64_t number = 0;

    units_of(type, &units, &n_units);
    text += negative;
    const char *digits = text;
    for (; *text >= '0' && *text <= '9'; text++) {
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, *text - '0', &number))
            return false;
    }
    if (text == digits)
        return false;

    const struct unit *unit = *text == '\0' ? &units[0] : NULL;
    for (size_t i = 0; unit == NULL && i < n_units; i++) {
        if (strcmp(text, units[i].name) == 0)
            unit = &units[i];
    }
    if (unit == NULL)
        return false;
    if (__builtin_mul_overflow(number, negative ? -unit->factor : unit->factor, &number))
        return false;
    *ret_number = number;
    return true;
}

static char *
number_format(int64_t number, enum config_type type)
{
    const struct unit *units, *unit;
    size_t n_units;
    char text[48];

    units_of(type, &units, &n_units);
    unit = &units[0];
    for (size_t i = 1; number != 0 && i < n_units; i++) {
        if (number % units[i].factor == 0)
            unit = &units[i];
    }
    snprintf(text, sizeof(text), "%" PRId64 "%s", number / unit->factor, unit->name);
    return mem_strdup(text);
}

static int
number_check(const struct config_key *key, const char *text, struct config_value *ret_value,
             char *ret_rule)
{
    int64_t number;

    if (!number_parse(text, key->type, &number)) {
        snprintf(ret_rule, CONFIG_RULE_SIZE, "must be an integer%s",
                 key->type == CONFIG_BYTES      ? ", with KiB, MiB, GiB or no unit"
                 : key->type == CONFIG_DURATION ? " with ms, s, min, h or d (no unit: ms)"
                                                : "");
        return CONFIG_INVALID;
    }
    if (number < key->min || number > key->max) {
        char *least = number_format(key->min, key->type);
        char *most = number_format(key->max, key->type);
        snprintf(ret_rule, CONFIG_RULE_SIZE, "must be from %s to %s", least, most);
        free(least);
        free(most);
        return CONFIG_INVALID;
    }
    ret_value->number = number;
    return CONFIG_OK;
}

static bool
endpoint_is_valid(const char *text)
{
    if (strncmp(text, "ipc://", 6) == 0) {
        size_t n = strlen(text + 6);
        return n > 0 && n <= 107; /* sun_path */
    }
    if (strncmp(text, "tcp://", 6) != 0)
        return false;
    const char *host = text + 6;
    const char *colon = strrchr(host, ':');
    if (colon == NULL || colon == host)
        return false;
    if (strcmp(colon + 1, "*") == 0)
        return true;
    int64_t port;
    return colon[1] != '-' && number_parse(colon + 1, CONFIG_INTEGER, &port) && port <= 65535;
}

/* Lengths, characters that ZPL can hold, and the form of an endpoint. */
static int
text_check(const struct config_key *key, const char *text, char *ret_rule)
{
    size_t n = strlen(text);
    int64_t most = key->max < CONFIG_TEXT_MAX ? key->max : CONFIG_TEXT_MAX;

    if ((int64_t)n < key->min || (int64_t)n > most) {
        snprintf(ret_rule, CONFIG_RULE_SIZE, "must have %" PRId64 " to %" PRId64 " characters",
                 key->min, most);
        return CONFIG_INVALID;
    }
    for (const char *s = text; *s != '\0'; s++) {
        if ((unsigned char)*s < ' ' || *s == 0x7f) {
            snprintf(ret_rule, CONFIG_RULE_SIZE, "must not hold control characters");
            return CONFIG_INVALID;
        }
    }
    if (strchr(text, '"') != NULL && strchr(text, '\'') != NULL) {
        snprintf(ret_rule, CONFIG_RULE_SIZE, "must not hold both kinds of quotation marks");
        return CONFIG_INVALID;
    }
    if (key->type == CONFIG_ENDPOINT && n > 0 && !endpoint_is_valid(text)) {
        snprintf(ret_rule, CONFIG_RULE_SIZE,
                 "must be ipc://PATH (at most 107 characters of path) or tcp://HOST:PORT");
        return CONFIG_INVALID;
    }
    return CONFIG_OK;
}

static char *
path_absolute(const char *text, const char *folder)
{
    char *path = NULL;

    if (*text == '\0' || *text == '/')
        return mem_strdup(text);
    while (strncmp(text, "./", 2) == 0)
        text += 2;
    size_t n = strlen(folder) + strlen(text) + 2;
    path = mem_new(n, 1);
    snprintf(path, n, "%s/%s", strcmp(folder, "/") == 0 ? "" : folder, text);
    return path;
}

int
config_value_parse(const struct config_key *key, const char *text, const char *folder,
                   struct config_value *ret_value, char ret_rule[CONFIG_RULE_SIZE])
{
    struct config_value value = {0};
    int r = CONFIG_OK;

    switch (key->type) {
    case CONFIG_STRING:
    case CONFIG_ENDPOINT:
        r = text_check(key, text, ret_rule);
        if (r == CONFIG_OK)
            value.text = mem_strdup(text);
        break;
    case CONFIG_PATH:
        value.text = path_absolute(text, folder);
        r = text_check(key, value.text, ret_rule);
        break;
    case CONFIG_INTEGER:
    case CONFIG_BYTES:
    case CONFIG_DURATION:
        r = number_check(key, text, &value, ret_rule);
        break;
    case CONFIG_BOOLEAN:
        value.number = strcmp(text, "true") == 0;
        if (!value.number && strcmp(text, "false") != 0) {
            snprintf(ret_rule, CONFIG_RULE_SIZE, "must be true or false");
            r = CONFIG_INVALID;
        }
        break;
    }
    if (r != CONFIG_OK) {
        free(value.text);
        return r;
    }
    *ret_value = value;
    return CONFIG_OK;
}

char *
config_value_format(const struct config_key *key, const struct config_value *value)
{
    if (key->type == CONFIG_BOOLEAN)
        return mem_strdup(value->number ? "true" : "false");
    if (value->text == NULL)
        return number_format(value->number, key->type);

    char quote = strchr(value->text, '"') != NULL ? '\'' : '"';
    size_t n = strlen(value->text) + 3;
    char *text = mem_new(n, 1);
    snprintf(text, n, "%c%s%c", quote, value->text, quote);
    return text;
}
