/* Two jobs on Redis: push what was just stored, catch up what was missed. The third, counting, is
 * cache_counts.h. */
#include "store/cache.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "store/cache_counts.h"

#define FIELDS 4 /* ARGV per subject in push_script */
#define KEY_SIZE 160
#define MAINTAIN_US US_PER_S
#define STALE_LOCK "7315002"
#define REBUILD_TIMEOUT_US (600 * US_PER_S)
/* Clocks of worker and server, and transactions still under way when the mark was made. */
#define SINCE_MARGIN_US (60 * US_PER_S)

/* Redis' Lua compares strings bytewise: our times and ids are of one width, so they sort as such.
 */
static struct redis_script push_script = {
    "local call = redis.call\n"
    "for i, key in ipairs(KEYS) do\n"
    "  local a = i * 4\n"
    "  local at, id = ARGV[a - 3], ARGV[a - 2]\n"
    "  local had = call('HGET', key, 'last_authored_at')\n"
    "  if not had or had < at or had == at and call('HGET', key, 'last_submission') < id then\n"
    "    call('HSET', key, 'last_authored_at', at, 'last_submission', id,\n"
    "      'last_questionnaire', ARGV[a - 1], 'last_version', ARGV[a], 'state', 'stored')\n"
    "  end\n"
    "end\n"
    "call('SADD', 'sluice:counts:changed', unpack(KEYS))\n"
    "return 0",
    ""};

static const struct store_statement stale_mark = {
    "cache_stale_mark",
    "INSERT INTO sluice.cache_stale (since) VALUES ($1::timestamptz) ON CONFLICT (one) DO UPDATE"
    " SET since = least(cache_stale.since, excluded.since), marks = cache_stale.marks + 1"};
static const struct store_statement stale_read = {"cache_stale_read",
                                                  "SELECT since, marks FROM sluice.cache_stale"
                                                  " WHERE pg_try_advisory_lock(" STALE_LOCK ")"};
static const struct store_statement stale_any = {"cache_stale_any",
                                                 "SELECT 1 FROM sluice.cache_stale"};
static const struct store_statement stale_clear = {
    "cache_stale_clear", "DELETE FROM sluice.cache_stale WHERE marks = $1::int8"};

static const struct store_statement stored_since = {
    "cache_stored_since",
    "SELECT DISTINCT ON (study, subject_id) study, subject_id, submission_id, questionnaire,"
    " version, authored_at FROM sluice.submissions WHERE stored_at >= $1::timestamptz"
    " ORDER BY study, subject_id, authored_at DESC, submission_id DESC"};

struct cache {
    struct redis *redis; /* NULL: there is none */
    int64_t skipped_us;  /* wall clock of the first skip not yet recorded; 0: none */
    int64_t next_us;     /* next maintenance, monotonic */
    struct cache_counts counts;
    int64_t pushed_us;
    bool stale_looked; /* since Redis came up: was cache_stale asked? */
    int64_t stale_next_us;
    const char *argv[CACHE_PUSH_MAX * (FIELDS + 1)];
    size_t lengths[CACHE_PUSH_MAX * (FIELDS + 1)];
    struct {
        char key[KEY_SIZE], id[UUID_TEXT_SIZE], authored[CLOCK_TEXT_SIZE];
    } texts[CACHE_PUSH_MAX];
};

struct cache *
cache_new(const struct redis_options *options)
{
    struct cache *c = mem_new(1, sizeof(*c));

    if (options == NULL || options->target == NULL || *options->target == '\0')
        return c;
    c->redis = redis_new(options);
    if (c->redis == NULL) {
        free(c);
        return NULL;
    }
    return c;
}

void
cache_free(struct cache *c)
{
    if (c == NULL)
        return;
    redis_free(c->redis);
    free(c);
}

const char *
cache_why(const struct cache *c)
{
    return c->redis != NULL ? redis_why(c->redis) : "";
}

static void
arg_set(struct cache *c, size_t at, const char *text, size_t len)
{
    c->argv[at] = text;
    c->lengths[at] = len;
}

/* By hand: snprintf was a tenth of the worker's time. */
static size_t
key_write(char *key, const struct cache_entry *e)
{
    size_t n = sizeof(CACHE_KEY_PREFIX) - 1;

    sluice_assert(n + e->study.len + 1 + e->subject.len < KEY_SIZE);
    memcpy(key, CACHE_KEY_PREFIX, n);
    memcpy(key + n, e->study.at, e->study.len);
    n += e->study.len;
    key[n++] = ':';
    memcpy(key + n, e->subject.at, e->subject.len);
    return n + e->subject.len;
}

