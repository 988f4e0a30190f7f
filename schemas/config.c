/* config.def as a table. */
#include "schemas/config.h"

#include "base/error.h"

const struct config_key sluice_config_keys[] = {
#define CONFIG_KEY(section, name, type, fallback, min, max, doc)                                   \
    {#section, #name, CONFIG_##type, fallback, min, max, doc},
#include "schemas/config.def"
#undef CONFIG_KEY
};

const size_t sluice_config_keys_count = ARRAY_LEN(sluice_config_keys);
