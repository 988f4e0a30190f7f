/* The configuration keys of all programs, made from config.def. A program gives the whole table to
 * program_start and reads its own section. */
#ifndef SLUICE_SCHEMAS_CONFIG_H
#define SLUICE_SCHEMAS_CONFIG_H

#include <stddef.h>

#include "base/config.h"

extern const struct config_key sluice_config_keys[];
extern const size_t sluice_config_keys_count;

#endif