static void
entry_fill(struct cache *c, size_t i, size_t n, const struct cache_entry *e)
{
    size_t a = n + i * FIELDS;
    char *key = c->texts[i].key;

    uuid_format(&e->id, c->texts[i].id);
    clock_format(e->authored_us, c->texts[i].authored);
    arg_set(c, i, key, key_write(key, e));
    arg_set(c, a, c->texts[i].authored, CLOCK_TEXT_SIZE - 1);
    arg_set(c, a + 1, c->texts[i].id, UUID_TEXT_SIZE - 1);
    arg_set(c, a + 2, e->questionnaire.at, e->questionnaire.len);
    arg_set(c, a + 3, e->version.at, e->version.len);
}

/* Sends; the reply is for redis_eval_end. */
static int
entries_send(struct cache *c, const struct cache_entry *entries, size_t n)
{
    for (size_t i = 0; i < n; i++)
        entry_fill(c, i, n, &entries[i]);
    return redis_eval_begin(c->redis, &push_script, (int)n, (int)(n * (FIELDS + 1)), c->argv,
                            c->lengths) == REDIS_DONE
               ? CACHE_DONE
               : CACHE_SKIPPED;
}

static int
entries_push(struct cache *c, const struct cache_entry *entries, size_t n)
{
    int outcome = entries_send(c, entries, n);

    if (outcome == CACHE_DONE && redis_eval_end(c->redis) != REDIS_DONE)
        outcome = CACHE_SKIPPED;
    return outcome;
}

static void
skipped_note(struct cache *c)
{
    if (c->skipped_us != 0)
        return;
    c->skipped_us = clock_wall_us();
    c->next_us = 0; /* record it soon */
}

int
cache_push(struct cache *c, const struct cache_entry *entries, size_t n)
{
    int outcome = CACHE_DONE;

    if (c->redis == NULL || n == 0)
        return CACHE_IDLE;
    cache_settle(c);
    if (redis_up(c->redis, clock_mono_us()) != REDIS_DONE)
        outcome = CACHE_SKIPPED;
    for (; n > CACHE_PUSH_MAX && outcome == CACHE_DONE; n -= CACHE_PUSH_MAX) {
        outcome = entries_push(c, entries, CACHE_PUSH_MAX);
        entries += CACHE_PUSH_MAX;
    }
    if (outcome == CACHE_DONE)
        outcome = entries_send(c, entries, n);
    c->pushed_us = clock_mono_us();
    if (outcome == CACHE_DONE)
        return CACHE_IDLE;
    skipped_note(c);
    return CACHE_SKIPPED;
}

int
cache_settle(struct cache *c)
{
    if (c->redis == NULL || !redis_eval_under_way(c->redis))
        return CACHE_IDLE;
    if (redis_eval_end(c->redis) == REDIS_DONE)
        return CACHE_DONE;
    skipped_note(c);
    return CACHE_SKIPPED;
}

int
cache_alerts_push(struct cache *c, const struct stream_alert *alerts, size_t n)
{
    int outcome = REDIS_DONE;

    if (c->redis == NULL || n == 0)
        return CACHE_IDLE;
    cache_settle(c);
    if (redis_up(c->redis, clock_mono_us()) != REDIS_DONE)
        return CACHE_SKIPPED;
    for (size_t at = 0; at < n && outcome == REDIS_DONE; at += ALERT_STREAM_PUSH_MAX)
        outcome = alert_stream_push(
            c->redis, alerts + at, n - at < ALERT_STREAM_PUSH_MAX ? n - at : ALERT_STREAM_PUSH_MAX);
    return outcome == REDIS_DONE ? CACHE_DONE : CACHE_SKIPPED;
}

struct rebuild {
    struct cache *cache;
    struct cache_entry entries[CACHE_PUSH_MAX];
    char codes[CACHE_PUSH_MAX][4][256]; /* study, subject, questionnaire, version */
    size_t n;
    uint64_t pushed;
    int outcome;
};

