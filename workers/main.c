/* sluice-worker: reads its configuration, connects to the brokers, runs one service until told to
 * drain. Several workers are several processes. */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/lifecycle.h"
#include "base/log.h"
#include "schemas/config.h"
#include "workers/runtime/hands.h"
#include "workers/runtime/loop.h"
#include "workers/runtime/service.h"

#define NAME_SIZE 96

static const struct {
    const struct service *service;
    const char *role;
    bool read_only;
} services[] = {
#define SERVICE(name, text, role, read_only) {&name##_service, role, read_only},
#include "workers/services.def"
#undef SERVICE
};

static int
fail(int code, const char *why)
{
    log_event(EVENT_FATAL, LOG_S("why", why));
    log_event(EVENT_STOPPED, LOG_I("code", code));
    return code;
}

static size_t
service_find(const char *name)
{
    size_t i = 0;

    while (i < ARRAY_LEN(services) && strcmp(services[i].service->name, name) != 0)
        i++;
    return i;
}

static int
run(const struct config *config, size_t which, const char *name)
{
    const struct service *service = services[which].service;
    struct seal_keys *keys = NULL;
    struct hands *hands = NULL;
    char *why = NULL;

    if (seal_keys_load(config_str(config, "worker", "seal_key_file"), &keys, &why) != 0) {
        int code = fail(EXIT_CONFIG, why);
        free(why);
        return code;
    }
    struct store *store = store_new(&(struct store_options){
        .conninfo = config_str(config, "worker", "postgres"),
        .program = "sluice-worker",
        .role = services[which].role,
        .statement_timeout_us = config_us(config, "worker", "statement_timeout"),
        .read_only = services[which].read_only,
        .by_index = true,
    });
    void *self =
        service->start(&(struct service_env){.config = config, .seal_keys = keys, .store = store});
    int code = EXIT_CONFIG;
    if (self != NULL) {
        int n = hands_new(
            &(struct hands_options){
                .endpoints = config_str(config, "worker", "broker_endpoints"),
                .name = name,
                .service = service->name,
                .batch_messages = (uint32_t)config_int(config, "worker", "batch_messages"),
                .batch_bytes = (uint64_t)config_int(config, "worker", "batch_bytes"),
                .batch_timeout_us = config_us(config, "worker", "batch_timeout"),
                .wake_fd = service->wake_fd != NULL ? service->wake_fd(self) : -1,
            },
            &hands);
        if (n != 0) {
            code = fail(EXIT_CONFIG, n == -EINVAL ? "broker_endpoints" : strerror(-n));
        } else {
            log_event(EVENT_STARTED, LOG_S("service", service->name), LOG_S("name", name));
            lifecycle_notify_ready(service->name);
            code = loop_run(hands, store, service, self);
            lifecycle_notify_stopping();
            hands_free(hands);
            log_event(EVENT_STOPPED, LOG_I("code", code));
        }
        service->stop(self);
    }
    store_free(store);
    seal_keys_free(keys);
    return code;
}

int
main(int argc, char **argv)
{
    static const char *const options[] = {"service", "name", NULL};
    const char *values[] = {"submissions", NULL};
    char name[NAME_SIZE], host[64] = "";
    struct config *config = program_start(
        &(struct program){
            .name = "sluice-worker",
            .section = "worker",
            .summary = "Takes batches of one service from the brokers, does them, reports them.",
            .usage_extra = "  --service NAME   submissions (default), queries or notifications\n"
                           "  --name NAME      unique among a broker's workers (default: "
                           "SERVICE-HOST-PID)",
            .keys = sluice_config_keys,
            .n_keys = sluice_config_keys_count,
            .extra_options = options,
            .extra_values = values,
        },
        argc, argv, NULL, NULL);
    size_t which = service_find(values[0]);

    if (which == ARRAY_LEN(services)) {
        fprintf(stderr, "sluice-worker: no service '%s'\n", values[0]);
        return EXIT_USAGE;
    }
    gethostname(host, sizeof(host) - 1);
    snprintf(name, sizeof(name), "%s-%s-%ld", values[0], host, (long)getpid());
    if (sodium_init() < 0 || lifecycle_init() != 0)
        return fail(EXIT_UNAVAILABLE, "no signals or no randomness");
    int code = run(config, which, values[1] != NULL ? values[1] : name);
    config_free(config);
    return code;
}
