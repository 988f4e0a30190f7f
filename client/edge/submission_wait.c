/* What brokers and the clock say about a submission, turned into answers. */
#include "client/edge/submission_wait.h"

#include "base/clock.h"
#include "client/edge/outcome.h"
#include "schemas/wire/message.h"

/* Below this a wait can end before an ACCEPTED that rides on other messages comes: ask for one. */
#define RIDING_US (1500 * US_PER_MS)

static struct ticket_queue *
wait_queue(struct request *q)
{
    struct edge *e = q->edge;

    return q->prefer.wait_s > 0 ? &e->waits[q->prefer.wait_s] : &e->wait_default;
}

static void
in_flight_end(struct request *q)
{
    if (q->wait.counted_in_flight) {
        q->wait.counted_in_flight = false;
        limit_give(&q->edge->in_flight);
    }
}

/* The request is answered, or nobody is there to be answered. */
static void
waiting_end(struct request *q)
{
    if (q->wait.counted_waiting) {
        q->wait.counted_waiting = false;
        limit_give(&q->edge->waiting);
    }
    ticket_stop(&q->ticket);
}

/* Nothing more is to be learnt about it. */
static void
finish(struct request *q)
{
    waiting_end(q);
    in_flight_end(q);
    if (q->broker != NULL)
        broker_forget(q->broker, q->counter);
    request_free(q);
}

static void
on_accepted(struct request *q, const struct sluice_origin *origin, int64_t accepted_us,
            bool stalled)
{
    metric_add(&q->edge->metrics, METRIC_ACCEPTED, 1);
    q->wait.accepted = true;
    q->wait.origin = *origin;
    q->wait.accepted_us = accepted_us;
    in_flight_end(q);
    if (!request_is_awaited(q)) {
        finish(q);
    } else if (q->wait.async || stalled) {
        if (!q->wait.async)
            metric_add(&q->edge->metrics, METRIC_EARLY, 1);
        q->wait.style->accepted(q);
        finish(q);
    }
}

static void
on_refused(struct request *q, unsigned refusal)
{
    metric_add(&q->edge->metrics, METRIC_REFUSED, 1);
    if (request_is_awaited(q)) {
        answer_begin(q);
        answer_problem(q, refusal == REFUSAL_TOO_LARGE ? PROBLEM_TOO_LARGE : PROBLEM_UNAVAILABLE,
                       NULL);
    }
    finish(q);
}

static void
on_outcome(struct request *q, unsigned outcome, const struct sluice_origin *origin,
           int64_t accepted_us, const uint8_t *payload, size_t payload_bytes)
{
    metric_add(&q->edge->metrics, METRIC_OUTCOMES, 1);
    if (!q->wait.accepted) {
        metric_add(&q->edge->metrics, METRIC_ACCEPTED, 1);
        q->wait.accepted = true;
        q->wait.origin = *origin;
        q->wait.accepted_us = accepted_us;
    }
    if (request_is_awaited(q)) {
        metrics_wait(&q->edge->metrics, q->edge->now_us - q->arrived_us);
        struct outcome_payload read;
        outcome_payload_read(payload, payload_bytes, &read);
        q->wait.style->decided(q, outcome, &read);
    }
    finish(q);
}

static void
on_expired(struct request *q)
{
    if (q->wait.accepted) {
        q->wait.style->accepted(q);
        finish(q);
        return;
    }
    metric_add(&q->edge->metrics, METRIC_UNDECIDED, 1);
    answer_begin(q);
    answer_problem(q, PROBLEM_UNDECIDED, NULL);
    waiting_end(q); /* stays in flight until the broker has said what it is */
}

static void
on_abandoned(struct request *q)
{
    if (q->wait.accepted)
        finish(q);
    else
        waiting_end(q);
}

static const struct request_kind submission_kind = {
    .accepted = on_accepted,
    .refused = on_refused,
    .outcome = on_outcome,
    .expired = on_expired,
    .abandoned = on_abandoned,
};

void
submission_wait_begin(struct request *q, const struct outcome_style *style)
{
    struct edge *e = q->edge;
    bool asked = q->prefer.respond_async && q->prefer.wait_s < 0;
    bool at_once = q->prefer.wait_s == 0 || (q->prefer.wait_s < 0 && e->wait_us == 0);

    q->kind = &submission_kind;
    q->wait = (struct submission_wait){
        .style = style, .counted_in_flight = true, .async = asked || at_once};
    if (!q->wait.async) {
        q->wait.counted_waiting = limit_take(&e->waiting);
        if (!q->wait.counted_waiting) {
            metric_add(&e->metrics, METRIC_EARLY, 1);
            q->wait.async = true;
        }
    }
    ticket_start(wait_queue(q), &q->ticket, e->now_us);
}

void
submission_wait_cancel(struct request *q)
{
    waiting_end(q);
    in_flight_end(q);
    q->kind = NULL;
}

bool
submission_wait_is_async(const struct request *q)
{
    return q->wait.async || q->ticket.due_us - q->edge->now_us < RIDING_US;
}
