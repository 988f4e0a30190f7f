/* Small answers about the process itself. */
#include "client/edge/health.h"

#include "client/edge/json_text.h"
#include "client/edge/stream.h"

void
health_handle_live(struct request *q, const struct http_message *m, const struct route_match *match)
{
    (void)m;
    (void)match;
    answer_begin(q);
    json_put(&q->edge->scratch.body, "{\"status\":\"ok\"}");
    answer_send(q, 200, MEDIA_JSON);
    request_free(q);
}

void
health_handle_ready(struct request *q, const struct http_message *m,
                    const struct route_match *match)
{
    (void)m;
    (void)match;
    answer_begin(q);
    if (q->edge->draining || brokers_connected(&q->edge->brokers) == 0) {
        answer_problem(q, PROBLEM_UNAVAILABLE, NULL);
    } else {
        json_put(&q->edge->scratch.body, "{\"status\":\"ready\"}");
        answer_send(q, 200, MEDIA_JSON);
    }
    request_free(q);
}

void
health_handle_metrics(struct request *q, const struct http_message *m,
                      const struct route_match *match)
{
    struct edge *e = q->edge;

    (void)m;
    (void)match;
    answer_begin(q);
    e->metrics.values[METRIC_CONNECTIONS] = (uint64_t)e->open.now;
    e->metrics.values[METRIC_IN_FLIGHT] = (uint64_t)e->in_flight.now;
    e->metrics.values[METRIC_WAITERS] = (uint64_t)e->waiting.now;
    e->metrics.values[METRIC_BROKERS] = brokers_connected(&e->brokers);
    e->metrics.values[METRIC_STREAMS] = (uint64_t)streams_count(e->streams);
    metrics_write(&e->metrics, &e->scratch.body);
    answer_send(q, 200, "text/plain; version=0.0.4");
    request_free(q);
}
