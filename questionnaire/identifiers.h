/* Direct identifiers leave the answers (clinical-rules "Identity"): each value of an identifier
 * item becomes {"identity": true}, and is handed to the caller, who encrypts it. Pure: no keys
 * here. */
#ifndef SLUICE_QUESTIONNAIRE_IDENTIFIERS_H
#define SLUICE_QUESTIONNAIRE_IDENTIFIERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "questionnaire/questionnaire.h"

/* One identifier found. Texts belong to the questionnaire, value to the answers. */
struct identifier {
    const char *kind; /* name, phone, birthDate, … */
    const char *link_id;
    uint32_t place;       /* which answer of the item, in document order, from 0 */
    const uint8_t *value; /* one msgpack value */
    size_t size;
};

/* Some item of the definition is an identifier. */
bool questionnaire_identifies(const struct questionnaire *q);

/* answers: a msgpack map in the short form that mp_check has passed. Written behind what out holds,
 * with every identifier taken out; each is called for those to be kept (action drop: for none). Of
 * a birth date with action year the year stays beside, never one that tells an age over 89:
 * {"identity": true, "year": 1961}; this_year: of the submission. BUF_OK or BUF_FULL. */
int identifiers_take(const struct questionnaire *q, const uint8_t *answers, size_t size,
                     int this_year, void (*each)(void *arg, const struct identifier *found),
                     void *arg, struct buf *out);

/* deviceEdits: a msgpack array that mp_check has passed. An edit that names by its linkId a
 * question that is no identifier is written as it stands; of any other only linkId (if it is one of
 * the definition) and the time "at" are left, and "identity": true. BUF_OK or BUF_FULL. */
int identifiers_edits(const struct questionnaire *q, const uint8_t *edits, size_t size,
                      struct buf *out);

#endif
