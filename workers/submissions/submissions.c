/* The service "submissions": the steps of job.h over one batch, and the caches between batches. */
#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/secret.h"
#include "store/cache.h"
#include "workers/runtime/service.h"
#include "workers/submissions/acquaint.h"
#include "workers/submissions/attach.h"
#include "workers/submissions/batch.h"
#include "workers/submissions/deidentify.h"
#include "workers/submissions/held.h"
#include "workers/submissions/open.h"
#include "workers/submissions/outcome.h"
#include "workers/submissions/previous.h"
#include "workers/submissions/subjects.h"
#include "workers/submissions/tell.h"
#include "workers/submissions/validate.h"
#include "workers/submissions/write.h"

#define PARAMS_MAX ((size_t)64 << 20)

struct submissions {
    struct store *store;
    const struct seal_keys *keys;
    struct identity_key identity;
    struct identity_wrap *wrap; /* NULL: no identity is kept */
    struct audit_chain chain;
    struct submissions_writer *writer;
    struct alerts_writer *alerts;
    struct revisions_writer *revisions;
    struct medicine *medicine;
    struct previous *previous;
    struct tell *tell;
    struct held *held; /* NULL: others send what was held */
    struct catalog *catalog;
    struct subjects *subjects;
    struct acquaint *acquaint;
    struct cache *cache;
    struct secret password;
    struct cache_entry *entries;
    struct batch batch;
    uint64_t generation;
    int64_t stamp;
    bool stale; /* a load was notified, and could not be read */
    bool cache_lost;
    int wake; /* an epoll of the store's socket: loads are notified there */
};

static void
submissions_stop(void *self)
{
    struct submissions *s = self;

    submissions_writer_free(s->writer);
    alerts_writer_free(s->alerts);
    revisions_writer_free(s->revisions);
    medicine_free(s->medicine);
    previous_free(s->previous);
    tell_free(s->tell);
    held_free(s->held);
    if (s->wake >= 0)
        close(s->wake);
    identity_wrap_free(s->wrap);
    sodium_memzero(&s->chain.key, sizeof(s->chain.key));
    catalog_free(s->catalog);
    acquaint_free(s->acquaint);
    subjects_free(s->subjects);
    cache_free(s->cache);
    secret_free(&s->password);
    free(s->entries);
    batch_deinit(&s->batch);
    free(s);
}

/* The first line of the password file; false and logged if it can't be read. */
static bool
redis_open(struct submissions *s, const struct config *config)
{
    const char *path = config_str(config, "worker", "redis_password_file");

    if (*path != '\0') {
        int n = secret_read(path, 4096, &s->password);
        if (n != SECRET_OK) {
            log_event(EVENT_FATAL,
                      LOG_S("why", n > 0 ? secret_outcome_text(n) : "redis_password_file"),
                      LOG_S("path", path));
            return false;
        }
        char *end = strpbrk((char *)s->password.data, "\r\n");
        if (end != NULL)
            *end = '\0';
    }
    s->cache = cache_new(&(struct redis_options){
        .target = config_str(config, "worker", "redis"),
        .password = (const char *)s->password.data,
        .timeout_us = config_us(config, "worker", "redis_timeout"),
    });
    if (s->cache == NULL)
        log_event(EVENT_FATAL, LOG_S("why", "worker/redis must be unix:PATH or tcp:HOST:PORT"));
    return s->cache != NULL;
}

static bool
fatal(char *why)
{
    log_event(EVENT_FATAL, LOG_S("why", why));
    free(why);
    return false;
}

/* The keys of hashes, of the audit trail, and of the subjects' own. */
static bool
keys_open(struct submissions *s, const struct config *config)
{
    const char *wrap = config_str(config, "worker", "wrap_key_file");
    struct audit_keys audit;
    char *why = NULL;

    if (identity_key_load(config_str(config, "worker", "identity_key_file"), &s->identity, &why) !=
        0)
        return fatal(why);
    if (audit_keys_load(config_str(config, "worker", "audit_key_file"), &audit, &why) != 0)
        return fatal(why);
    audit_chain_init(&s->chain, &audit.list[0]);
    sodium_memzero(&audit, sizeof(audit));
    if (*wrap != '\0' && identity_wrap_load(wrap, &s->wrap, &why) != 0)
        return fatal(why);
    return true;
}

/* Where what was held is sent; without endpoints other workers do it, or an operator. */
static bool
held_open(struct submissions *s, const struct config *config)
{
    const char *endpoints = config_str(config, "worker", "client_endpoints");

    if (*endpoints == '\0')
        return true;
    s->held = held_new(endpoints, "submissions");
    if (s->held == NULL)
        log_event(EVENT_FATAL, LOG_S("why", "worker/client_endpoints"));
    return s->held != NULL;
}

