/* hiredis 0.14: an old API; look at its header, not at today's documentation. */
#include "store/redis.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"

#define BACKOFF_MIN_US ((int64_t)100 * US_PER_MS)
#define BACKOFF_MAX_US (5 * US_PER_S)
#define WHY_SIZE 160
#define ARGS_MAX 16384

struct redis {
    struct redis_options options;
    char *host; /* tcp */
    int port;
    redisContext *context;
    redisReplyObjectFunctions bounded;
    int64_t not_before_us, backoff_us;
    char why[WHY_SIZE];
};

/* The reader has one set of functions a context; our bounded one needs theirs. */
static redisReplyObjectFunctions *default_functions;

static void *
array_bounded(const redisReadTask *task, int elements)
{
    if (elements > REDIS_ELEMENTS_MAX)
        return NULL;
    return default_functions->createArray(task, elements);
}

static bool
target_parse(struct redis *r)
{
    const char *t = r->options.target;

    if (strncmp(t, "unix:", 5) == 0)
        return t[5] != '\0';
    const char *colon = strrchr(t, ':');
    if (strncmp(t, "tcp:", 4) != 0 || colon <= t + 4)
        return false;
    r->port = atoi(colon + 1);
    r->host = mem_strdup(t + 4);
    r->host[colon - t - 4] = '\0';
    return r->port > 0 && r->port < 65536;
}

struct redis *
redis_new(const struct redis_options *options)
{
    struct redis *r = mem_new(1, sizeof(*r));

    r->options = *options;
    r->backoff_us = BACKOFF_MIN_US;
    if (!target_parse(r)) {
        redis_free(r);
        return NULL;
    }
    return r;
}

static void
context_drop(struct redis *r)
{
    if (r->context != NULL)
        redisFree(r->context);
    r->context = NULL;
}

void
redis_free(struct redis *r)
{
    if (r == NULL)
        return;
    context_drop(r);
    free(r->host);
    free(r);
}

const char *
redis_why(const struct redis *r)
{
    return r->why;
}

static int
down(struct redis *r, const char *why)
{
    snprintf(r->why, sizeof(r->why), "%s", why);
    context_drop(r);
    r->not_before_us = clock_mono_us() + r->backoff_us;
    r->backoff_us = r->backoff_us * 2 < BACKOFF_MAX_US ? r->backoff_us * 2 : BACKOFF_MAX_US;
    return REDIS_DOWN;
}

static int
greet(struct redis *r)
{
    const char *auth[] = {"AUTH", r->options.password}, *ping[] = {"PING"};
    redisReply *reply = NULL;
    int n = REDIS_DONE;

    if (r->options.password != NULL)
        n = redis_call(r, 2, auth, NULL, &reply);
    if (n == REDIS_DONE) {
        freeReplyObject(reply);
        n = redis_call(r, 1, ping, NULL, &reply);
    }
    if (n == REDIS_DONE)
        freeReplyObject(reply);
    return n == REDIS_REFUSED ? down(r, r->why) : n;
}

int
redis_up(struct redis *r, int64_t now_us)
{
    if (r->context != NULL)
        return REDIS_DONE;
    if (now_us < r->not_before_us)
        return REDIS_DOWN;
    struct timeval wait = {r->options.timeout_us / US_PER_S, r->options.timeout_us % US_PER_S};
    r->context = r->host != NULL ? redisConnectWithTimeout(r->host, r->port, wait)
                                 : redisConnectUnixWithTimeout(r->options.target + 5, wait);
    if (r->context == NULL || r->context->err != 0)
        return down(r, r->context != NULL ? r->context->errstr : "out of memory");
    if (redisSetTimeout(r->context, wait) != REDIS_OK)
        return down(r, "no timeout can be set");
    if (default_functions == NULL)
        default_functions = r->context->reader->fn;
    r->bounded = *default_functions;
    r->bounded.createArray = array_bounded;
    r->context->reader->fn = &r->bounded;
    int n = greet(r);
    if (n == REDIS_DONE)
        r->backoff_us = BACKOFF_MIN_US;
    return n;
}

int
redis_call(struct redis *r, int argc, const char **argv, const size_t *lengths,
           redisReply **ret_reply)
{
    if (r->context == NULL)
        return REDIS_DOWN;
    redisReply *reply = redisCommandArgv(r->context, argc, argv, lengths);
    if (reply == NULL)
        return down(r, r->context->errstr);
    if (reply->type == REDIS_REPLY_ERROR) {
        snprintf(r->why, sizeof(r->why), "%s", reply->str);
        freeReplyObject(reply);
        /* LOADING, READONLY, MASTERDOWN, …: this server can't serve us now. */
        return strncmp(r->why, "NOSCRIPT", 8) == 0 ? REDIS_REFUSED : down(r, r->why);
    }
    *ret_reply = reply;
    return REDIS_DONE;
}

static int
script_load(struct redis *r, struct redis_script *script)
{
    const char *argv[] = {"SCRIPT", "LOAD", script->text};
    redisReply *reply = NULL;
    int n = redis_call(r, 3, argv, NULL, &reply);

    if (n != REDIS_DONE)
        return n;
    if (reply->type == REDIS_REPLY_STRING && reply->len == sizeof(script->sha) - 1)
        memcpy(script->sha, reply->str, sizeof(script->sha));
    else
        n = down(r, "SCRIPT LOAD gave no digest");
    freeReplyObject(reply);
    return n;
}

int
redis_eval(struct redis *r, struct redis_script *script, int n_keys, int argc, const char **argv,
           const size_t *lengths, redisReply **ret_reply)
{
    const char *all[ARGS_MAX];
    size_t sizes[ARGS_MAX];
    char keys[12];
    int n = REDIS_DONE;

    sluice_assert(argc + 3 <= ARGS_MAX);
    all[0] = "EVALSHA";
    sizes[0] = 7;
    all[2] = keys;
    sizes[2] = (size_t)snprintf(keys, sizeof(keys), "%d", n_keys);
    memcpy(all + 3, argv, (size_t)argc * sizeof(*argv));
    memcpy(sizes + 3, lengths, (size_t)argc * sizeof(*lengths));
    for (int attempt = 0; attempt < 2; attempt++) {
        if (script->sha[0] == '\0' && (n = script_load(r, script)) != REDIS_DONE)
            return n;
        all[1] = script->sha;
        sizes[1] = 40;
        n = redis_call(r, argc + 3, all, sizes, ret_reply);
        if (n != REDIS_REFUSED)
            return n;
        script->sha[0] = '\0'; /* NOSCRIPT: flushed or another server */
    }
    return n;
}
