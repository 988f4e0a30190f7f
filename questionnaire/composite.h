/* The composite grade of one PRO-CTCAE symptom, from the attributes that the symptom has. The
 * published table is composite.def. */
#ifndef SLUICE_QUESTIONNAIRE_COMPOSITE_H
#define SLUICE_QUESTIONNAIRE_COMPOSITE_H

#define COMPOSITE_ATTRIBUTES_MAX 3
#define COMPOSITE_ANSWERS 5 /* 0 to 4 */
#define COMPOSITE_UNANSWERED (-1)
#define COMPOSITE_NONE (-1) /* no grade: something was left unanswered */

/* Which attributes a symptom has; a single one named interference is also the "amount" of some. */
enum composite_kind {
    COMPOSITE_FREQUENCY_SEVERITY_INTERFERENCE,
    COMPOSITE_FREQUENCY_SEVERITY,
    COMPOSITE_FREQUENCY_INTERFERENCE,
    COMPOSITE_SEVERITY_INTERFERENCE,
    COMPOSITE_FREQUENCY,
    COMPOSITE_SEVERITY,
    COMPOSITE_INTERFERENCE,
    COMPOSITE_KINDS
};

unsigned composite_attributes(enum composite_kind kind);
/* values: composite_attributes(kind) answers 0 to 4 in the order of the kind's name, or
 * COMPOSITE_UNANSWERED. A first one of zero makes the grade 0, whatever the later ones are.
 * Anything else counts as unanswered. */
int composite_grade(enum composite_kind kind, const int *values);

#endif
