/* Inner header of questionnaire/. */
#ifndef SLUICE_QUESTIONNAIRE_STUDY_RULES_INNER_H
#define SLUICE_QUESTIONNAIRE_STUDY_RULES_INNER_H

#include "questionnaire/rule.h"
#include "questionnaire/study_rules.h"

struct study_rule {
    const char *id;
    bool off, has_value, has_severity;
    enum alert_value value_kind;
    struct decimal number;
    const char *code;
    bool boolean;
    enum alert_severity severity;
    const char *recipients[STUDY_RECIPIENTS_MAX + 1]; /* [0] NULL: not named */
};

#endif
