/* A question as it was opened: a msgpack map with kind, studies (codes the asker may look into) and
 * what the kind needs. What comes from a URL comes as text. */
#ifndef SLUICE_WORKERS_QUERIES_QUESTION_H
#define SLUICE_WORKERS_QUERIES_QUESTION_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/uuid.h"
#include "schemas/wire/mp.h"
#include "store/submissions.h"

#define QUESTION_STUDIES_MAX 256
#define QUESTION_NODES_MAX 70000

struct question {
    const uint8_t *data;
    size_t size;
    struct slice kind;
    struct slice studies[QUESTION_STUDIES_MAX]; /* at least one */
    size_t n_studies;
};

/* False: this is no question. plain must outlive it. */
bool question_read(const struct buf *plain, struct question *ret_question);

/* False: not there, or of another type. */
bool question_text(const struct question *x, const char *name, struct slice *ret);
bool question_uuid(const struct question *x, const char *name, struct uuid *ret);
/* Any value, with a cursor that stands on it. */
bool question_value(const struct question *x, const char *name, struct mp_value *ret_value,
                    struct mp_cursor *ret_at);

enum question_number { NUMBER_ABSENT, NUMBER_GIVEN, NUMBER_BAD };
/* An integer from min to max, also as decimal text; *ret is untouched unless NUMBER_GIVEN. */
enum question_number question_integer(const struct question *x, const char *name, int64_t min,
                                      int64_t max, int64_t *ret);

#endif
