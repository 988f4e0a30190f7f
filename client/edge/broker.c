/* libsluice's handles in the loop, and its callbacks given to the requests they are about. */
#include "client/edge/broker.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "client/edge/edge.h"
#include "client/edge/request.h"

#define PASSES_MAX 4
#define QUERIES_MAX 65536
#define RESTART_US (2 * US_PER_S) /* a broker that restarts is back by then, else it is away */
#define IN_FLIGHT_BYTES_MIN ((uint64_t)64 << 20)

static void
on_connected(void *arg, const uint8_t uuid[16], uint64_t epoch)
{
    struct broker *b = arg;

    b->connected = true;
    memcpy(b->uuid, uuid, sizeof(b->uuid));
    log_event(EVENT_BROKER_CONNECTED, LOG_U("broker", (uint64_t)(b - b->edge->brokers.list)),
              LOG_U("epoch", epoch));
}

static void
on_disconnected(void *arg)
{
    struct broker *b = arg;

    b->connected = false;
    b->lost_us = b->edge->now_us;
    log_event(EVENT_BROKER_LOST, LOG_U("broker", (uint64_t)(b - b->edge->brokers.list)));
}

static void
on_accepted(void *arg, uint64_t counter, const struct sluice_origin *origin, int64_t accepted_us,
            bool stalled)
{
    struct broker *b = arg;
    struct request *q = waiters_find(&b->waiters, counter);

    if (q != NULL)
        q->kind->accepted(q, origin, accepted_us, stalled);
}

/* The library has forgotten the request: so do we, before its owner hears of it. */
static struct request *
waiter_drop(struct broker *b, uint64_t counter)
{
    struct request *q = waiters_take(&b->waiters, counter);

    if (q != NULL)
        q->broker = NULL;
    return q;
}

static void
on_refused(void *arg, uint64_t counter, unsigned refusal)
{
    struct request *q = waiter_drop(arg, counter);

    if (q != NULL)
        q->kind->refused(q, refusal);
}

static void
on_outcome(void *arg, uint64_t counter, unsigned outcome, const struct sluice_origin *origin,
           int64_t accepted_us, const uint8_t *payload, size_t payload_bytes)
{
    struct broker *b = arg;
    struct request *q = waiter_drop(b, counter);

    sluice_client_forget(b->client, counter); /* "dead" is not final to the library; to us it is */
    if (q != NULL)
        q->kind->outcome(q, outcome, origin, accepted_us, payload, payload_bytes);
}

static void
on_located(void *arg, uint64_t query, enum sluice_located state, const struct sluice_origin *origin,
           int64_t accepted_us, unsigned attempts)
{
    struct broker *b = arg;
    struct request *q = waiters_take(&b->edge->brokers.queries, query);

    (void)attempts;
    if (q != NULL)
        q->kind->located(q, query, state, origin, accepted_us);
}

static void
on_fault(void *arg, const char *code, size_t code_len, const char *detail, size_t detail_len)
{
    struct broker *b = arg;
    char code_text[64], detail_text[256];

    snprintf(code_text, sizeof(code_text), "%.*s", (int)code_len, code);
    snprintf(detail_text, sizeof(detail_text), "%.*s", (int)detail_len, detail);
    log_event(EVENT_BROKER_FAULT, LOG_U("broker", (uint64_t)(b - b->edge->brokers.list)),
              LOG_S("code", code_text), LOG_S("detail", detail_text));
}

/* The loop woke for it; the turn at the end of the round does the work. */
static void
on_poll(uv_poll_t *poll, int status, int events)
{
    (void)poll;
    (void)status;
    (void)events;
}

static int
broker_init(struct broker *b, struct edge *e, const char *endpoint, uint32_t max_in_flight,
            uint32_t max_known, size_t max_body_bytes)
{
    char host[64] = "", name[128];
    uint64_t in_flight_bytes = 4 * (uint64_t)max_body_bytes;

    gethostname(host, sizeof(host) - 1);
    snprintf(name, sizeof(name), "edge-%s-%ld", host, (long)getpid());
    struct sluice_client_options options = {
        .endpoint = endpoint,
        .name = name,
        .version = SLUICE_VERSION,
        .context = e->brokers.context,
        .max_in_flight = max_in_flight,
        .max_in_flight_bytes =
            in_flight_bytes > IN_FLIGHT_BYTES_MIN ? in_flight_bytes : IN_FLIGHT_BYTES_MIN,
        .max_known = max_known,
        .linger_ms = 100,
    };
    struct sluice_client_events events = {
        .arg = b,
        .connected = on_connected,
        .disconnected = on_disconnected,
        .accepted = on_accepted,
        .refused = on_refused,
        .outcome = on_outcome,
        .located = on_located,
        .fault = on_fault,
    };
    b->edge = e;
    int r = sluice_client_new(&options, &events, &b->client);
    if (r != 0)
        return r;
    waiters_init(&b->waiters, max_known);
    r = uv_poll_init(e->loop, &b->poll, sluice_client_fd(b->client));
    if (r == 0)
        r = uv_poll_start(&b->poll, UV_READABLE, on_poll);
    return r;
}

