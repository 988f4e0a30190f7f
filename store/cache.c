/* The three jobs on Redis: push what was just stored, count what is due, catch up what was missed.
 */
#include "store/cache.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "store/array.h"

#define FIELDS 5 /* ARGV per subject in push_script */
#define SHARED 1 /* before them: the state */
#define KEY_SIZE 160
#define ORDER_SIZE 60
#define YEAR_ONE_US ((int64_t)62135596800 * 1000000) /* makes every time a positive number */
#define MAINTAIN_US US_PER_S
#define COUNT_SHARE 200              /* counting takes at most this fraction of the time */
#define BUSY_US (200 * US_PER_MS)    /* so soon after a push there is better to do than to count */
#define BUSY_COUNT_US (5 * US_PER_S) /* then it is done so seldom only */
#define STALE_LOCK "7315002"
#define REBUILD_TIMEOUT_US (600 * US_PER_S)
/* Clocks of worker and server, and transactions still under way when the mark was made. */
#define SINCE_MARGIN_US (60 * US_PER_S)

/* Redis' Lua compares strings bytewise, so "order" is made to sort as time and id do. */
static struct redis_script push_script = {
    "local n = redis.call('INCR', 'sluice:counts:clock')\n"
    "local due = {}\n"
    "local state = ARGV[1]\n"
    "for i, key in ipairs(KEYS) do\n"
    "  local a = i * 5 - 4\n"
    "  local have = redis.call('HGET', key, 'order')\n"
    "  if not have or have < ARGV[a + 1] then\n"
    "    redis.call('HSET', key, 'order', ARGV[a + 1], 'last_submission', ARGV[a + 2],\n"
    "      'last_questionnaire', ARGV[a + 3], 'last_version', ARGV[a + 4],\n"
    "      'last_authored_at', ARGV[a + 5], 'state', state)\n"
    "  end\n"
    "  due[i * 2 - 1] = n\n"
    "  due[i * 2] = key\n"
    "end\n"
    "redis.call('ZADD', 'sluice:counts:due', unpack(due))\n"
    "return #KEYS",
    ""};

static struct redis_script count_script = {
    "for i, key in ipairs(KEYS) do\n"
    "  local a = (i - 1) * 2\n"
    "  local have = tonumber(redis.call('HGET', key, 'submissions') or '-1')\n"
    "  if tonumber(ARGV[a + 1]) > have then\n"
    "    redis.call('HSET', key, 'submissions', ARGV[a + 1])\n"
    "  end\n"
    "  if redis.call('ZSCORE', 'sluice:counts:due', key) == ARGV[a + 2] then\n"
    "    redis.call('ZREM', 'sluice:counts:due', key)\n"
    "  end\n"
    "end\n"
    "return #KEYS",
    ""};

