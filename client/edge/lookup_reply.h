/* What a worker of the service "queries" answered about a submission, as an HTTP answer. */
#ifndef SLUICE_EDGE_LOOKUP_REPLY_H
#define SLUICE_EDGE_LOOKUP_REPLY_H

#include "client/edge/request.h"

/* sealed: the outcome's payload. Opened under the question's scope and id; broken: 503. */
void lookup_reply_answer(struct request *q, const uint8_t *sealed, size_t size);

#endif
