/* A core with one service, and the few steps that most tests begin with. */
#ifndef SLUICE_TESTS_UNIT_BROKER_CORE_FIXTURE_H
#define SLUICE_TESTS_UNIT_BROKER_CORE_FIXTURE_H

#include <string.h>

#include "broker/core/core.h"
#include "broker/core/state.h"
#include "tests/unit/cmocka_all.h"

#define SECOND INT64_C(1000000)

static const struct core_limits test_limits = {.max_messages = 1000,
                                               .max_volatile = 4,
                                               .volatile_us = 2 * SECOND,
                                               .window_messages = 16,
                                               .window_bytes = 1 << 20,
                                               .lease_us = 6 * SECOND,
                                               .heartbeat_us = 1 * SECOND,
                                               .max_kills = 3,
                                               .max_clients = 4,
                                               .max_workers = 4};

struct fixture {
    struct core *core;
    uint32_t service, client;
    uint64_t counter;
};

static inline struct fixture
fixture_new(const struct core_limits *limits)
{
    struct fixture f = {.core = core_new(limits, 1, 1, NULL)};

    f.service = core_service(f.core, "submissions", 11);
    f.client = core_client_hello(f.core, 77, 0);
    return f;
}

static inline struct record
fixture_record(struct fixture *f, uint8_t flags)
{
    return (struct record){.kind = RECORD_MESSAGE,
                           .length = 1000,
                           .flags = flags,
                           .incarnation = 77,
                           .counter = ++f->counter,
                           .service = "submissions",
                           .service_len = 11};
}

/* Accepts one message; returns its seq. */
static inline uint64_t
fixture_accept(struct fixture *f, uint8_t flags, int64_t now_us)
{
    struct record r = fixture_record(f, flags);

    core_next_origin(f->core, &r.epoch, &r.seq);
    core_accept(f->core, f->client, &r, f->service,
                (struct place){.segment = 1, .offset = (uint32_t)r.seq, .length = 1000}, now_us);
    return r.seq;
}

static inline uint32_t
fixture_worker(struct fixture *f, const char *name, int64_t now_us)
{
    return core_worker_ready(f->core, name, strlen(name), 1, f->service, now_us);
}

/* The nth effect of a kind, or NULL. */
static inline const struct effect *
fixture_effect(const struct fixture *f, enum effect_kind kind, size_t nth)
{
    size_t n;
    const struct effect *e = core_effects(f->core, &n);

    for (size_t i = 0; i < n; i++)
        if (e[i].kind == kind && nth-- == 0)
            return &e[i];
    return NULL;
}

/* Dispatches; returns the lease the worker got, 0: none. */
static inline uint32_t
fixture_lease(struct fixture *f, uint32_t worker, int64_t now_us)
{
    core_effects_clear(f->core);
    core_dispatch(f->core, now_us);
    for (size_t i = 0; fixture_effect(f, EFFECT_DELIVER, i) != NULL; i++)
        if (fixture_effect(f, EFFECT_DELIVER, i)->worker == worker)
            return fixture_effect(f, EFFECT_DELIVER, i)->lease;
    return 0;
}

static inline size_t
fixture_lease_n(const struct fixture *f, uint32_t lease)
{
    const uint32_t *messages;

    return core_lease_messages(f->core, lease, &messages);
}

static inline struct message_view
fixture_view(const struct fixture *f, uint64_t seq)
{
    struct message_view v = {0};
    uint32_t message;

    if (core_list(f->core, CORE_NOBODY, MESSAGE_STATES, seq - 1, &message, 1) == 1)
        core_view(f->core, message, 0, &v);
    return v.seq == seq ? v : (struct message_view){.state = MESSAGE_FREE};
}

#endif