static void *
submissions_start(const struct service_env *env)
{
    struct submissions *s = mem_new(1, sizeof(*s));

    s->store = env->store;
    s->keys = env->seal_keys;
    batch_init(&s->batch);
    s->writer = submissions_writer_new(PARAMS_MAX);
    s->alerts = alerts_writer_new(PARAMS_MAX);
    s->revisions = revisions_writer_new(PARAMS_MAX);
    s->catalog = catalog_new();
    s->subjects = subjects_new();
    s->acquaint = acquaint_new(s->subjects);
    s->medicine = medicine_new(&s->identity);
    s->previous = previous_new();
    s->tell = tell_new(s->keys);
    s->wake = epoll_create1(EPOLL_CLOEXEC);
    store_listen(s->store, CATALOG_CHANNEL);
    if (!keys_open(s, env->config) || !redis_open(s, env->config) || !held_open(s, env->config)) {
        submissions_stop(s);
        return NULL;
    }
    return s;
}

static int
catalog_refresh(struct submissions *s)
{
    int n = store_catalog_stamp(s->store, &s->stamp);

    s->stale = true;
    if (n == STORE_OK)
        n = identity_erasures_heed(s->store);
    if (n == STORE_OK)
        n = catalog_read(s->catalog, s->store);
    if (n != STORE_OK)
        return n;
    subjects_clear(s->subjects);
    n = acquaint_ahead(s->acquaint, s->store);
    if (n != STORE_OK)
        return n;
    log_event(EVENT_CATALOG_READ, LOG_U("studies", catalog_studies(s->catalog)),
              LOG_U("questionnaires", catalog_forms(s->catalog)));
    s->stale = false;
    if (s->held != NULL)
        held_wish(s->held);
    return STORE_OK;
}

/* A connection that is closed leaves the epoll by itself. */
static int
store_watch(struct submissions *s)
{
    int fd = store_fd(s->store);
    struct epoll_event event = {.events = EPOLLIN};

    if (epoll_ctl(s->wake, EPOLL_CTL_ADD, fd, &event) == 0 || errno == EEXIST)
        return STORE_OK;
    store_why_set(s->store, "epoll_ctl failed");
    return STORE_RETRY;
}

static int
submissions_ready(void *self)
{
    struct submissions *s = self;

    if (s->generation == store_generation(s->store))
        return STORE_OK;
    int n = store_watch(s);
    if (n == STORE_OK)
        n = catalog_refresh(s);
    if (n == STORE_OK)
        s->generation = store_generation(s->store);
    return n;
}

static void
jobs_validate(struct submissions *s, bool *ret_unknown)
{
    struct batch *b = &s->batch;
    struct validate_env env = {.catalog = s->catalog,
                               .subjects = s->subjects,
                               .identity = &s->identity,
                               .medicine = s->medicine};

    *ret_unknown = false;
    for (size_t i = 0; i < b->n; i++) {
        struct job *j = &b->jobs[i];
        j->valid = false;
        j->rejected_as = OUTCOME_NONE;
        /* Of an earlier judgement nothing stays: its catalog and its arena may be gone. */
        j->form = NULL;
        j->answers = (struct slice){NULL, 0};
        j->alerts = NULL;
        j->identifiers = NULL;
        j->attachments = NULL;
        if (j->outcome == OUTCOME_NONE && j->submission.at != NULL &&
            b->payloads.size < PAYLOADS_SOFT && b->text.size < PAYLOADS_SOFT)
            validate_job(b, j, &env, ret_unknown);
    }
}

/* A load may have been committed whose notification is still on its way. */
static int
validate_again(struct submissions *s)
{
    int64_t stamp;
    bool unknown;
    int n = store_catalog_stamp(s->store, &stamp);

    if (n != STORE_OK || stamp == s->stamp)
        return n;
    n = catalog_refresh(s);
    if (n == STORE_OK)
        n = acquaint_batch(s->acquaint, &s->batch, s->store);
    if (n != STORE_OK)
        return n;
    buf_clear(&s->batch.text);
    arena_clear(&s->batch.arena);
    jobs_validate(s, &unknown);
    return STORE_OK;
}

