/* sluice-edge: HTTP in, records out. Reads the config and the keys, makes the parts, runs the loop.
 * No database, no clinical rule, no state that outlives it. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/lifecycle.h"
#include "base/log.h"
#include "base/schedule.h"
#include "client/edge/edge.h"
#include "client/edge/loop.h"
#include "client/edge/message_pool.h"
#include "client/edge/request.h"
#include "client/edge/stream.h"
#include "schemas/config.h"

#define ANSWER_MAX ((size_t)8 << 20)
#define REPLY_MAX ((size_t)256 << 10) /* of a worker; also what stands around a submission */
#define LINGER_US (2 * US_PER_S)

static int
fail(enum exit_code code, const char *what, char *why)
{
    log_event(EVENT_FATAL, LOG_S("what", what), LOG_S("why", why));
    free(why);
    return code;
}

static int
keys_load(struct edge *e, const struct config *config)
{
    char *why = NULL;

    if (token_table_load(config_str(config, "edge", "token_file"), &e->tokens, &why) != 0)
        return fail(EXIT_CONFIG, "token_file", why);
    if (seal_keys_load(config_str(config, "edge", "seal_key_file"), &e->seal_keys, &why) != 0)
        return fail(EXIT_CONFIG, "seal_key_file", why);
    if (identity_key_load(config_str(config, "edge", "identity_key_file"), &e->identity_key,
                          &why) != 0)
        return fail(EXIT_CONFIG, "identity_key_file", why);
    return 0;
}

static void
edge_init(struct edge *e, const struct config *config)
{
    e->max_body_bytes = (size_t)config_int(config, "edge", "max_body_bytes");
    e->rate_per_token = config_int(config, "edge", "rate_per_token");
    e->wait_us = config_us(config, "edge", "wait");
    e->in_flight.max = config_int(config, "edge", "max_in_flight");
    e->waiting.max = config_int(config, "edge", "max_waiters");
    e->open.max = config_int(config, "edge", "max_connections");
    e->id_prefix = (uint64_t)randombytes_random() << 32 | randombytes_random();

    ticket_queue_init(&e->idle, config_us(config, "edge", "idle_timeout"));
    ticket_queue_init(&e->reading, config_us(config, "edge", "request_deadline"));
    ticket_queue_init(&e->lingering, LINGER_US);
    for (int i = 0; i <= PREFER_WAIT_MAX; i++)
        ticket_queue_init(&e->waits[i], i * US_PER_S);
    /* Waiting for an accept alone also takes its time, even if nobody waits for outcomes. */
    ticket_queue_init(&e->wait_default, e->wait_us > US_PER_S ? e->wait_us : US_PER_S);
    ticket_queue_init(&e->lookups, US_PER_S);

    json_init(&e->json);
    size_t submission_max = JSON_ROOM(e->max_body_bytes) + 4096;
    buf_init(&e->scratch.submission, submission_max);
    buf_init(&e->scratch.plain, submission_max + REPLY_MAX);
    buf_init(&e->scratch.canonical, 4 * submission_max);
    buf_init(&e->scratch.answer, ANSWER_MAX + ((size_t)64 << 10));
    buf_init(&e->scratch.fields, (size_t)16 << 10);
    buf_init(&e->scratch.body, ANSWER_MAX);
}

static void
edge_deinit(struct edge *e)
{
    message_pool_free(e);
    while (e->free_requests != NULL) {
        struct request *q = e->free_requests;
        e->free_requests = q->next_free;
        free(q);
    }
    json_deinit(&e->json);
    buf_deinit(&e->scratch.submission);
    buf_deinit(&e->scratch.plain);
    buf_deinit(&e->scratch.canonical);
    buf_deinit(&e->scratch.answer);
    buf_deinit(&e->scratch.fields);
    buf_deinit(&e->scratch.body);
    token_table_free(e->tokens);
    seal_keys_free(e->seal_keys);
    sodium_memzero(&e->identity_key, sizeof(e->identity_key));
}

/* As many file descriptors as connections need, if the hard limit allows. */
static void
descriptors_raise(int64_t max_connections)
{
    struct rlimit limit;
    rlim_t wanted = (rlim_t)max_connections + 256;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static int
edge_start(struct edge *e, struct edge_loop *l, const struct config *config)
{
    const char *metrics = config_str(config, "edge", "metrics_listen");
    char *why = NULL;

    int r = brokers_init(&e->brokers, e, config_str(config, "edge", "broker_endpoints"),
                         (uint32_t)e->in_flight.max, (uint32_t)(e->in_flight.max + e->waiting.max),
                         e->max_body_bytes, &why);
    if (r != 0)
        return fail(EXIT_CONFIG, "brokers", why);
    e->streams = streams_new(e, config, &why);
    if (e->streams == NULL)
        return fail(EXIT_CONFIG, "redis", why);
    r = loop_init(l, e);
    if (r != 0)
        return fail(EXIT_UNAVAILABLE, "loop", mem_strdup(uv_strerror(r)));
    if (loop_listen(l, config_str(config, "edge", "listen"), ROUTE_PORT_INTAKE, &why) != 0)
        return fail(EXIT_UNAVAILABLE, "listen", why);
    if (*metrics != '\0' && loop_listen(l, metrics, ROUTE_PORT_METRICS, &why) != 0)
        return fail(EXIT_UNAVAILABLE, "metrics_listen", why);
    return 0;
}

int
main(int argc, char **argv)
{
    static const struct program program = {
        .name = "sluice-edge",
        .section = "edge",
        .summary = "Takes submissions over HTTP, seals them and gives them to the brokers.",
        .keys = sluice_config_keys,
        .usage_extra = "SIGTERM drains: what is in work is answered, then it exits 0. Several "
                       "processes may share\none port.",
    };
    static struct edge edge;
    static struct edge_loop loop;
    struct program p = program;

    p.n_keys = sluice_config_keys_count;
    struct config *config = program_start(&p, argc, argv, NULL, NULL);
    schedule_gathering();
    int r = lifecycle_init();
    if (r != 0)
        return fail(EXIT_UNAVAILABLE, "signals", mem_strdup(strerror(-r)));
    /* Every seal draws a nonce: from libsodium's own generator, not by a system call each. */
    if (randombytes_set_implementation(&randombytes_internal_implementation) != 0 ||
        sodium_init() < 0)
        return fail(EXIT_UNAVAILABLE, "libsodium", mem_strdup("no random numbers"));
    edge.loop = uv_default_loop();
    r = keys_load(&edge, config);
    if (r != 0)
        return r;
    edge_init(&edge, config);
    descriptors_raise(edge.open.max);
    r = edge_start(&edge, &loop, config);
    if (r != 0)
        return r;

    bool in_order = loop_run(&loop);
    loop_deinit(&loop);
    streams_free(edge.streams);
    brokers_deinit(&edge.brokers);
    edge_deinit(&edge);
    config_free(config);
    uv_loop_close(uv_default_loop());
    log_event(EVENT_STOPPED, LOG_I("code", in_order ? EXIT_DONE : EXIT_TEMPFAIL));
    return in_order ? EXIT_DONE : EXIT_TEMPFAIL;
}
