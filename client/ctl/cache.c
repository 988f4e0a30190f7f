/* cache rebuild: Redis made whole from PostgreSQL. Safe while workers run: only absolute values go
 * there, and only newer ones. */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "client/ctl/database.h"
#include "client/ctl/redis_password.h"
#include "client/ctl/verbs.h"
#include "store/cache.h"

static int
rebuild(struct ctl *ctl, struct cache *c)
{
    uint64_t subjects = 0;
    struct store *s;

    int code = database_open(ctl, true, &s);
    if (code != EXIT_DONE)
        return code;
    if (cache_rebuild(c, s, 0, &subjects) != CACHE_DONE) {
        ctl_complain("Redis %s: %s", config_str(ctl->config, "ctl", "redis"), cache_why(c));
        code = EXIT_UNAVAILABLE;
    } else {
        ctl_done(ctl, "wrote %" PRIu64 " subject%s to Redis", subjects, subjects == 1 ? "" : "s");
    }
    store_free(s);
    return code;
}

int
cache_rebuild_verb(struct ctl *ctl)
{
    struct secret password = {0};
    const char *target = config_str(ctl->config, "ctl", "redis");
    int code;

    if (*target == '\0') {
        ctl_complain("ctl/redis is empty: there is no Redis");
        return EXIT_CONFIG;
    }
    if (ctl_confirm(ctl, &code, "write every subject's state to Redis %s", target) == CONFIRM_NO)
        return code;
    code = redis_password_read(ctl, &password);
    if (code != EXIT_DONE)
        return code;
    const struct redis_options options = {
        .target = target, .password = (const char *)password.data, .timeout_us = 5 * US_PER_S};
    struct cache *c = cache_new(&options);
    if (c == NULL) {
        ctl_complain("ctl/redis: '%s' is neither unix:PATH nor tcp:HOST:PORT", target);
        code = EXIT_CONFIG;
    } else {
        code = rebuild(ctl, c);
        cache_free(c);
    }
    secret_free(&password);
    return code;
}
