/* What was accepted and not stored, for the people who mend it: listed, shown, and, where the
 * sealed original is kept, found again so that it can be sent once more (clinical-rules "A
 * rejection does not occupy an id"). Never a body in what people see. */
#ifndef SLUICE_STORE_REJECTIONS_H
#define SLUICE_STORE_REJECTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/uuid.h"
#include "store/connection.h"

/* Which rows; what is NULL, zero or false does not narrow. */
struct rejections_filter {
    const char *study, *kind, *rule;
    int64_t since_us;          /* recorded at or after this wall clock time */
    const struct uuid *id;     /* of this submission */
    const struct uuid *broker; /* of this origin (with epoch and seq) */
    uint64_t epoch, seq;
    bool unresolved; /* nothing was stored under the id since */
};

/* Newest first, at most limit. Each row as one JSON object: origin, kind, study, id, subject,
 * questionnaire, version, rules (array of codes), recorded_us, resolved (bool), kept (bool: the
 * sealed original is there), and with reasons: received_us, accepted_us, reasons. */
int store_rejections_list(struct store *s, const struct rejections_filter *filter, bool reasons,
                          uint64_t limit, void (*each)(void *arg, const char *json, size_t len),
                          void *arg);

/* A sealed original, to be sent again as a message of the submissions service: it is bound to
 * (service, study, id) and needs no key here. */
struct rejection_kept {
    const char *study;
    size_t study_len;
    struct uuid id;
    const uint8_t *sealed;
    size_t sealed_len;
    int64_t received_us;
};
/* Where the next page of a pass begins. What the pass itself makes (sent again and held again) is
 * younger than its end. */
struct rejections_place {
    int64_t until_us;
    int64_t recorded_us;
    struct uuid broker;
    uint64_t epoch, seq;
};
#define REJECTIONS_PAGE 256                      /* rows a page, and */
#define REJECTIONS_PAGE_BYTES ((int64_t)8 << 20) /* bytes, but at least one row */

/* One page of unresolved rows of the filter, oldest first: of each id only the newest rejected or
 * held one. ripe: only held ones of which what they missed was loaded since. *place moves on;
 * *ret_n is 0 when there are no more. What each is given lives during the call. */
int store_rejections_kept(struct store *s, const struct rejections_filter *filter, bool ripe,
                          struct rejections_place *place,
                          void (*each)(void *arg, const struct rejection_kept *kept), void *arg,
                          size_t *ret_n);
/* One pass at a time over all sessions: *ret_mine says whether it is ours, until
 * store_rejections_leave or the end of the connection. *ret_place is where it begins. */
int store_rejections_enter(struct store *s, bool *ret_mine, struct rejections_place *ret_place);
void store_rejections_leave(struct store *s);

#endif
