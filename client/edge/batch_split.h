/* The text of a batch, {"submissions": [ … ]}, cut into the texts of its submissions. Each is then
 * read as strictly as if it had come alone: one with a fault in it does not spoil the others. */
#ifndef SLUICE_EDGE_BATCH_SPLIT_H
#define SLUICE_EDGE_BATCH_SPLIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/edge/problem.h"

#define BATCH_SUBMISSIONS_MAX 50

struct batch_span {
    const uint8_t *at;
    size_t size;
};

/* False: the text as a whole is none of this form; the rule broken is in *ret_error. */
bool batch_split(const uint8_t *text, size_t size, struct batch_span ret_spans[], size_t *ret_n,
                 struct problem_error *ret_error);

#endif
