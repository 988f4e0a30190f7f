/* A submission that is with a broker, and when its request is answered (invariants, "Waiting").
 *
 * 202 only when it is accepted. A request that asked for respond-async alone, or for which there is
 * no place among those that wait, is answered as soon as it is accepted; the others when the
 * outcome is there, at the end of their wait (202, or 503 if not even accepted), or at once when
 * the broker says that nothing can take it now. */
#ifndef SLUICE_EDGE_SUBMISSION_WAIT_H
#define SLUICE_EDGE_SUBMISSION_WAIT_H

#include "client/edge/request.h"

struct outcome_style;

/* The request has its place in flight already. Decides how it waits and starts its time; style: how
 * it will be answered. */
void submission_wait_begin(struct request *q, const struct outcome_style *style);
/* It was not sent after all. */
void submission_wait_cancel(struct request *q);
bool submission_wait_is_async(const struct request *q);

#endif
