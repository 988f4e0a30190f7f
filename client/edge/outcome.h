/* What became of a submission, as an HTTP answer. What the answer looks like is a style: where the
 * submission came in decides (submission_wait_begin). */
#ifndef SLUICE_EDGE_OUTCOME_H
#define SLUICE_EDGE_OUTCOME_H

#include "client/edge/outcome_payload.h"
#include "client/edge/request.h"

struct outcome_style {
    /* 202: on disk, not done yet. */
    void (*accepted)(struct request *q);
    /* A final outcome, or dead. */
    void (*decided)(struct request *q, unsigned outcome, const struct outcome_payload *payload);
};

extern const struct outcome_style outcome_receipt;  /* JSON receipts and problems */
extern const struct outcome_style outcome_revision; /* the same, for a correction: 200, not 201 */
extern const struct outcome_style outcome_fhir;     /* OperationOutcome */

/* The path of Location: where to ask for the submission. */
void outcome_location_write(struct buf *b, const struct request *q);
/* The refusal that an outcome other than stored, duplicate and held means. */
enum problem outcome_problem(unsigned outcome, const struct outcome_payload *payload);

#endif
