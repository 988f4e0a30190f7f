/* A round of counting: take marked subjects from Redis under its lock, count them in PostgreSQL by
 * one statement, put the counts back. */
#include "store/cache_counts.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "store/array.h"

#define COUNT_SHARE 200              /* counting takes at most this fraction of the time */
#define BUSY_US (200 * US_PER_MS)    /* so soon after a push there is better to do than to count */
#define BUSY_COUNT_US (5 * US_PER_S) /* then it is done so seldom only */
#define COUNT_PAUSE_US US_PER_S
#define COUNT_LOCK_MS "10000" /* a counter that died is waited for so long */
#define COUNT_PAUSE_MS "900"  /* between two counts of the whole fleet */
#define TOKEN_SIZE 33

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

/* sluice:subject:STUDY:SUBJECT → the two codes, which hold no colon. */
static bool
key_split(const char *key, size_t len, struct slice *ret_study, struct slice *ret_subject)
{
    size_t n = sizeof(CACHE_KEY_PREFIX) - 1;

    if (len <= n || memcmp(key, CACHE_KEY_PREFIX, n) != 0)
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
counts_set(struct redis *redis, const char *token, const redisReply *due, const int64_t *counts)
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
    if (redis_eval(redis, &count_script, (int)n, (int)(n * 2 + 1), argv, lengths, &reply) ==
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

void
cache_counts_take(struct cache_counts *k, struct redis *redis, struct store *s, int64_t pushed_us,
                  int64_t now_us)
{
    static int64_t counts[CACHE_COUNTS_MAX];
    char token[TOKEN_SIZE], most[8];
    redisReply *due = NULL;
    bool busy = now_us - pushed_us < BUSY_US;

    if (now_us < k->not_before_us || !store_is_open(s) ||
        (busy && now_us < k->counted_us + BUSY_COUNT_US))
        return;
    token_draw(token);
    int digits = snprintf(most, sizeof(most), "%d", CACHE_COUNTS_MAX);
    const char *argv[] = {token, most};
    const size_t lengths[] = {TOKEN_SIZE - 1, (size_t)digits};
    if (redis_eval(redis, &take_script, 0, 2, argv, lengths, &due) != REDIS_DONE)
        return;
    k->counted_us = now_us;
    if (due_is_sound(due)) {
        memset(counts, 0, sizeof(counts));
        if (counts_query(s, due, counts) == STORE_OK)
            counts_set(redis, token, due, counts);
        int64_t spent_us = clock_mono_us() - now_us;
        k->not_before_us = now_us + COUNT_PAUSE_US + spent_us * COUNT_SHARE;
    }
    freeReplyObject(due);
}
