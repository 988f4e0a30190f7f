/* The audit row of a first revision and the MAC of its data. Inner header of store/. */
#ifndef SLUICE_STORE_SUBMISSIONS_SIGN_H
#define SLUICE_STORE_SUBMISSIONS_SIGN_H

#include "store/audit_data.h"
#include "store/submissions.h"

struct slice submission_zone(const struct submission_row *r); /* null: none */
/* Makes r->data_mac and r->audit, with the chain's next number. data has broker, hash_key and the
 * JSON as it will be sent (answers, scores, originator, device, device_edits, normal), all else
 * zero, which is filled here. r->audit.detail stays in detail. A row that is sent again in a
 * smaller part is signed anew. */
void submission_row_sign(struct audit_chain *chain, struct submission_row *r, int64_t now_us,
                         struct audit_data *data, char detail[AUDIT_DETAIL_MAX]);

#endif
