/* What the batch statement (submissions_sql.h) is given of a batch: its shape, and an array a
 * column. Memory is reused from batch to batch. Inner header of store/. */
#ifndef SLUICE_STORE_SUBMISSIONS_ARRAYS_H
#define SLUICE_STORE_SUBMISSIONS_ARRAYS_H

#include "store/submissions.h"
#include "store/submissions_sql.h"

struct submissions_arrays {
    struct array columns[COLUMN_COUNT];
    struct slice long_key; /* of the first row that has one */
    struct buf beside;     /* the long text of one row, as JSON */
    struct array rejections[REJECTION_COUNT];
};

void submissions_arrays_init(struct submissions_arrays *w, size_t ceiling);
void submissions_arrays_deinit(struct submissions_arrays *w);
/* What can be told of a batch's variant before its arrays are filled. */
unsigned submissions_variant(const struct submissions_batch *b);
/* Signs the rows and fills the arrays that the variant has; what long texts make of it is found out
 * on the way. BUF_OK or BUF_FULL. */
int submissions_arrays_fill(struct submissions_arrays *w, struct audit_chain *chain,
                            const struct submissions_batch *b, int64_t now_us, unsigned *variant);

#endif
