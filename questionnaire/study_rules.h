/* What a study file says about the instruments' own rules: alerts changed by rule id, and
 * parameters of scores. Read from the whole study file (JSON); its other members are not looked at.
 *
 * "alerts": {RULE_ID: {"value"?: number, text or boolean, "severity"?: "info" | "warning" |
 * "urgent", "off"?: boolean, "recipients"?: [NAME…]}}
 * "parameters": {"glucose": {"uln"?: mmol/L, "sites"?: {SITE: {"uln": mmol/L}}}} */
#ifndef SLUICE_QUESTIONNAIRE_STUDY_RULES_H
#define SLUICE_QUESTIONNAIRE_STUDY_RULES_H

#include <stdbool.h>
#include <stddef.h>

#include "questionnaire/questionnaire.h"
#include "questionnaire/score.h"

#define STUDY_RULES_MAX 10000
#define STUDY_RECIPIENTS_MAX 32 /* of one rule */

struct study_rules; /* opaque, read-only after it was made */
struct study_rule;  /* opaque */

enum study_rules_outcome { STUDY_RULES_OK = 0, STUDY_RULES_REFUSED = 1 };

/* On STUDY_RULES_REFUSED *ret_why is a malloc'd text. */
int study_rules_new(const char *json, size_t len, struct study_rules **ret_rules, char **ret_why);
void study_rules_free(struct study_rules *s);

/* What the study says of a rule, or NULL. s may be NULL. */
const struct study_rule *study_rules_find(const struct study_rules *s, const char *rule_id);
/* NULL-terminated names; NULL where it names none. */
const char *const *study_rule_recipients(const struct study_rule *r);
/* The parameters that hold at a site; site NULL: those of the study. */
void study_rules_parameters(const struct study_rules *s, const char *site,
                            struct score_parameters *ret);
/* Whether the changed rules that q has take such values: a rule of a number can't be given a text.
 * On STUDY_RULES_REFUSED *ret_why is malloc'd. Rules that q does not have are another instrument's.
 */
int study_rules_check(const struct study_rules *s, const struct questionnaire *q, char **ret_why);
/* Rule ids in the order of their bytes, for "which of them does no instrument of the study have".
 */
size_t study_rules_count(const struct study_rules *s);
const char *study_rules_id(const struct study_rules *s, size_t i);

#endif
