/* One value of a configuration: from text to the kept form and back. Inner header of base/config,
 * and of schemas/tool_reference.c, which shows ranges as a file would write them. */
#ifndef SLUICE_BASE_CONFIG_VALUE_H
#define SLUICE_BASE_CONFIG_VALUE_H

#include "base/config.h"

/* The longest text: with its name it fits in a line of a file (1023 bytes). */
#define CONFIG_TEXT_MAX 900

struct config_value {
    char *text;     /* strings, paths (absolute), endpoints; else NULL */
    int64_t number; /* integers, bytes, durations (microseconds), booleans (0, 1) */
};

#define CONFIG_RULE_SIZE 160

/* Returns CONFIG_OK, or CONFIG_INVALID with the broken rule as words for the user. folder: what a
 * relative path starts from. The caller frees ret_value->text. */
int config_value_parse(const struct config_key *key, const char *text, const char *folder,
                       struct config_value *ret_value, char ret_rule[CONFIG_RULE_SIZE]);

/* As it may stand in a file, in quotes where it needs them; malloc'd. */
char *config_value_format(const struct config_key *key, const struct config_value *value);

#endif
