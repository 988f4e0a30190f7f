/* One request from its last byte to its answer, and beyond: a submission whose client went away is
 * still counted until a broker says what became of it.
 *
 * A request that is not answered at once is of a kind, which says what happens when a broker calls
 * back or its time is up. Neither connection nor batch: nobody is there to be answered any more. */
#ifndef SLUICE_EDGE_REQUEST_H
#define SLUICE_EDGE_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/uuid.h"
#include "client/edge/edge.h"
#include "client/edge/media.h"
#include "client/edge/problem.h"
#include "client/edge/question.h"
#include "client/edge/routes.h"

struct feed;

#define REQUEST_ID_SIZE 65
#define TRACEPARENT_SIZE 56

struct request_kind {
    void (*accepted)(struct request *q, const struct sluice_origin *origin, int64_t accepted_us,
                     bool stalled);
    void (*refused)(struct request *q, unsigned refusal);
    void (*outcome)(struct request *q, unsigned outcome, const struct sluice_origin *origin,
                    int64_t accepted_us, const uint8_t *payload, size_t payload_bytes);
    void (*located)(struct request *q, uint64_t query, enum sluice_located state,
                    const struct sluice_origin *origin, int64_t accepted_us);
    void (*expired)(struct request *q);
    /* The client is gone: connection is NULL already. */
    void (*abandoned)(struct request *q);
};

struct outcome_style;
struct batch;

/* A submission that waits. */
struct submission_wait {
    const struct outcome_style *style;
    bool async;    /* answered as soon as it is accepted */
    bool accepted; /* origin and accepted_us are known */
    bool counted_in_flight, counted_waiting;
    struct sluice_origin origin;
    int64_t accepted_us;
    struct uuid alert; /* an action on an alert: which one */
    bool closes;
};

/* A question after a submission. */
struct lookup_wait {
    unsigned pending; /* LOCATEs not answered */
    uint64_t first_query, end_query;
    bool has_receipt;
    struct sluice_origin receipt;
    struct question question; /* to a worker */
    struct token *token;
};

/* A question that a worker answers alone (ask.h). */
struct ask_wait {
    struct question question;
    struct token *token;
    uint8_t *plain; /* as composed, for the next broker */
    size_t plain_bytes;
    struct buf body; /* of the answer, as far as it has come */
    unsigned parts;
};

/* A stream of alerts (stream.h), in its feed's list. */
struct stream_wait {
    struct feed *feed;
    struct request *prev, *next;
    int64_t cursor; /* what was sent; -1: where the feed is when it opens */
    int64_t said;   /* the id that the client knows */
    bool open;
};

struct request {
    struct edge *edge;
    struct connection *connection;
    const struct request_kind *kind; /* NULL: it is answered within its handler */
    struct request *next_free;
    struct batch *batch; /* a part of one: answered into it, not into the connection */
    uint32_t part;
    struct ticket ticket;
    struct broker *broker; /* where counter is known; NULL: nowhere */
    uint64_t counter;
    struct uuid id; /* of the submission */
    int64_t received_us;
    int64_t arrived_us; /* monotonic */
    char id_text[REQUEST_ID_SIZE];
    char traceparent[TRACEPARENT_SIZE]; /* "": none came */
    struct prefer prefer;
    bool head_only, keep_alive, minor_0;
    bool fhir;    /* below /fhir: refusals are OperationOutcomes */
    bool lingers; /* the body was not read to its end: close with care */
    union {
        struct submission_wait wait;
        struct lookup_wait lookup;
        struct ask_wait ask;
        struct stream_wait stream;
        struct batch *parts; /* of a batch that waits for them */
    };
};

struct request *request_new(struct edge *e, struct connection *c, const struct http_message *m);
/* One of the submissions in whole: it has its own outcome, and the other's ids and preferences. */
struct request *request_new_part(struct request *whole, struct batch *batch, uint32_t part);
void request_free(struct request *q);

/* Is anybody there to be answered? */
static inline bool
request_is_awaited(const struct request *q)
{
    return q->connection != NULL || q->batch != NULL;
}

/* Answers: begin, write the body into edge->scratch.body and fields, then send. Sending gives the
 * connection back and cuts the tie to it; the request itself is still its owner's. */
void answer_begin(struct request *q);
void answer_field(struct request *q, const char *name, const char *value);
void answer_send(struct request *q, unsigned status, const char *media_type);
/* Begins a body without an end: 200, the fields, what the body begins with. The request stays the
 * connection's; after a failure it was abandoned already (kind->abandoned). */
void answer_stream(struct request *q, const char *media_type);
/* A whole problem answer; error may be NULL. */
void answer_problem(struct request *q, enum problem p, const struct problem_error *error);
/* Retry-After, one to five seconds: those who were refused together shall not come back together.
 */
void answer_retry_after(struct request *q);

#endif
