/* Stored answers (the text of a jsonb) back as msgpack: numbers keep their literal. For earlier
 * answers that are read from the store, where speed does not matter. */
#ifndef SLUICE_QUESTIONNAIRE_ANSWERS_JSON_H
#define SLUICE_QUESTIONNAIRE_ANSWERS_JSON_H

#include <stddef.h>

#include "base/buf.h"

enum answers_json_outcome {
    ANSWERS_JSON_OK = 0,
    ANSWERS_JSON_BAD = 1,       /* no JSON object, or nested deeper than MP_DEPTH_MAX */
    ANSWERS_JSON_TOO_LARGE = 2, /* passes out's ceiling */
};

/* Appends one map, which mp_check would pass. On an outcome other than OK, out is as before. */
int answers_from_json(const char *json, size_t len, struct buf *out);

#endif
