/* What scores, alerts and identifiers have in common when they are read. Inner header of
 * questionnaire/. */
#ifndef SLUICE_QUESTIONNAIRE_COMPILE_RULE_H
#define SLUICE_QUESTIONNAIRE_COMPILE_RULE_H

#include "questionnaire/compile.h"

/* Place of code in codes[first..n), or n. */
unsigned code_find(const char *const *codes, unsigned first, unsigned n, const char *code);
enum part_of {
    PART_OF_IDENTIFIER,
    PART_OF_SCORE,
    PART_OF_SCORE_ROW,
    PART_OF_SCORE_BAND,
    PART_OF_ALERT,
};
/* Every nested extension of x is a part that kinds.def lists: one that is misspelt must not be
 * lost. item NULL: of the whole definition. */
bool rule_parts_check(struct compiler *c, const struct item *item, const json_t *x,
                      enum part_of of);
/* Whether its answers, some of them at least, are worth a number. */
bool item_is_numeric(const struct item *item);

#endif
