/* What a service is to the runtime: a few functions around its own state, called on the main thread
 * only, one batch at a time. */
#ifndef SLUICE_WORKERS_RUNTIME_SERVICE_H
#define SLUICE_WORKERS_RUNTIME_SERVICE_H

#include <stdint.h>

#include "base/buf.h"
#include "base/config.h"
#include "base/uuid.h"
#include "schemas/wire/seal.h"
#include "store/connection.h"

/* What every service is given at its start; lives as long as the process. */
struct service_env {
    const struct config *config;
    const struct seal_keys *seal_keys;
    struct store *store;
};

/* A batch as the broker delivered it: packed records, all of one broker. */
struct service_batch {
    const uint8_t *data;
    size_t size;
    struct uuid broker;
};

struct service {
    const char *name;
    /* NULL with a logged reason: the process exits 78. */
    void *(*start)(const struct service_env *env);
    void (*stop)(void *self);
    /* The store was just connected: read what is needed. STORE_ outcomes. */
    int (*ready)(void *self);
    /* Does the batch and appends one REPORT entry for each record, with outcome RETRY where it is
     * not decided. STORE_OK: go on. STORE_RETRY: the store needs a rest. STORE_SCHEMA: entries are
     * worthless, the batch goes back and the process exits 78. */
    int (*batch)(void *self, const struct service_batch *batch, struct buf *entries);
    /* Whenever there is no batch, or between two, at the latest at the deadline. May be NULL. */
    void (*idle)(void *self, int64_t now_us);
    int64_t (*deadline)(void *self);
};

#define SERVICE(name, text, role, read_only) extern const struct service name##_service;
#include "workers/services.def"
#undef SERVICE

#endif
