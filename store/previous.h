/* A subject's earlier forms, for alert rules that compare with "the previous answer". Who writes
 * such a form holds a lock of its subject from before the look until after the write, so that of
 * two forms at once the later one sees the earlier one. */
#ifndef SLUICE_STORE_PREVIOUS_H
#define SLUICE_STORE_PREVIOUS_H

#include "store/connection.h"
#include "store/slice.h"

/* One form that is to be judged. */
struct previous_form {
    struct slice study, subject, questionnaire;
    struct uuid id;
    int64_t authored_us; /* TIME_NONE: as stored under the id, else received_us */
    int64_t received_us;
};

/* One of its earlier forms: stored, neither void nor in progress, strictly before it by
 * (authored_at, submission_id). Lives during the call. */
struct previous_found {
    size_t form; /* index */
    int64_t authored_us;
    struct uuid id;
    struct slice answers; /* JSON text */
};

/* Locks of the session, one a subject, taken in one order by everybody. Any outcome but STORE_OK
 * (lock_timeout is STORE_RETRY) closes the connection, and the locks end with it. */
int previous_lock(struct store *s, const struct previous_form *forms, size_t n);
/* The same forms. A failure closes the connection. */
void previous_unlock(struct store *s, const struct previous_form *forms, size_t n);
/* In the order of forms, of each its newest at most `limit` first; row by row, so memory stays
 * flat. STORE_ outcomes. */
int previous_read(struct store *s, const struct previous_form *forms, size_t n, int64_t limit,
                  void (*each)(void *arg, const struct previous_found *found), void *arg);

#endif
