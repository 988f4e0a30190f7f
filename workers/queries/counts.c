/* One HMGET a question, within the Redis timeout. */
#include "workers/queries/counts.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/secret.h"
#include "store/json_text.h"
#include "store/redis.h"

#define KEY_MAX 512

enum field { FIELD_COUNT, FIELD_ID, FIELD_QUESTIONNAIRE, FIELD_VERSION, FIELD_AUTHORED, FIELDS };

struct counts {
    struct redis *redis; /* NULL: none configured */
    struct secret password;
};

static bool
password_read(struct counts *c, const char *path)
{
    int n = secret_read(path, 4096, &c->password);

    if (n != SECRET_OK) {
        log_event(EVENT_FATAL, LOG_S("why", n > 0 ? secret_outcome_text(n) : "redis_password_file"),
                  LOG_S("path", path));
        return false;
    }
    char *end = strpbrk((char *)c->password.data, "\r\n");
    if (end != NULL)
        *end = '\0';
    return true;
}

struct counts *
counts_new(const struct config *config)
{
    const char *path = config_str(config, "worker", "redis_password_file");
    const char *target = config_str(config, "worker", "redis");
    struct counts *c = mem_new(1, sizeof(*c));

    if (*target == '\0')
        return c;
    if (*path != '\0' && !password_read(c, path)) {
        counts_free(c);
        return NULL;
    }
    c->redis = redis_new(&(struct redis_options){
        .target = target,
        .password = (const char *)c->password.data,
        .timeout_us = config_us(config, "worker", "redis_timeout"),
    });
    if (c->redis == NULL) {
        log_event(EVENT_FATAL, LOG_S("why", "worker/redis must be unix:PATH or tcp:HOST:PORT"));
        counts_free(c);
        return NULL;
    }
    return c;
}

void
counts_free(struct counts *c)
{
    if (c == NULL)
        return;
    if (c->redis != NULL)
        redis_free(c->redis);
    secret_free(&c->password);
    free(c);
}

/* All fields there, and figures where figures belong. */
static bool
fields_are_whole(const redisReply *r)
{
    if (r->type != REDIS_REPLY_ARRAY || r->elements != FIELDS)
        return false;
    for (size_t i = 0; i < FIELDS; i++)
        if (r->element[i]->type != REDIS_REPLY_STRING || r->element[i]->len == 0)
            return false;
    const redisReply *n = r->element[FIELD_COUNT], *at = r->element[FIELD_AUTHORED];
    return strspn(n->str, "0123456789") == (size_t)n->len && n->len < 16 &&
           strspn(at->str, "-0123456789T:.Z") == (size_t)at->len;
}

static int
counts_write(struct buf *b, const redisReply *r)
{
    const redisReply *at = r->element[FIELD_AUTHORED];
    const redisReply *id = r->element[FIELD_ID], *name = r->element[FIELD_QUESTIONNAIRE];
    const redisReply *version = r->element[FIELD_VERSION];

    int full =
        buf_append_str(b, "{\"submissions\":") | buf_append_str(b, r->element[FIELD_COUNT]->str) |
        buf_append_str(b, ",\"lastSubmission\":{\"id\":") |
        json_text_string(b, id->str, (size_t)id->len) | buf_append_str(b, ",\"questionnaire\":") |
        json_text_string(b, name->str, (size_t)name->len) | buf_append_str(b, ",\"version\":") |
        json_text_string(b, version->str, (size_t)version->len) |
        buf_append_str(b, ",\"authoredAt\":\"") | buf_append(b, at->str, (size_t)at->len);
    return full | buf_append_str(b, "\"}}");
}

bool
counts_find(struct counts *c, struct slice study, struct slice subject, struct buf *text)
{
    const char *argv[2 + FIELDS] = {"HMGET",
                                    NULL,
                                    "submissions",
                                    "last_submission",
                                    "last_questionnaire",
                                    "last_version",
                                    "last_authored_at"};
    size_t lengths[2 + FIELDS];
    char key[KEY_MAX];
    redisReply *reply = NULL;

    int n = snprintf(key, sizeof(key), "sluice:subject:%.*s:%.*s", (int)study.len,
                     (const char *)study.at, (int)subject.len, (const char *)subject.at);
    if (c->redis == NULL || n < 0 || (size_t)n >= sizeof(key))
        return false;
    argv[1] = key;
    for (size_t i = 0; i < ARRAY_LEN(argv); i++)
        lengths[i] = strlen(argv[i]);
    if (redis_up(c->redis, clock_mono_us()) != REDIS_DONE ||
        redis_call(c->redis, ARRAY_LEN(argv), argv, lengths, &reply) != REDIS_DONE)
        return false;
    buf_clear(text);
    bool found = fields_are_whole(reply) && counts_write(text, reply) == BUF_OK;
    freeReplyObject(reply);
    return found;
}
