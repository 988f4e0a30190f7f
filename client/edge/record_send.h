/* A durable record to a service, sealed straight into the batch of the next broker. */
#ifndef SLUICE_EDGE_RECORD_SEND_H
#define SLUICE_EDGE_RECORD_SEND_H

#include "base/buf.h"
#include "client/edge/problem.h"
#include "client/edge/request.h"

struct record_target {
    const char *service;
    const char *scope; /* the study */
    size_t scope_len;
    struct uuid id;
};

/* q waits already (submission_wait_begin) and has its received_us; it is called back unless this
 * fails. */
enum problem record_send(struct request *q, const struct record_target *to,
                         const struct buf *plain);

#endif
