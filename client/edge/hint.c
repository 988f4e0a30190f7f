/* hiredis' asynchronous context on a poll handle of our own: the adapter that comes with it does
 * not hear of a connection that is refused. One XREAD is under way at a time; each names all
 * studies and, for each, the last entry that was seen. */
#include "client/edge/hint.h"

#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/secret.h"
#include "client/edge/ticket.h"

#define KEY_PREFIX "sluice:alerts:"
#define BLOCK_MS "500" /* a study that is watched anew is read from the next XREAD on */
#define COUNT "256"
#define ELEMENTS_MAX 65536
#define BACKOFF_US US_PER_S
#define ID_SIZE 48
/* Entries before our first look are read too, so that none falls between connecting and reading;
 * their seq was seen already and does no harm. */
#define LOOK_BACK_MS 60000

struct watch {
    char *key;
    char last[ID_SIZE]; /* entry id */
};

/* The handle outlives the context until libuv has closed it. */
struct link {
    uv_poll_t poll;
    struct redisAsyncContext *context; /* NULL: gone */
    int events;
};

struct hint {
    uv_loop_t *loop;
    char *host, *path; /* one of them */
    char *user;        /* NULL: the default one */
    int port;
    struct secret password;
    hint_call call;
    void *arg;
    struct watch *watches;
    size_t n_watches;
    struct redisAsyncContext *context;
    redisReplyObjectFunctions functions;
    int64_t not_before_us;
    bool up, told_lost, stopped;
};

/* ---- hiredis on libuv ---- */

static void
on_poll(uv_poll_t *poll, int status, int events)
{
    struct link *l = poll->data;

    /* An error of the descriptor is found by reading it. */
    if (l->context != NULL && (status < 0 || (events & UV_READABLE) != 0))
        redisAsyncHandleRead(l->context);
    if (l->context != NULL && status == 0 && (events & UV_WRITABLE) != 0)
        redisAsyncHandleWrite(l->context);
}

static void
events_set(struct link *l, int add, int take)
{
    l->events = (l->events | add) & ~take;
    if (l->events != 0)
        uv_poll_start(&l->poll, l->events, on_poll);
    else
        uv_poll_stop(&l->poll);
}

static void
read_add(void *data)
{
    events_set(data, UV_READABLE, 0);
}

static void
read_take(void *data)
{
    events_set(data, 0, UV_READABLE);
}

static void
write_add(void *data)
{
    events_set(data, UV_WRITABLE, 0);
}

static void
write_take(void *data)
{
    events_set(data, 0, UV_WRITABLE);
}

static void
on_link_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void
link_cleanup(void *data)
{
    struct link *l = data;

    l->context = NULL;
    uv_close((uv_handle_t *)&l->poll, on_link_closed);
}

static bool
link_attach(struct hint *h, redisAsyncContext *context)
{
    struct link *l = mem_new(1, sizeof(*l));

    if (uv_poll_init(h->loop, &l->poll, context->c.fd) != 0) {
        free(l);
        return false;
    }
    l->poll.data = l;
    l->context = context;
    context->ev.data = l;
    context->ev.addRead = read_add;
    context->ev.delRead = read_take;
    context->ev.addWrite = write_add;
    context->ev.delWrite = write_take;
    context->ev.cleanup = link_cleanup;
    return true;
}

/* ---- the connection ---- */

static redisReplyObjectFunctions *default_functions;

static void *
array_bounded(const redisReadTask *task, int elements)
{
    if (elements > ELEMENTS_MAX)
        return NULL;
    return default_functions->createArray(task, elements);
}

/* The context is gone, or is about to go by itself. */
static void
hint_lost(struct hint *h, const char *why)
{
    h->context = NULL;
    h->up = false;
    h->not_before_us = clock_mono_us() + BACKOFF_US;
    if (!h->told_lost && !h->stopped)
        log_event(EVENT_HINTS_LOST, LOG_S("why", why));
    h->told_lost = true;
}

static void
on_disconnected(const redisAsyncContext *context, int status)
{
    struct hint *h = context->data;

    if (h->context == context)
        hint_lost(h, status == REDIS_OK ? "closed" : context->errstr);
}