int
brokers_init(struct brokers *b, struct edge *e, const char *endpoints, uint32_t max_in_flight,
             uint32_t max_known, size_t max_body_bytes, char **ret_why)
{
    char *words = mem_strdup(endpoints), *rest = NULL;
    int r = 0;

    b->context = zmq_ctx_new();
    waiters_init(&b->queries, QUERIES_MAX);
    for (char *word = strtok_r(words, " \t", &rest); word != NULL && r == 0;
         word = strtok_r(NULL, " \t", &rest)) {
        if (b->n == BROKERS_MAX) {
            r = -E2BIG;
            break;
        }
        r = broker_init(&b->list[b->n++], e, word, max_in_flight, max_known, max_body_bytes);
    }
    if (b->n == 0)
        r = -EINVAL;
    if (r != 0 && asprintf(ret_why, "broker_endpoints: %s", strerror(-r)) < 0)
        *ret_why = mem_strdup("broker_endpoints");
    free(words);
    return r;
}

/* Requests whose clients are gone and whose fate was not learnt. */
static void
waiters_free(struct waiters *w)
{
    for (size_t i = 0; i < w->n_slots; i++) {
        struct request *q = w->slots[i].who;
        if (q == NULL)
            continue;
        q->broker = NULL;
        request_free(q);
    }
}

void
brokers_deinit(struct brokers *b)
{
    for (size_t i = 0; i < b->n; i++) {
        waiters_free(&b->list[i].waiters);
        sluice_client_free(b->list[i].client);
        waiters_deinit(&b->list[i].waiters);
    }
    waiters_deinit(&b->queries);
    if (b->context != NULL)
        zmq_ctx_term(b->context);
    *b = (struct brokers){0};
}

int64_t
brokers_turn(struct brokers *b, int64_t now_us, bool send)
{
    int64_t next_us = INT64_MAX;

    /* An answer may let the next request of its connection in: that goes out in the same round. */
    for (int pass = 0; pass < PASSES_MAX; pass++) {
        next_us = INT64_MAX;
        if (send)
            b->unsent = 0;
        for (size_t i = 0; i < b->n; i++) {
            if (send)
                sluice_client_flush(b->list[i].client);
            int64_t at_us = sluice_client_turn(b->list[i].client, now_us);
            if (at_us < next_us)
                next_us = at_us;
        }
        if (!send || b->unsent == 0)
            return next_us;
    }
    return now_us;
}

struct broker *
brokers_next(struct brokers *b)
{
    for (size_t i = 0; i < b->n; i++) {
        struct broker *candidate = &b->list[b->turn++ % b->n];
        if (candidate->connected)
            return candidate;
    }
    return NULL;
}

struct broker *
brokers_next_or_lost(struct brokers *b)
{
    struct broker *next = brokers_next(b);

    for (size_t i = 0; next == NULL && i < b->n; i++) {
        struct broker *candidate = &b->list[b->turn++ % b->n];
        if (candidate->lost_us != 0 && candidate->edge->now_us - candidate->lost_us < RESTART_US)
            next = candidate;
    }
    return next;
}

size_t
brokers_connected(const struct brokers *b)
{
    size_t n = 0;

    for (size_t i = 0; i < b->n; i++)
        n += b->list[i].connected;
    return n;
}

int
broker_reserve(struct broker *b, const struct sluice_message *m, struct request *q,
               uint8_t **ret_body, uint64_t *ret_counter)
{
    uint64_t counter;

    if (b->waiters.count == b->waiters.count_max)
        return SLUICE_FULL;
    int r = sluice_client_reserve(b->client, m, ret_body, &counter);
    if (r != SLUICE_OK)
        return r;
    waiters_add(&b->waiters, counter, q);
    q->broker = b;
    *ret_counter = counter;
    b->edge->brokers.unsent++;
    return SLUICE_OK;
}

void
broker_forget(struct broker *b, uint64_t counter)
{
    struct request *q = waiter_drop(b, counter);

    if (q != NULL)
        sluice_client_forget(b->client, counter);
}
