/* The broker as a whole: opens the journal, replays it into core, binds the sockets, and turns
 * until it is told to end. Logs its own events (net is an outer ring). */
#ifndef SLUICE_BROKER_REACTOR_REACTOR_H
#define SLUICE_BROKER_REACTOR_REACTOR_H

#include <stdint.h>

struct broker_options {
    const char *client_address, *worker_address, *admin_address;
    const char *journal_dir;
    uint32_t segment_bytes;
    uint64_t journal_max_bytes, journal_keep_bytes;
    int64_t journal_keep_us;
    uint32_t max_messages, max_record_bytes;
    int64_t lease_us, heartbeat_us;
    uint32_t max_kills;
};

/* Signals are blocked and read by lifecycle (lifecycle_init came before). Returns the exit code. */
int reactor_run(const struct broker_options *options);

#endif