static void on_entries(redisAsyncContext *context, void *reply, void *arg);

static void
entries_ask(struct hint *h)
{
    size_t n = 6 + 2 * h->n_watches, at = 0;
    const char **argv = mem_new(n, sizeof(*argv));

    argv[at++] = "XREAD";
    argv[at++] = "BLOCK";
    argv[at++] = BLOCK_MS;
    argv[at++] = "COUNT";
    argv[at++] = COUNT;
    argv[at++] = "STREAMS";
    for (size_t i = 0; i < h->n_watches; i++)
        argv[at++] = h->watches[i].key;
    for (size_t i = 0; i < h->n_watches; i++)
        argv[at++] = h->watches[i].last;
    redisAsyncCommandArgv(h->context, on_entries, h, (int)n, argv, NULL);
    free(argv);
}

/* The field "seq" of one entry, [id, [name, value …]]; 0: none. */
static int64_t
entry_seq(const redisReply *entry)
{
    if (entry->type != REDIS_REPLY_ARRAY || entry->elements != 2 ||
        entry->element[1]->type != REDIS_REPLY_ARRAY)
        return 0;
    const redisReply *fields = entry->element[1];
    for (size_t i = 0; i + 1 < fields->elements; i += 2) {
        const redisReply *name = fields->element[i], *value = fields->element[i + 1];
        if (name->type == REDIS_REPLY_STRING && value->type == REDIS_REPLY_STRING &&
            strcmp(name->str, "seq") == 0)
            return strtoll(value->str, NULL, 10);
    }
    return 0;
}

/* One [key, [entry …]]. */
static void
stream_read(struct hint *h, const redisReply *stream)
{
    int64_t most = 0;

    if (stream->type != REDIS_REPLY_ARRAY || stream->elements != 2 ||
        stream->element[0]->type != REDIS_REPLY_STRING ||
        stream->element[1]->type != REDIS_REPLY_ARRAY || stream->element[1]->elements == 0)
        return;
    const redisReply *key = stream->element[0], *entries = stream->element[1];
    const redisReply *last = entries->element[entries->elements - 1];
    for (size_t i = 0; i < entries->elements; i++) {
        int64_t seq = entry_seq(entries->element[i]);
        most = seq > most ? seq : most;
    }
    for (size_t i = 0; i < h->n_watches; i++) {
        struct watch *w = &h->watches[i];
        if (strcmp(w->key, key->str) != 0)
            continue;
        if (last->type == REDIS_REPLY_ARRAY && last->elements == 2 &&
            last->element[0]->type == REDIS_REPLY_STRING)
            snprintf(w->last, sizeof(w->last), "%s", last->element[0]->str);
        if (most > 0)
            h->call(h->arg, w->key + sizeof(KEY_PREFIX) - 1,
                    strlen(w->key) - (sizeof(KEY_PREFIX) - 1), most);
    }
}

static void
on_entries(redisAsyncContext *context, void *data, void *arg)
{
    struct hint *h = arg;
    const redisReply *reply = data;

    if (h->context != context || reply == NULL)
        return; /* the context is going: on_disconnected follows */
    if (reply->type == REDIS_REPLY_ERROR) {
        hint_lost(h, reply->str);
        redisAsyncFree(context);
        return;
    }
    if (h->told_lost)
        log_event(EVENT_HINTS_BACK);
    h->told_lost = false;
    h->up = true;
    for (size_t i = 0; reply->type == REDIS_REPLY_ARRAY && i < reply->elements; i++)
        stream_read(h, reply->element[i]);
    entries_ask(h);
}

static void
on_greeted(redisAsyncContext *context, void *data, void *arg)
{
    struct hint *h = arg;
    const redisReply *reply = data;

    if (reply == NULL || reply->type != REDIS_REPLY_ERROR || h->context != context)
        return;
    hint_lost(h, reply->str);
    redisAsyncFree(context);
}

