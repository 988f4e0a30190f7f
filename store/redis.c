/* hiredis 0.14: an old API; look at its header, not at today's documentation. */
#include "store/redis.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"

/* Each look at a hung Redis costs one batch the timeout: look seldom. */
#define BACKOFF_MIN_US US_PER_S
#define BACKOFF_MAX_US (5 * US_PER_S)
#define WHY_SIZE 160
#define COMMAND_MAX ((size_t)16 << 20)
#define COMMAND_KEPT ((size_t)1 << 20) /* memory kept between commands */

struct redis {
    struct redis_options options;
    char *host; /* tcp */
    int port;
    redisContext *context;
    redisReplyObjectFunctions bounded;
    struct buf command;             /* the one being sent */
    struct redis_script *under_way; /* its reply was not read yet */
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
    buf_init(&r->command, COMMAND_MAX);
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
    r->under_way = NULL;
}

void
redis_free(struct redis *r)
{
    if (r == NULL)
        return;
    context_drop(r);
    buf_deinit(&r->command);
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

/* What a reply that came means. */
static int
reply_judge(struct redis *r, redisReply *reply, redisReply **ret_reply)
{
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

int
redis_call(struct redis *r, int argc, const char **argv, const size_t *lengths,
           redisReply **ret_reply)
{
    sluice_assert(r->under_way == NULL);
    if (r->context == NULL)
        return REDIS_DOWN;
    return reply_judge(r, redisCommandArgv(r->context, argc, argv, lengths), ret_reply);
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

/* "$3\r\nfoo\r\n" */
static int
bulk_put(struct buf *b, const char *text, size_t len)
{
    char digits[20];
    size_t at = sizeof(digits), n = len;
    uint8_t *p;

    do
        digits[--at] = (char)('0' + n % 10);
    while ((n /= 10) > 0);
    size_t width = sizeof(digits) - at;
    if (buf_reserve(b, 1 + width + 2 + len + 2, &p) != BUF_OK)
        return BUF_FULL;
    *p++ = '$';
    memcpy(p, digits + at, width);
    p += width;
    memcpy(p, "\r\n", 2);
    memcpy(p + 2, text, len);
    memcpy(p + 2 + len, "\r\n", 2);
    buf_commit(b, 1 + width + 2 + len + 2);
    return BUF_OK;
}

/* By hand: hiredis' own formatting was a tenth of the worker's time. */
static int
eval_write(struct buf *b, const char *sha, int n_keys, int argc, const char **argv,
           const size_t *lengths)
{
    char keys[12];
    int n = snprintf(keys, sizeof(keys), "%d", n_keys);

    buf_trim(b, COMMAND_KEPT);
    int full = buf_printf(b, "*%d\r\n$7\r\nEVALSHA\r\n$40\r\n%s\r\n", argc + 3, sha);
    full |= bulk_put(b, keys, (size_t)n);
    for (int i = 0; i < argc && full == BUF_OK; i++)
        full = bulk_put(b, argv[i], lengths[i]);
    return full;
}

/* The script's digest is known and the command written, or the outcome says why not. */
static int
eval_prepare(struct redis *r, struct redis_script *script, int n_keys, int argc, const char **argv,
             const size_t *lengths)
{
    int n = r->context == NULL ? REDIS_DOWN : REDIS_DONE;

    if (n == REDIS_DONE && script->sha[0] == '\0')
        n = script_load(r, script);
    if (n == REDIS_DONE &&
        eval_write(&r->command, script->sha, n_keys, argc, argv, lengths) != BUF_OK) {
        snprintf(r->why, sizeof(r->why), "more than Redis is told at once");
        n = REDIS_REFUSED;
    }
    return n;
}

/* Hands the written command to the kernel, which blocks no longer than the timeout. */
static int
eval_send(struct redis *r)
{
    int done = 0;

    if (redisAppendFormattedCommand(r->context, (const char *)r->command.data, r->command.size) !=
        REDIS_OK)
        return down(r, r->context->errstr);
    while (!done)
        if (redisBufferWrite(r->context, &done) != REDIS_OK)
            return down(r, r->context->errstr);
    return REDIS_DONE;
}

static int
eval_receive(struct redis *r, redisReply **ret_reply)
{
    void *reply = NULL;

    if (redisGetReply(r->context, &reply) != REDIS_OK)
        reply = NULL;
    return reply_judge(r, reply, ret_reply);
}

/* The reply to what was sent. A server that does not know the script (flushed, or another one) is
 * given it and the same command again: the digest is the text's. */
static int
eval_finish(struct redis *r, struct redis_script *script, redisReply **ret_reply)
{
    int n = eval_receive(r, ret_reply);

    if (n != REDIS_REFUSED)
        return n;
    n = script_load(r, script);
    if (n == REDIS_DONE)
        n = eval_send(r);
    return n == REDIS_DONE ? eval_receive(r, ret_reply) : n;
}

int
redis_eval(struct redis *r, struct redis_script *script, int n_keys, int argc, const char **argv,
           const size_t *lengths, redisReply **ret_reply)
{
    int n = eval_prepare(r, script, n_keys, argc, argv, lengths);

    sluice_assert(r->under_way == NULL);
    if (n == REDIS_DONE)
        n = eval_send(r);
    return n == REDIS_DONE ? eval_finish(r, script, ret_reply) : n;
}

int
redis_eval_begin(struct redis *r, struct redis_script *script, int n_keys, int argc,
                 const char **argv, const size_t *lengths)
{
    int n = eval_prepare(r, script, n_keys, argc, argv, lengths);

    sluice_assert(r->under_way == NULL);
    if (n == REDIS_DONE)
        n = eval_send(r);
    if (n == REDIS_DONE)
        r->under_way = script;
    return n;
}

int
redis_eval_end(struct redis *r)
{
    struct redis_script *script = r->under_way;
    redisReply *reply = NULL;

    r->under_way = NULL;
    if (script == NULL)
        return REDIS_DONE;
    int n = eval_finish(r, script, &reply);
    if (n == REDIS_DONE)
        freeReplyObject(reply);
    return n;
}

bool
redis_eval_under_way(const struct redis *r)
{
    return r->under_way != NULL;
}
