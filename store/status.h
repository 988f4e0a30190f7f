/* Where one submission is, for GET: by id within the caller's studies, or by receipt (invariants 6:
 * a rejections row of that origin wins, else the id is looked up). */
#ifndef SLUICE_STORE_STATUS_H
#define SLUICE_STORE_STATUS_H

#include "store/submissions.h"

struct status_receipt {
    struct uuid broker;
    uint64_t epoch, seq;
};

struct status_found {
    const char *state; /* stored, in-progress (stored, not finished), rejected, conflict, held */
    struct slice study, questionnaire, version;
    struct slice reasons;                        /* JSON text; null for stored */
    int64_t received_us, accepted_us, stored_us; /* stored_us TIME_NONE unless stored */
    int32_t revision;                            /* of what is stored, else 0 */
    struct slice form_status; /* completed, stopped, amended, …; null unless stored */
};

/* each is called at most once. A stored row comes first, else the newest rejection. studies: codes
 * the caller may see. */
int store_status_find(struct store *s, const struct slice *studies, size_t n_studies,
                      const struct uuid *id, const struct status_receipt *receipt,
                      void (*each)(void *arg, const struct status_found *found), void *arg);

#endif