static void
hint_connect(struct hint *h)
{
    redisAsyncContext *c =
        h->path != NULL ? redisAsyncConnectUnix(h->path) : redisAsyncConnect(h->host, h->port);

    if (c == NULL || c->err != 0 || !link_attach(h, c)) {
        hint_lost(h, c != NULL ? c->errstr : "no context");
        if (c != NULL)
            redisAsyncFree(c);
        return;
    }
    c->data = h;
    default_functions = c->c.reader->fn;
    h->functions = *default_functions;
    h->functions.createArray = array_bounded;
    c->c.reader->fn = &h->functions;
    h->context = c;
    redisAsyncSetDisconnectCallback(c, on_disconnected);
    const char *password = (const char *)h->password.data;
    if (password != NULL && h->user != NULL)
        redisAsyncCommand(c, on_greeted, h, "AUTH %s %s", h->user, password);
    else if (password != NULL)
        redisAsyncCommand(c, on_greeted, h, "AUTH %s", password);
    entries_ask(h);
}

/* ---- from outside ---- */

static bool
target_parse(struct hint *h, const char *target)
{
    const char *colon = strrchr(target, ':');

    if (strncmp(target, "unix:", 5) == 0 && target[5] != '\0') {
        h->path = mem_strdup(target + 5);
        return true;
    }
    if (strncmp(target, "tcp:", 4) != 0 || colon <= target + 4)
        return false;
    h->port = atoi(colon + 1);
    h->host = mem_strdup(target + 4);
    h->host[colon - target - 4] = '\0';
    return h->port > 0 && h->port < 65536;
}

int
hint_new(uv_loop_t *loop, const struct hint_options *options, hint_call call, void *arg,
         struct hint **ret_hint, char **ret_why)
{
    int n = SECRET_OK;

    *ret_hint = NULL;
    if (*options->target == '\0')
        return 0;
    struct hint *h = mem_new(1, sizeof(*h));
    h->loop = loop;
    h->call = call;
    h->arg = arg;
    h->user = *options->user != '\0' ? mem_strdup(options->user) : NULL;
    bool good = target_parse(h, options->target);
    if (good && *options->password_file != '\0')
        n = secret_read(options->password_file, 4096, &h->password);
    if (!good || n != SECRET_OK) {
        *ret_why = mem_strdup(!good   ? "redis must be unix:PATH or tcp:HOST:PORT"
                              : n > 0 ? secret_outcome_text(n)
                                      : "redis_password_file can't be read");
        hint_free(h);
        return 1;
    }
    if (h->password.data != NULL)
        h->password.data[strcspn((const char *)h->password.data, "\r\n")] = '\0';
    *ret_hint = h;
    return 0;
}

void
hint_stop(struct hint *h)
{
    if (h == NULL)
        return;
    redisAsyncContext *context = h->context;
    h->stopped = true;
    h->context = NULL;
    if (context != NULL)
        redisAsyncFree(context);
}

void
hint_free(struct hint *h)
{
    if (h == NULL)
        return;
    for (size_t i = 0; i < h->n_watches; i++)
        free(h->watches[i].key);
    free(h->watches);
    free(h->host);
    free(h->path);
    free(h->user);
    secret_free(&h->password);
    free(h);
}

void
hint_watch(struct hint *h, const char *study)
{
    if (h == NULL || h->n_watches == HINT_STUDIES_MAX)
        return;
    for (size_t i = 0; i < h->n_watches; i++)
        if (strcmp(h->watches[i].key + sizeof(KEY_PREFIX) - 1, study) == 0)
            return;
    h->watches = mem_grow(h->watches, h->n_watches + 1, sizeof(*h->watches));
    struct watch *w = &h->watches[h->n_watches++];
    if (asprintf(&w->key, KEY_PREFIX "%s", study) < 0)
        w->key = mem_strdup(KEY_PREFIX);
    snprintf(w->last, sizeof(w->last), "%lld-0",
             (long long)(clock_wall_us() / US_PER_MS - LOOK_BACK_MS));
}

bool
hint_is_up(const struct hint *h)
{
    return h != NULL && h->up;
}

int64_t
hint_turn(struct hint *h, int64_t now_us)
{
    if (h == NULL || h->stopped || h->context != NULL || h->n_watches == 0)
        return TICKET_NEVER;
    if (now_us >= h->not_before_us)
        hint_connect(h);
    return h->context != NULL ? TICKET_NEVER : h->not_before_us;
}
