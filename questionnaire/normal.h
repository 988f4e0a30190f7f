/* Normal values (clinical-rules "Identity"): quantities in their item's default unit, texts in
 * their usual character width. Made after validation, kept beside the answers, which stay as they
 * came; only what differs has one. doc/validation.md "Normal values". */
#ifndef SLUICE_QUESTIONNAIRE_NORMAL_H
#define SLUICE_QUESTIONNAIRE_NORMAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "questionnaire/questionnaire.h"

struct item;

/* The item's answers are quantities that have a default unit. For the compiler. */
bool normal_has_unit(const struct item *item);
/* Some item of the definition may have answers with a normal value of their own. */
bool questionnaire_normalises(const struct questionnaire *q);

/* answers: a msgpack map in the short form that was found valid, identifiers taken out. Behind what
 * out holds, a map with an entry for each answer whose normal value differs, nothing where none
 * does: "GROUP/N/LINKID": {"value": number, "code": unit} or {"text": "…"} GROUP: the occurrences
 * it stands in, from 1, joined by points ("" outside of any); N: which answer of the item, from 1:
 * group_index and answer_index of the view item_answers. BUF_OK or BUF_FULL. */
int normals_take(const struct questionnaire *q, const uint8_t *answers, size_t size,
                 struct buf *out);

#endif
