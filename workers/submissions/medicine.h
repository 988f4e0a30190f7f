/* Scores and alerts of one form: questionnaire/ computes, here the results become what the row and
 * its alerts say. Alerts are looked for on every form whose answers could be read, before the
 * verdict: one rejected for a typo must not lose its alert. */
#ifndef SLUICE_WORKERS_SUBMISSIONS_MEDICINE_H
#define SLUICE_WORKERS_SUBMISSIONS_MEDICINE_H

#include "questionnaire/alert.h"
#include "questionnaire/readings.h"
#include "questionnaire/score.h"
#include "schemas/wire/identity.h"
#include "workers/submissions/flags.h"
#include "workers/submissions/job.h"

struct medicine; /* scratch, reused from form to form */

struct medicine *medicine_new(const struct identity_key *identity);
void medicine_free(struct medicine *m);
/* Sets row.scores and the job's alerts; j->form and j->answers are there. revision: which one this
 * form would be. previous: the subject's earlier readings where a rule of the form compares, else
 * NULL. */
void medicine_judge(struct medicine *m, struct batch *b, struct job *j, const struct study *study,
                    struct slice site, int32_t revision, const struct readings *previous,
                    struct flags *flags);
/* The same alerts as those of another revision of the form. */
void medicine_renumber(struct medicine *m, struct job *j, int32_t revision);

#endif
