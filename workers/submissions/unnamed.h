/* What a rejection and its alerts may call a subject, questionnaire or version that nobody has
 * loaded: the sender wrote it, and it can be a telephone number. What looks like one (by the rule
 * that refuses subject codes at load) does not leave the sealed original. */
#ifndef SLUICE_WORKERS_SUBMISSIONS_UNNAMED_H
#define SLUICE_WORKERS_SUBMISSIONS_UNNAMED_H

#include "schemas/wire/identity.h"
#include "workers/submissions/job.h"

/* Of an unknown subject: the code as sent or, where it looks personal, "unknown-UUID": the same for
 * the same code of the same study, so that its forms can be told together. */
struct slice unnamed_subject(struct batch *b, const struct job *j,
                             const struct identity_key *identity);
/* The text as sent, or null where it looks personal. */
struct slice unnamed_text(struct slice said);

#endif
