/* The connections and who answers. */
#include "client/ctl/health_look.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "client/ctl/redis_password.h"
#include "store/redis.h"

struct look {
    struct admin **brokers;
    size_t n;
    bool silent[ADMIN_ENDPOINTS_MAX];
    struct store_options store_options;
    struct store *store;
    struct secret password;
    struct redis_options redis_options;
    struct redis *redis; /* NULL: there is none */
};

static int
redis_open(const struct ctl *ctl, struct look *l)
{
    const char *target = config_str(ctl->config, "ctl", "redis");

    if (*target == '\0')
        return EXIT_DONE;
    int code = redis_password_read(ctl, &l->password);
    if (code != EXIT_DONE)
        return code;
    l->redis_options.target = target;
    l->redis_options.password = (const char *)l->password.data;
    l->redis = redis_new(&l->redis_options);
    if (l->redis != NULL)
        return EXIT_DONE;
    ctl_complain("ctl/redis: '%s' is neither unix:PATH nor tcp:HOST:PORT", target);
    return EXIT_CONFIG;
}

int
look_open(const struct ctl *ctl, int64_t timeout_us, struct look **ret_look)
{
    struct look *l = mem_new(1, sizeof(*l));

    l->redis_options.timeout_us = timeout_us;
    l->store_options = (struct store_options){
        .conninfo = config_str(ctl->config, "ctl", "postgres"),
        .program = "sluicectl",
        .statement_timeout_us = timeout_us,
        .read_only = true,
    };
    l->brokers = admin_open_all(ctl, &l->n);
    int code = l->brokers == NULL ? EXIT_CONFIG : redis_open(ctl, l);
    if (code != EXIT_DONE) {
        look_close(l);
        return code;
    }
    for (size_t b = 0; b < l->n; b++)
        admin_deadline(l->brokers[b], timeout_us);
    l->store = store_new(&l->store_options);
    *ret_look = l;
    return EXIT_DONE;
}

void
look_close(struct look *l)
{
    if (l->brokers != NULL)
        admin_close_all(l->brokers, l->n);
    if (l->store != NULL)
        store_free(l->store);
    if (l->redis != NULL)
        redis_free(l->redis);
    secret_free(&l->password);
    free(l);
}

void
look_begin(struct look *l)
{
    memset(l->silent, 0, sizeof(l->silent));
}

json_t *
look_brokers(struct look *l, const char *verb)
{
    json_t *rows = json_array();

    for (size_t b = 0; b < l->n; b++) {
        size_t first = json_array_size(rows);
        l->silent[b] = l->silent[b] || admin_request(l->brokers[b], verb, NULL, rows, NULL) != 0;
        for (size_t i = first; i < json_array_size(rows); i++)
            json_object_set_new(json_array_get(rows, i), "endpoint",
                                json_string(admin_endpoint(l->brokers[b])));
    }
    return rows;
}

size_t
look_endpoints(const struct look *l)
{
    return l->n;
}

const char *
look_endpoint(const struct look *l, size_t i)
{
    return admin_endpoint(l->brokers[i]);
}

int
look_postgres(struct look *l, struct store **ret_store)
{
    *ret_store = l->store;
    return store_is_open(l->store) ? STORE_OK : store_connect(l->store);
}

enum look_redis
look_redis(struct look *l, const char **ret_why)
{
    static const char ping[] = "PING";
    const char *argv[] = {ping};
    const size_t lengths[] = {sizeof(ping) - 1};
    redisReply *reply = NULL;

    if (l->redis == NULL)
        return LOOK_REDIS_NONE;
    int r = redis_up(l->redis, clock_mono_us());
    if (r == REDIS_DONE)
        r = redis_call(l->redis, 1, argv, lengths, &reply);
    if (reply != NULL)
        freeReplyObject(reply);
    if (r == REDIS_DONE)
        return LOOK_REDIS_UP;
    *ret_why = redis_why(l->redis);
    return LOOK_REDIS_DOWN;
}
