/* One value against one item. Inner header of questionnaire/. */
#ifndef SLUICE_QUESTIONNAIRE_VALUE_H
#define SLUICE_QUESTIONNAIRE_VALUE_H

#include "questionnaire/findings.h"
#include "questionnaire/item.h"
#include "schemas/wire/mp.h"

/* v's head was read; inside stands behind it. Returns the rule it breaks, or RULE_COUNT. *ret_more:
 * what to say beside the rule's text, or NULL. */
enum rule value_judge(const struct item *item, const struct mp_value *v, struct mp_cursor inside,
                      const char **ret_more);

#endif
