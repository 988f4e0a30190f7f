/* What became of a submission, as an HTTP answer. The payload is the worker's: a msgpack map with
 * stored_us?, received_us? (of the original, when it is a duplicate), questionnaire?, version?,
 * errors? [{pointer, rule, detail}]. It is read as carefully as anything that came over a wire. */
#ifndef SLUICE_EDGE_OUTCOME_H
#define SLUICE_EDGE_OUTCOME_H

#include "client/edge/request.h"
#include "schemas/wire/mp.h"

void outcome_answer(struct request *q, unsigned outcome, const uint8_t *payload, size_t size);
/* 202: on disk, not done yet. */
void outcome_answer_accepted(struct request *q);
/* ,"errors":[…] from an array of maps at c; n: its elements. */
void outcome_errors_write(struct buf *b, struct mp_cursor c, uint32_t n);

#endif
