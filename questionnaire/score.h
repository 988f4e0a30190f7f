/* The scores of one form, by the score rules of its definition (clinical-rules "Scores and
 * alerts"). Pure: no clock, no SQL. A score is null when fewer of its items than minAnswered have a
 * number, when the form is not complete, and when a needed parameter is not known. A sum over fewer
 * than all is the plain sum of those answered; nothing is imputed.
 *
 * A score that the sender put into its readOnly item is compared, never taken. */
#ifndef SLUICE_QUESTIONNAIRE_SCORE_H
#define SLUICE_QUESTIONNAIRE_SCORE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "questionnaire/decimal.h"
#include "questionnaire/readings.h"

#define SCORE_PROFILE_MAX 64 /* characters of a profile */
/* Among a submission's flags: a score came with the form and is not ours. */
#define SCORE_FLAG_DIFFERS "score-differs"

/* What a score may need from the study and the subject's site. */
struct score_parameters {
    bool has_glucose_uln;
    struct decimal glucose_uln; /* mmol/L; glucose_uln_valid */
};

enum score_kind { SCORE_NULL, SCORE_NUMBER, SCORE_TEXT };

struct score_value {
    enum score_kind kind;
    struct decimal number;
    char text[SCORE_PROFILE_MAX + 1]; /* TEXT: a profile */
    const char *band;                 /* code of the band it lies in, or NULL */
    bool differs;                     /* the sender's is another one */
};

/* Reused from one form to the next; all zero at first. */
struct scores {
    struct score_value *of; /* in the order of the definition's score rules */
    uint32_t n, room;
};

void scores_deinit(struct scores *s);
/* readings: of this form, taken with q. parameters: NULL for none. complete: status completed (or
 * amended); else all are null and nothing is compared. */
void score_compute(const struct questionnaire *q, const struct readings *readings, bool complete,
                   const struct score_parameters *parameters, struct scores *ret);
/* True if one of them differs from what the sender sent. */
bool scores_differ(const struct scores *s);
/* Appends the msgpack map of submissions.scores: {linkId: {"value": number, text or null, "band":
 * code}}, the band only where there is one. BUF_OK or BUF_FULL. */
int scores_write(const struct questionnaire *q, const struct scores *s, struct buf *out);
size_t questionnaire_scores(const struct questionnaire *q);
/* linkId of the item that carries score i. */
const char *questionnaire_score_link_id(const struct questionnaire *q, size_t i);

#endif
