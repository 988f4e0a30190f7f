/* New revisions: corrections (PUT, with their reason), and the next state of a form in progress
 * (clinical-rules "Audit and time", "Status"). Rare, so one statement or two each. */
#ifndef SLUICE_WORKERS_SUBMISSIONS_REVISE_H
#define SLUICE_WORKERS_SUBMISSIONS_REVISE_H

#include "workers/submissions/write.h"

/* Every undecided valid correction of the batch: stored, or turned into a rejection that the next
 * round writes (404 no such submission, 412 another revision is current, 403 too late for a
 * participant, 409 void). STORE_ outcomes. */
int corrections_write(struct batch *b, const struct write_env *env);
/* A job whose id stands there in progress, as revision j->continues: becomes the next one. If it
 * is not in progress any more, the job stays undecided. STORE_ outcomes. */
int progress_write(struct batch *b, struct job *j, const struct write_env *env);

#endif
