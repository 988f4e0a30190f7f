/* The core's parts together. Inner header: only files of this room include it. */
#ifndef SLUICE_BROKER_CORE_STATE_H
#define SLUICE_BROKER_CORE_STATE_H

#include "broker/core/client.h"
#include "broker/core/core.h"
#include "broker/core/effects.h"
#include "broker/core/index.h"
#include "broker/core/lease.h"
#include "broker/core/message.h"
#include "broker/core/queue.h"
#include "broker/core/replay.h"
#include "broker/core/retry.h"
#include "broker/core/service.h"
#include "broker/core/volatile.h"
#include "broker/core/worker.h"

struct core {
    struct core_limits limits;
    uint64_t epoch, next_seq, durable_seq;
    int64_t now_us;       /* of the call that runs */
    int64_t wall_less_us; /* wall clock less monotonic clock */
    struct ledger ledger;
    uint32_t live; /* journaled and not dead: accepted - outcomes */
    struct messages messages;
    struct index index;
    struct service services[CORE_SERVICES_MAX];
    uint32_t n_services;
    struct clients clients;
    struct workers workers;
    struct leases leases;
    struct retry retry;
    struct volatiles volatiles;
    struct effects effects;
    struct replay *replay; /* NULL: live */
    uint64_t stale_reports, redelivered, expired_leases, parked_total;
};

#endif
