/* The checks of PostgreSQL and Redis, and of what PostgreSQL knows: alerts, canary, what is held.
 * Without PostgreSQL nobody knows these: they are unknown, and it is critical. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/error.h"
#include "client/ctl/format.h"
#include "client/ctl/health_inner.h"
#include "store/health.h"
#include "store/migrate.h"

static void
schema_check(struct health *h, struct store *s, int64_t version)
{
    int r = store_check_schema(s);

    health_add(h, HEALTH_SCHEMA, "", r == STORE_OK ? HEALTH_OK : HEALTH_CRITICAL, "%s",
               r == STORE_OK ? "fits" : store_why(s));
    if (version > 0)
        health_value(h, version, HEALTH_NO_LIMIT, HEALTH_NO_LIMIT);
}

static void
cache_check(struct health *h, int64_t stale_us)
{
    char age[FORMAT_SIZE];

    format_age(stale_us, age);
    if (stale_us == HEALTH_NONE)
        health_add(h, HEALTH_CACHE, "", HEALTH_OK, "Redis lacks nothing");
    else
        health_add(h, HEALTH_CACHE, "", HEALTH_WARNING, "Redis lacks what was stored for %s", age);
    health_value(h, stale_us == HEALTH_NONE ? 0 : stale_us, 0, HEALTH_NO_LIMIT);
}

static void
canary_check(struct health *h, int64_t limit_us, int64_t age_us)
{
    char age[FORMAT_SIZE];

    if (limit_us == 0)
        return;
    if (age_us == HEALTH_NONE) {
        health_add(h, HEALTH_CANARY, "", HEALTH_CRITICAL,
                   "none ever arrived (--canary-age 0: there is none)");
        return;
    }
    format_age(age_us, age);
    health_add(h, HEALTH_CANARY, "", age_us > limit_us ? HEALTH_CRITICAL : HEALTH_OK,
               "the last one arrived that was raised %s ago%s", age,
               age_us > limit_us ? ": alerts do not reach people" : "");
    health_value(h, age_us, HEALTH_NO_LIMIT, limit_us);
}

static void
held_check(struct health *h, uint64_t most, const struct store_health *found)
{
    char age[FORMAT_SIZE];

    format_age(found->held_oldest_us, age);
    if (found->held == 0)
        health_add(h, HEALTH_HELD, "", HEALTH_OK, "none");
    else
        health_add(h, HEALTH_HELD, "", (uint64_t)found->held > most ? HEALTH_WARNING : HEALTH_OK,
                   "%" PRId64 " wait, the oldest %s: see 'sluicectl rejections list --kind held'",
                   found->held, age);
    health_value(h, found->held, (int64_t)most, HEALTH_NO_LIMIT);
}

static void
urgent_check(struct health *h, int64_t limit_us, const struct store_alerts_open *found)
{
    char age[FORMAT_SIZE], limit[FORMAT_SIZE];

    format_age(found->urgent_oldest_us, age);
    format_age(limit_us, limit);
    if (found->urgent == 0)
        health_add(h, HEALTH_URGENT, "", HEALTH_OK, "none is open");
    else
        health_add(h, HEALTH_URGENT, "", found->urgent_late > 0 ? HEALTH_CRITICAL : HEALTH_OK,
                   "%" PRId64 " open, %" PRId64 " of them for more than %s, the oldest %s",
                   found->urgent, found->urgent_late, limit, age);
    health_value(h, found->urgent_late, HEALTH_NO_LIMIT, 0);
}

static void
redis_check(struct health *h, enum look_redis redis, const char *why)
{
    if (redis != LOOK_REDIS_NONE)
        health_add(h, HEALTH_REDIS, "", redis == LOOK_REDIS_UP ? HEALTH_OK : HEALTH_WARNING, "%s",
                   redis == LOOK_REDIS_UP ? "answers" : why);
}

/* What the database knows, once it answers. */
static void
known_check(struct health *h, const struct health_limits *limits, struct store *s, bool redis)
{
    static const enum health_check asked[] = {HEALTH_CACHE, HEALTH_CANARY, HEALTH_HELD,
                                              HEALTH_URGENT};
    struct store_alerts_open alerts = {0};
    struct store_health found = {0};

    int r = store_health(s, &found);
    if (r == STORE_OK)
        r = store_alerts_open(s, limits->urgent_us, &alerts);
    char *why = mem_strdup(store_why(s));
    schema_check(h, s, found.schema);
    if (r == STORE_OK) {
        if (redis)
            cache_check(h, found.cache_stale_us);
        canary_check(h, limits->canary_us, found.canary_us);
        held_check(h, limits->held, &found);
        urgent_check(h, limits->urgent_us, &alerts);
    } else {
        for (size_t i = 0; i < ARRAY_LEN(asked); i++)
            health_add(h, asked[i], "", HEALTH_UNKNOWN, "%s", why);
    }
    free(why);
}

void
health_stores(struct health *h, const struct health_limits *limits, struct look *l)
{
    const char *why = NULL;
    struct store *s;

    enum look_redis redis = look_redis(l, &why);
    int r = look_postgres(l, &s);
    if (r == STORE_OK)
        r = store_check_promise(s);
    health_add(h, HEALTH_POSTGRES, "", r == STORE_OK ? HEALTH_OK : HEALTH_CRITICAL, "%s",
               r == STORE_OK ? "answers and keeps its promises" : store_why(s));
    if (store_is_open(s)) {
        known_check(h, limits, s, redis != LOOK_REDIS_NONE);
    } else {
        static const enum health_check unasked[] = {HEALTH_SCHEMA, HEALTH_CACHE, HEALTH_CANARY,
                                                    HEALTH_HELD, HEALTH_URGENT};
        for (size_t i = 0; i < ARRAY_LEN(unasked); i++)
            health_add(h, unasked[i], "", HEALTH_UNKNOWN, "PostgreSQL could not be asked");
    }
    redis_check(h, redis, why);
}
