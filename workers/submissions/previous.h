/* Forms with alert rules that compare ("≥ 2 above the previous answer", clinical-rules "Scores and
 * alerts"): their alerts are judged once more, beside what the subject answered before. A form is
 * held against its own predecessors by (authored_at, submission_id), however late it comes; those
 * of its own batch count, too. */
#ifndef SLUICE_WORKERS_SUBMISSIONS_PREVIOUS_H
#define SLUICE_WORKERS_SUBMISSIONS_PREVIOUS_H

#include "workers/submissions/job.h"
#include "workers/submissions/medicine.h"

struct previous; /* scratch, reused */

struct previous *previous_new(void);
void previous_free(struct previous *p);
/* After validation. Costs statements only where a form needs it; then its subjects are locked from
 * here to previous_release. STORE_ outcomes. */
int previous_judge(struct previous *p, struct batch *b, struct store *s, const struct catalog *c,
                   struct medicine *m);
/* After the write, whatever became of it. */
void previous_release(struct previous *p, struct store *s);

#endif
