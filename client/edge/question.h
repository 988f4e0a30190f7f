/* One question to a worker of the service "queries": sealed, volatile (nothing is kept of it), put
 * to one connected broker after the other until one of them has a worker for it. */
#ifndef SLUICE_EDGE_QUESTION_H
#define SLUICE_EDGE_QUESTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/uuid.h"

struct edge;
struct request;

#define QUESTION_SERVICE "queries"
#define QUESTION_REPLY_SERVICE "queries/reply"
#define QUESTION_NODES_MAX 100000

struct question {
    struct uuid id;    /* drawn anew for each asking; what the reply is sealed for */
    const char *scope; /* a study of the token; lives as long as the token */
    size_t brokers_tried;
};

/* Seals plain under a new id and gives it to the next connected broker: q is called back with its
 * outcome or refusal. False: no broker is left that was not asked, or it has no room. */
bool question_ask(struct request *q, struct question *x, const uint8_t *plain, size_t size);
/* Opens a reply into plain (the ceiling is the caller's) and checks that it is msgpack. */
bool question_open(const struct edge *e, const struct question *x, const uint8_t *sealed,
                   size_t size, struct buf *plain);

#endif
