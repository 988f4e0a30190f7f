/* The checks of brokers: who answers, what waits, who works. */
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "client/ctl/format.h"
#include "client/ctl/health_inner.h"
#include "client/ctl/rows.h"

/* "submissions", and of which broker where there are several. */
static void
object_write(const struct look *l, const char *queue, const char *endpoint, char ret[OBJECT_SIZE])
{
    if (look_endpoints(l) > 1)
        snprintf(ret, OBJECT_SIZE, "%s %s", queue, endpoint);
    else
        snprintf(ret, OBJECT_SIZE, "%s", queue);
}

static json_t *
row_of(const json_t *rows, const char *endpoint, const char *service)
{
    json_t *row;
    size_t i;

    json_array_foreach((json_t *)(uintptr_t)rows, i, row)
    {
        if (strcmp(row_text(row, "endpoint"), endpoint) == 0 &&
            (service == NULL || strcmp(row_text(row, "service"), service) == 0))
            return row;
    }
    return NULL;
}

static void
intake_check(struct health *h, const json_t *status, const char *endpoint)
{
    const char *intake = row_text(status, "intake");
    enum health_status found = HEALTH_CRITICAL;

    if (strcmp(intake, "open") == 0)
        found = HEALTH_OK;
    else if (strcmp(intake, "draining") == 0)
        found = HEALTH_WARNING; /* somebody wants it so */
    health_add(h, HEALTH_INTAKE, endpoint, found, "%s", intake);
}

static void
damage_check(struct health *h, const json_t *ledger, const char *endpoint)
{
    int64_t n = (int64_t)json_array_size(json_object_get(ledger, "unacknowledged_damage"));

    if (ledger == NULL)
        return; /* it fell silent between two questions: BROKER says so next time */
    health_add(h, HEALTH_DAMAGE, endpoint, n > 0 ? HEALTH_CRITICAL : HEALTH_OK,
               n > 0 ? "the journal lost messages: see 'sluicectl journal verify'" : "none");
    health_value(h, n, HEALTH_NO_LIMIT, 0);
}

static void
queue_check(struct health *h, const struct health_limits *limits, const json_t *queue,
            const char *object)
{
    int64_t age_us = row_number(queue, "oldest_us"), dead = row_number(queue, "dead");
    bool paused = json_is_true(json_object_get(queue, "paused"));
    enum health_status status = HEALTH_OK;
    char age[FORMAT_SIZE], waiting[FORMAT_SIZE];

    if (age_us > limits->age_warning_us)
        status = HEALTH_WARNING;
    if (age_us > limits->age_critical_us)
        status = HEALTH_CRITICAL;
    if (status == HEALTH_OK && paused)
        status = HEALTH_WARNING; /* a pause that was forgotten */
    format_age(age_us, age);
    format_count((uint64_t)row_number(queue, "ready"), waiting);
    health_add(h, HEALTH_QUEUE_AGE, object, status, "%s wait, the oldest %s%s", waiting, age,
               paused ? "; paused" : "");
    health_value(h, age_us, limits->age_warning_us, limits->age_critical_us);
    health_add(h, HEALTH_DEAD, object, dead > 0 ? HEALTH_CRITICAL : HEALTH_OK,
               dead > 0 ? "see 'sluicectl dead list'" : "none");
    health_value(h, dead, HEALTH_NO_LIMIT, 0);
}

/* Each service that should be there has a worker at this broker. */
static void
workers_check(struct health *h, const struct health_limits *limits, const struct look *l,
              const json_t *queues, const char *endpoint)
{
    const char *at = limits->services;
    char service[64], object[OBJECT_SIZE];

    while (*(at += strspn(at, " ,")) != '\0') {
        size_t len = strcspn(at, " ,");
        snprintf(service, sizeof(service), "%.*s", (int)(len < 63 ? len : 63), at);
        int64_t n = row_number(row_of(queues, endpoint, service), "workers");
        object_write(l, service, endpoint, object);
        health_add(h, HEALTH_WORKERS, object, n > 0 ? HEALTH_OK : HEALTH_CRITICAL,
                   n > 0 ? "%lld" : "none: nothing of this queue is done", (long long)n);
        health_value(h, n, HEALTH_NO_LIMIT, HEALTH_NO_LIMIT);
        at += len;
    }
}

void
health_brokers(struct health *h, const struct health_limits *limits, struct look *l)
{
    json_t *status = look_brokers(l, "status"), *queues = look_brokers(l, "queues");
    json_t *ledgers = look_brokers(l, "ledger"), *row;
    char object[OBJECT_SIZE];
    size_t i;

    for (size_t b = 0; b < look_endpoints(l); b++) {
        const char *endpoint = look_endpoint(l, b);
        const json_t *own = row_of(status, endpoint, NULL);
        health_add(h, HEALTH_BROKER, endpoint, own != NULL ? HEALTH_OK : HEALTH_CRITICAL, "%s",
                   own != NULL ? row_text(own, "version") : "no answer");
        if (own == NULL)
            continue;
        intake_check(h, own, endpoint);
        damage_check(h, row_of(ledgers, endpoint, NULL), endpoint);
        json_array_foreach(queues, i, row)
        {
            if (strcmp(row_text(row, "endpoint"), endpoint) != 0)
                continue;
            object_write(l, row_text(row, "service"), endpoint, object);
            queue_check(h, limits, row, object);
        }
        workers_check(h, limits, l, queues, endpoint);
    }
    json_decref(status);
    json_decref(queues);
    json_decref(ledgers);
}