static int
batch_process(struct submissions *s)
{
    struct batch *b = &s->batch;
    struct write_env write = {
        .store = s->store,
        .writer = s->writer,
        .alerts = s->alerts,
        .revisions = s->revisions,
        .chain = &s->chain,
        .medicine = s->medicine,
        .catalog = s->catalog,
        .hash_key = s->identity.id,
    };
    bool unknown;

    int notes = store_notifications(s->store);
    int n = notes < 0 ? STORE_RETRY : notes > 0 || s->stale ? catalog_refresh(s) : STORE_OK;
    if (n == STORE_OK)
        n = recorded_find(b, &write);
    if (n == STORE_OK)
        n = acquaint_batch(s->acquaint, &s->batch, s->store);
    if (n != STORE_OK)
        return n;
    jobs_validate(s, &unknown);
    if (unknown)
        n = validate_again(s);
    if (n == STORE_OK)
        n = previous_judge(s->previous, b, s->store, s->catalog, s->medicine);
    if (n == STORE_OK)
        n = deidentify_seal(b, s->store, s->wrap);
    for (size_t i = 0; i < b->n && n == STORE_OK; i++) {
        struct job *j = &b->jobs[i];
        if (j->outcome == OUTCOME_NONE && j->erased_since)
            validate_refuse(b, j, RULE_SUBJECT_ERASED, "rejected", 410);
    }
    if (n == STORE_OK)
        n = attach_store(b, s->store);
    return n == STORE_OK ? batch_write(b, &write) : n;
}

/* Says once in the log that Redis went, and once that it is back. */
static void
cache_heed(struct submissions *s, int outcome)
{
    bool lost = outcome == CACHE_SKIPPED;

    if (outcome == CACHE_IDLE)
        return;
    if (lost && !s->cache_lost)
        log_event(EVENT_CACHE_LOST, LOG_S("why", cache_why(s->cache)));
    else if (!lost && s->cache_lost)
        log_event(EVENT_CACHE_BACK);
    s->cache_lost = lost;
}

/* What was stored, also by an earlier attempt, goes to Redis (invariants 2). Never fails. */
static void
cache_tell(struct submissions *s)
{
    struct batch *b = &s->batch;
    size_t n = 0;

    s->entries = mem_grow(s->entries, b->n + 1, sizeof(*s->entries));
    for (size_t i = 0; i < b->n; i++) {
        const struct job *j = &b->jobs[i];
        if (!j->to_cache)
            continue;
        s->entries[n++] = (struct cache_entry){
            .study = j->row.study,
            .subject = j->row.subject,
            .questionnaire = j->row.questionnaire,
            .version = j->row.version,
            .id = j->row.id,
            .authored_us = j->row.authored_us,
        };
    }
    cache_heed(s, cache_push(s->cache, s->entries, n));
}

/* Alerts go out with the report: whoever died before that does it again at the next attempt. */
static int
alerts_tell(struct submissions *s, struct service_report *report)
{
    int n = tell_gather(s->tell, &s->batch, s->store);

    if (n != STORE_OK)
        return STORE_RETRY;
    tell_followups(s->tell, &s->batch, &report->followups);
    cache_heed(s, tell_stream(s->tell, s->cache));
    return STORE_OK;
}

static int
submissions_batch(void *self, const struct service_batch *in, struct service_report *report)
{
    struct submissions *s = self;
    struct batch *b = &s->batch;

    batch_read(b, in);
    for (size_t i = 0; i < b->n; i++)
        open_job(b, &b->jobs[i], s->keys);
    int n = batch_process(s);
    if (n == STORE_RETRY)
        s->stale = true; /* perhaps a subject was erased meanwhile */
    previous_release(s->previous, s->store);
    if (n == STORE_SCHEMA)
        return n;
    cache_tell(s);
    if (alerts_tell(s, report) != STORE_OK)
        outcome_retry_alerting(b);
    audit_note_write(&s->chain, &report->note);
    outcome_write_entries(b, &report->entries);
    return n;
}

/* A load is noticed at once, also by a fleet that has nothing to do. What can't be read now is read
 * with the next batch. */
static void
loads_notice(struct submissions *s)
{
    if (store_is_open(s->store) && store_notifications(s->store) > 0)
        catalog_refresh(s);
}

static void
submissions_idle(void *self, int64_t now_us)
{
    struct submissions *s = self;

    loads_notice(s);
    if (s->held != NULL)
        held_step(s->held, s->store, now_us);
    cache_heed(s, cache_settle(s->cache));
    cache_maintain(s->cache, s->store, now_us);
}

static int64_t
submissions_deadline(void *self)
{
    struct submissions *s = self;
    int64_t held_us = s->held != NULL ? held_deadline(s->held, clock_mono_us()) : INT64_MAX;
    int64_t cache_us = cache_deadline(s->cache);

    return held_us < cache_us ? held_us : cache_us;
}

static int
submissions_wake_fd(void *self)
{
    const struct submissions *s = self;

    return s->wake;
}

const struct service submissions_service = {
    .name = "submissions",
    .start = submissions_start,
    .stop = submissions_stop,
    .ready = submissions_ready,
    .batch = submissions_batch,
    .idle = submissions_idle,
    .deadline = submissions_deadline,
    .wake_fd = submissions_wake_fd,
};
