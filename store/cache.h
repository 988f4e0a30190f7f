/* What Redis holds of Sluice: a view of PostgreSQL, rebuildable, never the record (invariants 12).
 *
 *   sluice:subject:{study}:{subjectId}   hash: last_submission last_questionnaire last_version
 *                                        last_authored_at state submissions
 *   sluice:counts:changed                set: keys of subjects whose count is to be taken anew
 *   sluice:counts:taking                 set: those of the round under way
 *   sluice:counts:lock                   one worker counts at a time: its token
 *   sluice:alerts:{study}                stream: seq alert_id severity rule subject provisional
 *                                        raised_at; a feed, bounded, not complete after a loss
 *
 * Only absolute values, "last" only if newer by (authored_at, submission id). The count of a
 * subject is COUNT(*) taken later for many at once. A round begins by renaming "changed" to
 * "taking", so what is stored meanwhile is marked for the next one; a key leaves "taking" with its
 * count, and only by the hand that holds the lock: a crash or a race costs a second count, never a
 * wrong one.
 *
 * Redis down: storing goes on. The first update that is skipped leaves a row in cache_stale; who
 * finds Redis back takes an advisory lock and pushes what was stored since. */
#ifndef SLUICE_STORE_CACHE_H
#define SLUICE_STORE_CACHE_H

#include "store/alert_stream.h"
#include "store/connection.h"
#include "store/redis.h"
#include "store/submissions.h"

#define CACHE_PUSH_MAX 512 /* subjects a call */

struct cache_entry {
    struct slice study, subject, questionnaire, version;
    struct uuid id;
    int64_t authored_us;
};

enum cache_outcome { CACHE_DONE = 0, CACHE_SKIPPED = 1, CACHE_IDLE = 2 };

struct cache; /* opaque */

/* target as redis_options; NULL or "": every call is CACHE_IDLE. NULL returned: bad target. */
struct cache *cache_new(const struct redis_options *options);
void cache_free(struct cache *c);
const char *cache_why(const struct cache *c);

/* After a commit. Sends, and leaves the last answer to cache_settle, so that nobody's outcome waits
 * for it (CACHE_IDLE till then): what Redis was sent it does even if we die. Neither takes longer
 * than the Redis timeout. CACHE_SKIPPED is remembered. */
int cache_push(struct cache *c, const struct cache_entry *entries, size_t n);
int cache_settle(struct cache *c);
/* After a commit; waits for Redis' answer. CACHE_SKIPPED: they are in PostgreSQL, the stream lacks
 * them. */
int cache_alerts_push(struct cache *c, const struct stream_alert *alerts, size_t n);
/* When there is nothing better to do, or at most once a second: records what was skipped, catches
 * up, counts. Blocks for a few statements. */
void cache_maintain(struct cache *c, struct store *s, int64_t now_us);
/* When cache_maintain wants to be called next. */
int64_t cache_deadline(const struct cache *c);
/* Pushes every subject with submissions stored since; for catching up and "cache rebuild".
 * CACHE_DONE, CACHE_SKIPPED (Redis or PostgreSQL failed: why says). */
int cache_rebuild(struct cache *c, struct store *s, int64_t since_us, uint64_t *ret_subjects);

#endif