static void
rebuild_flush(struct rebuild *b)
{
    if (b->n > 0 && b->outcome == CACHE_DONE)
        b->outcome = entries_push(b->cache, b->entries, b->n);
    if (b->outcome == CACHE_DONE)
        b->pushed += b->n;
    b->n = 0;
}

static struct slice
code_keep(char text[256], const PGresult *row, int column)
{
    snprintf(text, 256, "%s", PQgetvalue(row, 0, column));
    return (struct slice){text, strlen(text)};
}

static int
rebuild_take(void *arg, const PGresult *row)
{
    struct rebuild *b = arg;
    struct cache_entry *e = &b->entries[b->n];

    e->study = code_keep(b->codes[b->n][0], row, 0);
    e->subject = code_keep(b->codes[b->n][1], row, 1);
    e->id = store_get_uuid(row, 0, 2);
    e->questionnaire = code_keep(b->codes[b->n][2], row, 3);
    e->version = code_keep(b->codes[b->n][3], row, 4);
    e->authored_us = store_get_time(row, 0, 5);
    if (++b->n == CACHE_PUSH_MAX)
        rebuild_flush(b);
    return b->outcome != CACHE_DONE;
}

int
cache_rebuild(struct cache *c, struct store *s, int64_t since_us, uint64_t *ret_subjects)
{
    struct store_params p = {0};

    if (c->redis == NULL || redis_up(c->redis, clock_mono_us()) != REDIS_DONE)
        return CACHE_SKIPPED;
    struct rebuild *b = mem_new(1, sizeof(*b));
    b->cache = c;
    store_param_time(&p, since_us);
    int n = store_run_long(s, &stored_since, &p, REBUILD_TIMEOUT_US, rebuild_take, b);
    rebuild_flush(b);
    int outcome = n == STORE_OK ? b->outcome : CACHE_SKIPPED;
    if (ret_subjects != NULL)
        *ret_subjects = b->pushed;
    free(b);
    return outcome;
}

static bool
stale_exists(struct store *s)
{
    PGresult *r = NULL;
    bool exists = store_run(s, &stale_any, NULL, &r) == STORE_OK && PQntuples(r) > 0;

    PQclear(r);
    return exists;
}

/* The lock is the session's: it ends with the connection if we die in here. */
static void
catch_up(struct cache *c, struct store *s)
{
    struct store_params p = {0};
    PGresult *r = NULL;

    if (!stale_exists(s) || store_run(s, &stale_read, NULL, &r) != STORE_OK)
        return;
    if (PQntuples(r) > 0) {
        int64_t since_us = store_get_time(r, 0, 0), marks = store_get_bigint(r, 0, 1);
        /* Only what was read is cleared: a mark made meanwhile stays. */
        store_param_bigint(&p, marks);
        if (cache_rebuild(c, s, since_us - SINCE_MARGIN_US, NULL) == CACHE_DONE)
            store_run(s, &stale_clear, &p, NULL);
    }
    PQclear(r);
    if (store_is_open(s))
        store_run_script(s, "SELECT pg_advisory_unlock_all()", STORE_CONNECT_TIMEOUT_US, NULL);
}

static void
skipped_record(struct cache *c, struct store *s)
{
    struct store_params p = {0};

    if (c->skipped_us == 0)
        return;
    store_param_time(&p, c->skipped_us);
    if (store_run(s, &stale_mark, &p, NULL) == STORE_OK)
        c->skipped_us = 0;
}

void
cache_maintain(struct cache *c, struct store *s, int64_t now_us)
{
    enum { STALE_LOOK_US = 5000000 };

    if (now_us < c->next_us)
        return;
    c->next_us = now_us + MAINTAIN_US;
    cache_settle(c);
    if (c->redis == NULL || !store_is_open(s))
        return;
    skipped_record(c, s);
    if (redis_up(c->redis, now_us) != REDIS_DONE) {
        c->stale_looked = false;
        return;
    }
    /* Another worker may have skipped while our Redis was fine: look now and then. */
    if (!c->stale_looked || now_us >= c->stale_next_us) {
        c->stale_looked = true;
        c->stale_next_us = now_us + STALE_LOOK_US;
        catch_up(c, s);
    }
    cache_counts_take(&c->counts, c->redis, s, c->pushed_us, now_us);
}

int64_t
cache_deadline(const struct cache *c)
{
    return c->redis != NULL ? c->next_us : INT64_MAX;
}
