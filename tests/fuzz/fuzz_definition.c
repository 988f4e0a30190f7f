/* A definition of any kind. What is refused has a reason; what is taken can judge an empty form,
 * checked or unchecked. */
#include <stdlib.h>

#include "base/error.h"
#include "questionnaire/questionnaire.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t empty[] = {0x80};
    struct findings f;

    for (int unchecked = 0; unchecked < 2; unchecked++) {
        const struct questionnaire_options options = {.unchecked = unchecked};
        struct questionnaire *q = NULL;
        char *why = NULL;
        if (questionnaire_compile((const char *)data, size, &options, &q, &why) !=
            QUESTIONNAIRE_OK) {
            sluice_assert(q == NULL && why != NULL && *why != '\0');
            free(why);
            continue;
        }
        findings_init(&f);
        questionnaire_check(q, empty, sizeof(empty), true, &f);
        findings_deinit(&f);
        questionnaire_free(q);
    }
    return 0;
}
