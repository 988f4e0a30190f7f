/* Which alerts the answers of one form raise: the instrument's own rules, changed by the study's
 * (clinical-rules "Scores and alerts"). Pure: whether an alert is counted on an open one, held back
 * for suppressHours, provisional or late is decided by who stores it.
 *
 * Judged on every answer that is of its type, so it is called before the verdict on the form; for a
 * rejected form too. */
#ifndef SLUICE_QUESTIONNAIRE_ALERT_H
#define SLUICE_QUESTIONNAIRE_ALERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "questionnaire/readings.h"
#include "questionnaire/rule.h"
#include "questionnaire/score.h"
#include "questionnaire/study_rules.h"

/* One rule that holds. Texts belong to the questionnaire or to the study's rules. */
struct alert_hit {
    const char *rule_id;
    const char *link_id; /* of the item, or of the item that carries the score */
    bool of_score;
    enum alert_severity severity;   /* alert_severity_codes[] has its text */
    uint32_t suppress_hours;        /* 0: none */
    bool always;                    /* raised even while an alert of the rule is open */
    const char *text;               /* for people who may see the study; may be NULL */
    const struct study_rule *study; /* study_rule_recipients; may be NULL */
    /* The value that met the rule, the worst of several: an open alert of the same rule is passed
     * only by a worse one. Never leaves the house. */
    bool has_measure, lower_is_worse;
    struct decimal measure;
};

/* How many hits there can be at most: one for each rule. */
size_t questionnaire_alerts(const struct questionnaire *q);
/* The id of rule i. */
const char *questionnaire_alert_id(const struct questionnaire *q, size_t i);
/* Some rule compares with the subject's previous answer. */
bool questionnaire_has_comparative(const struct questionnaire *q);

/* Whether another, older form could still tell something: an item that a comparative rule looks at
 * was answered now, and none of the earlier forms read so far has a number of it. */
bool alerts_want_older(const struct questionnaire *q, const struct readings *now,
                       const struct readings *previous);
/* study: NULL for the instrument's own rules. scores: of this form, NULL for none. previous: the
 * subject's earlier answers (readings_add_older), NULL if there are none: comparative rules then
 * hold never. out: room for questionnaire_alerts(q). Returns how many hold, in the definition's
 * order. */
size_t alerts_evaluate(const struct questionnaire *q, const struct study_rules *study,
                       const struct readings *now, const struct scores *scores,
                       const struct readings *previous, struct alert_hit *out);

#endif
