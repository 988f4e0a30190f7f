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

#define SERVICE_ENTRIES_MAX ((size_t)64 << 20) /* bytes of entries of one batch */
#define SERVICE_NOTE_MAX ((size_t)4096)        /* the protocol's */

/* What a service hands back with a batch; comes empty. All three parts travel in one REPORT: the
 * broker journals done marks, note and follow-ups together or not at all, and drops all of a report
 * that is wholly stale. */
struct service_report {
    struct buf entries; /* packed REPORT entries (entry_write) */
    /* Packed records (record_write) of messages to come: kind RECORD_MESSAGE, a fresh id made from
     * what they follow (so that a second attempt's are the same), request id 0, flag
     * RECORD_NO_OUTCOME, body sealed for their own service, scope and id. BUF_FULL: what does not
     * fit is for the next attempt (RETRY). */
    struct buf followups;
    struct buf note; /* at most SERVICE_NOTE_MAX bytes, kept in the journal with the done marks */
};

struct service {
    const char *name;
    /* NULL with a logged reason: the process exits 78. */
    void *(*start)(const struct service_env *env);
    void (*stop)(void *self);
    /* The store was just connected: read what is needed. STORE_ outcomes. */
    int (*ready)(void *self);
    /* Does the batch and appends one REPORT entry for each record, with outcome RETRY where it is
     * not decided. STORE_OK: go on. STORE_RETRY: the store needs a rest. STORE_SCHEMA: the report
     * is worthless, the batch goes back and the process exits 78. */
    int (*batch)(void *self, const struct service_batch *batch, struct service_report *report);
    /* Whenever there is no batch, or between two, at the latest at the deadline (both NULL: never).
     */
    void (*idle)(void *self, int64_t now_us);
    int64_t (*deadline)(void *self);
    /* A descriptor that, readable, asks for idle at once (an epoll of the service's own sockets);
     * the same for the life of self, and idle must make it unreadable. NULL: none. */
    int (*wake_fd)(void *self);
};

#define SERVICE(name, text, role, read_only) extern const struct service name##_service;
#include "workers/services.def"
#undef SERVICE

#endif
