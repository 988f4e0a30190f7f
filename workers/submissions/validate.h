/* What a submission says, judged: envelope, study, subject, questionnaire, answers. */
#ifndef SLUICE_WORKERS_SUBMISSIONS_VALIDATE_H
#define SLUICE_WORKERS_SUBMISSIONS_VALIDATE_H

#include "schemas/wire/identity.h"
#include "workers/submissions/job.h"
#include "workers/submissions/subjects.h"

struct validate_env {
    const struct catalog *catalog;
    const struct subjects *subjects;
    const struct identity_key *identity;
};

/* Fills job.row (valid) or job.rejection with reasons and payload (not valid; rejected_as says
 * whether REJECTED or HELD). A subject that differs inside the submission makes the job dead.
 * *ret_unknown is set if something was not found that may just have been loaded. */
void validate_job(struct batch *b, struct job *j, const struct validate_env *env,
                  bool *ret_unknown);

#endif
