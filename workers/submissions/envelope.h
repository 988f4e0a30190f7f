/* What a submission says beside its answers, the same for both forms it may come in. */
#ifndef SLUICE_WORKERS_SUBMISSIONS_ENVELOPE_H
#define SLUICE_WORKERS_SUBMISSIONS_ENVELOPE_H

#include "workers/submissions/job.h"

enum member {
#define MEMBER(NAME, name, fhir, TYPE) MEMBER_##NAME,
#include "workers/submissions/members.def"
#undef MEMBER
    MEMBER_COUNT
};

/* raw: msgpack of each member; text where it is one. Point into the job's plain bytes. */
struct envelope {
    struct slice raw[MEMBER_COUNT], text[MEMBER_COUNT];
};

/* Reads the short form, or the members of a QuestionnaireResponse that mean the same; what is wrong
 * with them goes to the batch's findings. */
void envelope_read(struct batch *b, const struct job *j, struct envelope *ret);
/* Adds a finding at the member (or, of a QuestionnaireResponse, at what stands for it). */
void envelope_finding(struct batch *b, const struct job *j, enum rule rule, enum member m,
                      const char *parameter);
/* The member as a time; TIME_NONE where it is absent or wrong. zone: as written. */
int64_t envelope_moment(struct batch *b, const struct job *j, const struct envelope *e,
                        enum member m, char ret_zone[]);

#endif
