#include "questionnaire/support.h"

#include <string.h>

const struct support_row support_rows[] = {
#define SUPPORT(NAME, PLACE, key, VERDICT, text)                                                   \
    [HAS_##NAME] = {SUPPORT_##PLACE, SUPPORT_##VERDICT, key, text},
#include "questionnaire/support.def"
#undef SUPPORT
};

enum support
support_find(enum support_place place, const char *key)
{
    for (unsigned i = 0; i < SUPPORT_COUNT; i++) {
        if (support_rows[i].place == place && strcmp(support_rows[i].key, key) == 0)
            return (enum support)i;
    }
    return SUPPORT_COUNT;
}
