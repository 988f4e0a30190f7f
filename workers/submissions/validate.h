/* What a submission says, judged: envelope, times, study, subject, questionnaire, answers. */
#ifndef SLUICE_WORKERS_SUBMISSIONS_VALIDATE_H
#define SLUICE_WORKERS_SUBMISSIONS_VALIDATE_H

#include "schemas/wire/identity.h"
#include "workers/submissions/job.h"
#include "workers/submissions/medicine.h"

struct validate_env {
    const struct catalog *catalog;
    const struct subjects *subjects;
    const struct identity_key *identity;
    struct medicine *medicine;
};

/* Fills job.row (valid) or job.rejection with reasons and payload (not valid; rejected_as says
 * whether REJECTED or HELD), and the alerts of both. A subject that differs inside the submission
 * makes the job dead. *ret_unknown is set if something was not found that may just have been
 * loaded. */
void validate_job(struct batch *b, struct job *j, const struct validate_env *env,
                  bool *ret_unknown);
/* A job that validate_job had let pass, refused by one rule; http as in struct job. kind: rejected
 * or conflict. */
void validate_refuse(struct batch *b, struct job *j, enum rule rule, const char *kind,
                     uint16_t http);

#endif
