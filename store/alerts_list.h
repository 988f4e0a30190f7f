/* Alerts for people: each row as one JSON object; never an answer. */
#ifndef SLUICE_STORE_ALERTS_LIST_H
#define SLUICE_STORE_ALERTS_LIST_H

#include <stddef.h>
#include <stdint.h>

#include "base/uuid.h"
#include "store/connection.h"

/* What is NULL or zero does not narrow. */
struct alerts_filter {
    const char *study, *state, *severity;
    int64_t since_us;      /* raised at or after */
    const struct uuid *id; /* this one, with its history as "events" */
};

/* Newest first, at most limit: seq, id, study, subject, site, submission, revision, questionnaire,
 * rule, severity, state, kind, provisional, late, count, raised_us, waits_us (while open). */
int store_alerts_list(struct store *s, const struct alerts_filter *filter, uint64_t limit,
                      void (*each)(void *arg, const char *json, size_t len), void *arg);

#endif
