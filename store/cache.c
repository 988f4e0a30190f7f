/* The three jobs on Redis: push what was just stored, count what is due, catch up what was missed.
 */
#include "store/cache.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "store/array.h"

#define FIELDS 4 /* ARGV per subject in push_script */
#define KEY_SIZE 160
#define MAINTAIN_US US_PER_S
#define COUNT_SHARE 200              /* counting takes at most this fraction of the time */
#define BUSY_US (200 * US_PER_MS)    /* so soon after a push there is better to do than to count */
#define BUSY_COUNT_US (5 * US_PER_S) /* then it is done so seldom only */
#define COUNT_LOCK_MS "10000"        /* a counter that died is waited for so long */
#define COUNT_PAUSE_MS "900"         /* between two counts of the whole fleet */
#define TOKEN_SIZE 33
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

/* ARGV: our token, how many at most. Subjects to count, if no other worker is at it. */
static struct redis_script take_script = {
    "local call, lock, taking = redis.call, 'sluice:counts:lock', 'sluice:counts:taking'\n"
    "if not call('SET', lock, ARGV[1], 'NX', 'PX', " COUNT_LOCK_MS ") then return {} end\n"
    "if call('EXISTS', taking) == 0 and call('EXISTS', 'sluice:counts:changed') == 1 then\n"
    "  call('RENAME', 'sluice:counts:changed', taking)\n"
    "end\n"
    "if call('EXISTS', taking) == 0 then\n"
    "  call('PEXPIRE', lock, " COUNT_PAUSE_MS ")\n"
    "  return {}\n"
    "end\n"
    "return call('SRANDMEMBER', taking, ARGV[2])",
    ""};

/* ARGV: our token, then the count of each key. Without the lock nothing is done: who has it now may
 * have begun another round, whose marks are not ours to remove. */
static struct redis_script count_script = {
    "local call, lock = redis.call, 'sluice:counts:lock'\n"
    "if call('GET', lock) ~= ARGV[1] then return 0 end\n"
    "for i, key in ipairs(KEYS) do\n"
    "  local have = tonumber(call('HGET', key, 'submissions') or '-1')\n"
    "  if tonumber(ARGV[i + 1]) > have then\n"
    "    call('HSET', key, 'submissions', ARGV[i + 1])\n"
    "  end\n"
    "  call('SREM', 'sluice:counts:taking', key)\n"
    "end\n"
    "call('PEXPIRE', lock, " COUNT_PAUSE_MS ")\n"
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

/* due: keys */
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
    for (size_t i = 0; i < due->elements && outcome == STORE_OK; i++) {
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

static void
counts_set(struct cache *c, const char *token, const redisReply *due, const int64_t *counts)
{
    static const char *argv[CACHE_COUNTS_MAX * 2 + 1];
    static size_t lengths[CACHE_COUNTS_MAX * 2 + 1];
    static char texts[CACHE_COUNTS_MAX][24];
    size_t n = due->elements;
    redisReply *reply = NULL;

    argv[n] = token;
    lengths[n] = strlen(token);
    for (size_t i = 0; i < n; i++) {
        argv[i] = due->element[i]->str;
        lengths[i] = (size_t)due->element[i]->len;
        argv[n + 1 + i] = texts[i];
        lengths[n + 1 + i] =
            (size_t)snprintf(texts[i], sizeof(texts[i]), "%lld", (long long)counts[i]);
    }
    if (redis_eval(c->redis, &count_script, (int)n, (int)(n * 2 + 1), argv, lengths, &reply) ==
        REDIS_DONE)
        freeReplyObject(reply);
}

static bool
due_is_sound(const redisReply *due)
{
    if (due->type != REDIS_REPLY_ARRAY || due->elements == 0 || due->elements > CACHE_COUNTS_MAX)
        return false;
    for (size_t i = 0; i < due->elements; i++) {
        if (due->element[i]->type != REDIS_REPLY_STRING)
            return false;
    }
    return true;
}

static void
token_draw(char token[TOKEN_SIZE])
{
    uint8_t random[(TOKEN_SIZE - 1) / 2];

    randombytes_buf(random, sizeof(random));
    sodium_bin2hex(token, TOKEN_SIZE, random, sizeof(random));
}

static void
counts_take(struct cache *c, struct store *s, int64_t now_us)
{
    static int64_t counts[CACHE_COUNTS_MAX];
    char token[TOKEN_SIZE], most[8];
    redisReply *due = NULL;
    bool busy = now_us - c->pushed_us < BUSY_US;

    if (now_us < c->count_not_before_us || !store_is_open(s) ||
        (busy && now_us < c->counted_us + BUSY_COUNT_US))
        return;
    token_draw(token);
    int digits = snprintf(most, sizeof(most), "%d", CACHE_COUNTS_MAX);
    const char *argv[] = {token, most};
    const size_t lengths[] = {TOKEN_SIZE - 1, (size_t)digits};
    if (redis_eval(c->redis, &take_script, 0, 2, argv, lengths, &due) != REDIS_DONE)
        return;
    c->counted_us = now_us;
    if (due_is_sound(due)) {
        memset(counts, 0, sizeof(counts));
        if (counts_query(s, due, counts) == STORE_OK)
            counts_set(c, token, due, counts);
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
    counts_take(c, s, now_us);
}

int64_t
cache_deadline(const struct cache *c)
{
    return c->redis != NULL ? c->next_us : INT64_MAX;
}
