/* Everything the database holds under one submission id: for the admin who asks what became of it.
 */
#ifndef SLUICE_STORE_TRACE_H
#define SLUICE_STORE_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/uuid.h"
#include "store/connection.h"

/* One row of submissions or rejections; texts live during the call. */
struct trace_row {
    const char *kind;                            /* stored, rejected, conflict, held */
    const char *study, *questionnaire, *version; /* the last two may be NULL */
    const char *reasons;                         /* JSON text; NULL where it is stored */
    struct uuid broker;
    uint64_t epoch, seq;
    int64_t received_us, accepted_us, recorded_us;
};

/* study may be NULL: any study that is loaded. Uses the indexes either way. */
int store_trace(struct store *s, const struct uuid *id, const char *study,
                void (*each)(void *arg, const struct trace_row *row), void *arg);
/* Which of these ids are stored, in whatever study that is loaded; ret_stored has n places, n <=
 * 10000. */
int store_trace_stored(struct store *s, const struct uuid *ids, size_t n, bool *ret_stored);

#endif