static const struct store_statement count_subjects = {
    "cache_count",
    "SELECT u.at, (SELECT count(*) FROM sluice.submissions s WHERE s.study = u.study"
    " AND s.subject_id = u.subject_id) FROM unnest($1::text[], $2::text[]) WITH ORDINALITY"
    " AS u(study, subject_id, at)"};

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
    int64_t count_not_before_us, counted_us, pushed_us;
    bool stale_looked; /* since Redis came up: was cache_stale asked? */
    int64_t stale_next_us;
    const char *argv[CACHE_PUSH_MAX * (FIELDS + 1) + SHARED];
    size_t lengths[CACHE_PUSH_MAX * (FIELDS + 1) + SHARED];
    struct {
        char key[KEY_SIZE], order[ORDER_SIZE], id[UUID_TEXT_SIZE];
        char authored[CLOCK_TEXT_SIZE];
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

static const char key_prefix[] = "sluice:subject:";

/* By hand: snprintf was a tenth of the worker's time. */
static size_t
key_write(char *key, const struct cache_entry *e)
{
    size_t n = sizeof(key_prefix) - 1;

    sluice_assert(n + e->study.len + 1 + e->subject.len < KEY_SIZE);
    memcpy(key, key_prefix, n);
    memcpy(key + n, e->study.at, e->study.len);
    n += e->study.len;
    key[n++] = ':';
    memcpy(key + n, e->subject.at, e->subject.len);
    return n + e->subject.len;
}

static size_t
order_write(char *order, int64_t authored_us, const char *id)
{
    enum { DIGITS = 20 };
    uint64_t v = (uint64_t)(authored_us + YEAR_ONE_US);

    for (int i = DIGITS - 1; i >= 0; i--, v /= 10)
        order[i] = (char)('0' + v % 10);
    order[DIGITS] = ':';
    memcpy(order + DIGITS + 1, id, UUID_TEXT_SIZE);
    return DIGITS + UUID_TEXT_SIZE;
}

static void
entry_fill(struct cache *c, size_t i, size_t n, const struct cache_entry *e)
{
    size_t a = n + SHARED + i * FIELDS;
    char *key = c->texts[i].key, *order = c->texts[i].order;

    uuid_format(&e->id, c->texts[i].id);
    size_t key_len = key_write(key, e);
    size_t order_len = order_write(order, e->authored_us, c->texts[i].id);
    clock_format(e->authored_us, c->texts[i].authored);
    arg_set(c, i, key, key_len);
    arg_set(c, a, order, order_len);
    arg_set(c, a + 1, c->texts[i].id, UUID_TEXT_SIZE - 1);
    arg_set(c, a + 2, e->questionnaire.at, e->questionnaire.len);
    arg_set(c, a + 3, e->version.at, e->version.len);
    arg_set(c, a + 4, c->texts[i].authored, CLOCK_TEXT_SIZE - 1);
}

static int
entries_push(struct cache *c, const struct cache_entry *entries, size_t n)
{
    redisReply *reply = NULL;

    arg_set(c, n, "stored", 6);
    for (size_t i = 0; i < n; i++)
        entry_fill(c, i, n, &entries[i]);
    int outcome = redis_eval(c->redis, &push_script, (int)n, (int)(n * (FIELDS + 1)) + SHARED,
                             c->argv, c->lengths, &reply);
    if (outcome == REDIS_DONE)
        freeReplyObject(reply);
    return outcome == REDIS_DONE ? CACHE_DONE : CACHE_SKIPPED;
}

int
cache_push(struct cache *c, const struct cache_entry *entries, size_t n)
{
    int outcome = CACHE_DONE;

    if (c->redis == NULL || n == 0)
        return CACHE_IDLE;
    if (redis_up(c->redis, clock_mono_us()) != REDIS_DONE)
        outcome = CACHE_SKIPPED;
    for (size_t at = 0; at < n && outcome == CACHE_DONE; at += CACHE_PUSH_MAX)
        outcome = entries_push(c, entries + at, n - at < CACHE_PUSH_MAX ? n - at : CACHE_PUSH_MAX);
    c->pushed_us = clock_mono_us();
    if (outcome == CACHE_SKIPPED && c->skipped_us == 0) {
        c->skipped_us = clock_wall_us();
        c->next_us = 0; /* record it soon */
    }
    return outcome;
}

/* ---- counts ---- */

/* sluice:subject:STUDY:SUBJECT → the two codes, which hold no colon. */
static bool
key_split(const char *key, size_t len, struct slice *ret_study, struct slice *ret_subject)
{
    size_t n = sizeof(key_prefix) - 1;

    if (len <= n || memcmp(key, key_prefix, n) != 0)
        return false;
    const char *colon = memchr(key + n, ':', len - n);
    if (colon == NULL)
        return false;
    *ret_study = (struct slice){key + n, (size_t)(colon - key) - n};
    *ret_subject = (struct slice){colon + 1, len - (size_t)(colon - key) - 1};
    return true;
}

/* due: key, score, key, score … */
static int
counts_query(struct store *s, const redisReply *due, int64_t *ret_counts)
{
    struct array studies, subjects;
    struct store_params p = {0};
    PGresult *r = NULL;
    int outcome = STORE_OK;

    array_init(&studies, 1 << 20);
    array_init(&subjects, 1 << 20);
    array_begin(&studies, OID_TEXT);
    array_begin(&subjects, OID_TEXT);
    for (size_t i = 0; i + 1 < due->elements && outcome == STORE_OK; i += 2) {
        struct slice study = {"", 0}, subject = {"", 0}; /* a foreign key counts as 0 */
        key_split(due->element[i]->str, (size_t)due->element[i]->len, &study, &subject);
        if (array_add(&studies, study.at, study.len) != BUF_OK ||
            array_add(&subjects, subject.at, subject.len) != BUF_OK)
            outcome = STORE_RETRY;
    }
    array_end(&studies);
    array_end(&subjects);
    store_param_bytes(&p, studies.bytes.data, studies.bytes.size);
    store_param_bytes(&p, subjects.bytes.data, subjects.bytes.size);
    if (outcome == STORE_OK)
        outcome = store_run(s, &count_subjects, &p, &r);
    for (int i = 0; outcome == STORE_OK && i < PQntuples(r); i++)
        ret_counts[store_get_bigint(r, i, 0) - 1] = store_get_bigint(r, i, 1);
    PQclear(r);
    array_deinit(&studies);
    array_deinit(&subjects);
    return outcome;
}

static int
counts_set(struct cache *c, const redisReply *due, const int64_t *counts)
{
    static const char *argv[CACHE_COUNTS_MAX * 3];
    static size_t lengths[CACHE_COUNTS_MAX * 3];
    static char texts[CACHE_COUNTS_MAX][24];
    size_t n = due->elements / 2;
    redisReply *reply = NULL;

    for (size_t i = 0; i < n; i++) {
        const redisReply *key = due->element[2 * i], *score = due->element[2 * i + 1];
        argv[i] = key->str;
        lengths[i] = (size_t)key->len;
        argv[n + 2 * i] = texts[i];
        lengths[n + 2 * i] =
            (size_t)snprintf(texts[i], sizeof(texts[i]), "%lld", (long long)counts[i]);
        argv[n + 2 * i + 1] = score->str;
        lengths[n + 2 * i + 1] = (size_t)score->len;
    }
    int outcome = redis_eval(c->redis, &count_script, (int)n, (int)(n * 3), argv, lengths, &reply);
    if (outcome == REDIS_DONE)
        freeReplyObject(reply);
    return outcome;
}

static bool
due_is_sound(const redisReply *due)
{
    if (due->type != REDIS_REPLY_ARRAY || due->elements == 0 || due->elements % 2 != 0 ||
        due->elements > 2 * CACHE_COUNTS_MAX)
        return false;
    for (size_t i = 0; i < due->elements; i++) {
        if (due->element[i]->type != REDIS_REPLY_STRING)
            return false;
    }
    return true;
}

static void
counts_take(struct cache *c, struct store *s, int64_t now_us)
{
    /* One worker at a time, while the lock lasts. */
    static const char *lock[] = {"SET", "sluice:counts:lock", "1", "NX", "PX", "900"};
    static const char *range[] = {"ZRANGE", "sluice:counts:due", "0", "999", "WITHSCORES"};
    static int64_t counts[CACHE_COUNTS_MAX];
    redisReply *due = NULL, *locked = NULL;
    bool busy = now_us - c->pushed_us < BUSY_US;

    if (now_us < c->count_not_before_us || !store_is_open(s) ||
        (busy && now_us < c->counted_us + BUSY_COUNT_US) ||
        redis_call(c->redis, 6, lock, NULL, &locked) != REDIS_DONE)
        return;
    bool mine = locked->type == REDIS_REPLY_STATUS;
    freeReplyObject(locked);
    if (!mine || redis_call(c->redis, 5, range, NULL, &due) != REDIS_DONE)
        return;
    c->counted_us = now_us;
    if (due_is_sound(due)) {
        memset(counts, 0, sizeof(counts));
        if (counts_query(s, due, counts) == STORE_OK)
            counts_set(c, due, counts);
        int64_t spent_us = clock_mono_us() - now_us;
        c->count_not_before_us = now_us + MAINTAIN_US + spent_us * COUNT_SHARE;
    }
    freeReplyObject(due);
}

/* ---- catching up ---- */

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
    counts_take(c, s, now_us);
}

int64_t
cache_deadline(const struct cache *c)
{
    return c->redis != NULL ? c->next_us : INT64_MAX;
}
