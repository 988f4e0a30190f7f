/* What the service "queries" reads, each by one statement that makes the answer's JSON in the
 * database. Role sluice_query: it writes nothing, and sees neither answers nor sealed originals.
 *
 * studies: codes the asker may look into; nothing outside them is ever found. */
#ifndef SLUICE_STORE_READS_H
#define SLUICE_STORE_READS_H

#include "store/submissions.h"

struct read_studies {
    const struct slice *codes;
    size_t n;
};

/* Called at most once, with a text that lives during the call; not called: there is nothing. */
typedef void (*read_take)(void *arg, struct slice json);

#define READ_REVISIONS_MAX 50 /* the newest ones */
#define READ_ALERTS_MAX 250

/* {"id", "study", "revisions": […]}, the oldest one first. */
int store_history_read(struct store *s, const struct read_studies *studies, const struct uuid *id,
                       read_take take, void *arg);
/* {"projects": […]} */
int store_projects_read(struct store *s, const struct read_studies *studies, read_take take,
                        void *arg);

struct alerts_wanted {
    struct slice state; /* null: any */
    int64_t after;      /* seq */
    int64_t limit;      /* at most READ_ALERTS_MAX */
};
/* {"alerts": […], "next": seq or null}: all that are committed; next does not pass what is
 * complete, so that paging on from it misses nothing (it may repeat). */
int store_alerts_read(struct store *s, const struct read_studies *studies,
                      const struct alerts_wanted *wanted, read_take take, void *arg);

/* Alerts with seq > after in order of seq, only up to where no transaction under way can still add
 * one. after < 0: none of them. *ret_next: read on from there. *ret_more: the limit was reached. */
int store_feed_read(struct store *s, const struct read_studies *studies, int64_t after,
                    int64_t limit, void (*each)(void *arg, int64_t seq, struct slice json),
                    void *arg, int64_t *ret_next, bool *ret_more);

/* hash: of the definition, in hex. */
int store_definition_read(struct store *s, const char *url, const char *version,
                          void (*take)(void *arg, struct slice definition, struct slice hash),
                          void *arg);

struct subject_found {
    struct slice subject, status, trial_code; /* trial_code may be null */
    bool erased;
};
int store_subject_read(struct store *s, struct slice study, struct slice subject,
                       void (*take)(void *arg, const struct subject_found *found), void *arg);

/* The newest of each kind; not called for an erased subject. */
struct identifier_found {
    uint32_t key_id;
    struct slice wrapped_key, kind, value_sealed; /* identity.h opens them */
};
int store_identifiers_read(struct store *s, struct slice study, struct slice subject,
                           void (*each)(void *arg, const struct identifier_found *found),
                           void *arg);

/* {"submissions": n, "lastSubmission": {…} or null} */
int store_subject_counts(struct store *s, struct slice study, struct slice subject, read_take take,
                         void *arg);

#endif
