/* The worker's hands: the connections to all brokers (libsluice) and the signals. The main thread
 * serves them itself while it waits for work and when it reports, so that a batch goes straight to
 * it; while it is away for longer (its stores block it) a helper thread stands in, so that
 * heartbeats, leases and a second SIGTERM go on. They know no service.
 *
 * Credit is given to a broker only while the main thread is ready (its stores serve), we do not
 * drain, and nothing waits already. The broker that gave the current batch may give one more ahead
 * if that batch was a full one (else nothing more waits there, and credit rides on the report);
 * others get credit only while the main thread is free. Leases of batches held are extended while
 * the current one is younger than batch_timeout; past that the process exits 75. */
#ifndef SLUICE_WORKERS_RUNTIME_HANDS_H
#define SLUICE_WORKERS_RUNTIME_HANDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "client/lib/sluice.h"
#include "workers/runtime/service.h"

#define HANDS_BROKERS_MAX 16
/* A broker takes segment_bytes / 16 of follow-ups in a report, at most 4 MiB. */
#define HANDS_FOLLOWUPS_MAX ((size_t)128 << 10) /* what a broker of the smallest segments takes */

struct hands; /* opaque */

struct hands_options {
    const char *endpoints; /* separated by spaces */
    const char *name;
    const char *service;
    uint32_t batch_messages;
    uint64_t batch_bytes;
    int64_t batch_timeout_us;
    int wake_fd; /* readable: hands_take returns HANDS_TIMEOUT; negative: none */
};

/* A batch the main thread has taken. */
struct hold {
    struct service_batch batch;
    struct sluice_batch *memory;
    unsigned link;
    bool is_full; /* the broker had more, as far as we know */
    uint64_t lease, generation;
    int64_t taken_us;
};

enum hands_event { HANDS_BATCH, HANDS_TIMEOUT, HANDS_DRAIN };

/* lifecycle_init comes before. Negative errno: endpoints are wrong or no thread can be made. */
int hands_new(const struct hands_options *options, struct hands **ret_hands);
/* Ends the helper: batches not taken go back, BYE is sent. */
void hands_free(struct hands *h);

/* The main thread can (or can't) take work. Not ready: credit is withdrawn, what waits goes back.
 */
void hands_ready(struct hands *h, bool ready);
/* Waits for a batch. HANDS_DRAIN: none will come any more. */
enum hands_event hands_take(struct hands *h, int64_t deadline_us, struct hold *ret_hold);
/* Waits for the wish to drain only; true if it has come. */
bool hands_drain_wait(struct hands *h, int64_t deadline_us);
/* A report as a service wants it: empty, with the ceilings it is to be held to. */
void hands_report_init(struct service_report *report);
void hands_report_deinit(struct service_report *report);
/* Ends a hold. The report stays the caller's. */
void hands_report(struct hands *h, struct hold *hold, const struct service_report *report);
void hands_return(struct hands *h, struct hold *hold);
#endif
