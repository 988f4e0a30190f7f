/* Turns client and broker on real sockets, waiting by poll, never by sleep. */
#include "tests/unit/client/client_rig.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "tests/unit/cmocka_all.h"

#define BARRIER_FIRST ((uint64_t)1 << 40)

static struct client_note *
note_add(struct client_rig *rig, char what, uint64_t counter, unsigned code,
         const struct sluice_origin *origin)
{
    sluice_assert(rig->n_notes < ARRAY_LEN(rig->notes));
    struct client_note *n = &rig->notes[rig->n_notes++];
    *n = (struct client_note){.what = what, .counter = counter, .code = code};
    if (origin != NULL)
        n->origin = *origin;
    return n;
}

static void
on_connected(void *arg, const uint8_t broker[16], uint64_t epoch)
{
    struct client_rig *rig = arg;

    assert_memory_equal(broker, rig->broker->uuid, 16);
    assert_true(epoch == rig->broker->epoch);
    rig->connected++;
}

static void
on_disconnected(void *arg)
{
    ((struct client_rig *)arg)->disconnected++;
}

static void
on_accepted(void *arg, uint64_t counter, const struct sluice_origin *origin, int64_t accepted_us,
            bool stalled)
{
    assert_int_equal(accepted_us, 1000);
    note_add(arg, 'a', counter, stalled, origin);
}

static void
on_refused(void *arg, uint64_t counter, unsigned refusal)
{
    note_add(arg, 'r', counter, refusal, NULL);
}

static void
on_outcome(void *arg, uint64_t counter, unsigned outcome, const struct sluice_origin *origin,
           int64_t accepted_us, const uint8_t *payload, size_t payload_bytes)
{
    struct client_rig *rig = arg;

    assert_int_equal(accepted_us, 1000);
    assert_memory_equal(payload, "why", payload_bytes);
    note_add(rig, 'o', counter, outcome, origin)->payload_bytes = payload_bytes;
    for (; rig->resubmit > 0; rig->resubmit--) /* callbacks may call back */
        assert_int_equal(client_rig_submit(rig, 0, NULL), SLUICE_OK);
}

static void
on_located(void *arg, uint64_t query, enum sluice_located state, const struct sluice_origin *origin,
           int64_t accepted_us, unsigned attempts)
{
    struct client_rig *rig = arg;

    (void)accepted_us;
    if (query >= BARRIER_FIRST) {
        rig->barrier = query;
        return;
    }
    note_add(arg, 'l', query, (unsigned)state, origin)->payload_bytes = attempts;
}

static void
on_fault(void *arg, const char *code, size_t code_len, const char *detail, size_t detail_len)
{
    assert_int_equal(code_len, 6);
    assert_memory_equal(code, "header", 6);
    (void)detail;
    note_add(arg, 'f', 0, 0, NULL)->payload_bytes = detail_len;
}

struct client_rig *
client_rig_new(struct sluice_client_options *options)
{
    struct sluice_client_options none = {0};
    struct client_rig *rig = mem_new(1, sizeof(*rig));
    struct sluice_client_events events = {
        .arg = rig,
        .connected = on_connected,
        .disconnected = on_disconnected,
        .accepted = on_accepted,
        .refused = on_refused,
        .outcome = on_outcome,
        .located = on_located,
        .fault = on_fault,
    };

    rig->broker = fake_broker_new();
    if (options == NULL)
        options = &none;
    options->endpoint = rig->broker->endpoint;
    options->name = "rig";
    assert_int_equal(sluice_client_new(options, &events, &rig->client), 0);
    return rig;
}

void
client_rig_free(struct client_rig *rig)
{
    sluice_client_free(rig->client);
    fake_broker_free(rig->broker);
    free(rig);
}

/* Waits for either side, at most until the client's deadline or wait_ms; true: something came. */
static bool
rig_wait(struct client_rig *rig, int wait_ms)
{
    int64_t now_us = clock_mono_us(), next_us = sluice_client_turn(rig->client, now_us);
    struct pollfd fds[2] = {{sluice_client_fd(rig->client), POLLIN, 0},
                            {fake_broker_fd(rig->broker), POLLIN, 0}};

    fake_broker_turn(rig->broker);
    if (next_us <= now_us)
        return true;
    int64_t until_ms = (next_us - now_us) / 1000 + 1;
    return poll(fds, 2, until_ms < wait_ms ? (int)until_ms : wait_ms) > 0;
}

void
client_rig_until(struct client_rig *rig, bool (*done)(struct client_rig *), const char *what)
{
    int64_t deadline_us = clock_mono_us() + 10 * US_PER_S;

    while (!done(rig)) {
        if (clock_mono_us() > deadline_us)
            fail_msg("waited 10 s for: %s", what);
        rig_wait(rig, 50);
    }
}

static bool
barrier_answered(struct client_rig *rig)
{
    struct fake_broker *f = rig->broker;

    for (size_t i = 0; i < f->n_heard; i++) {
        struct fake_heard *h = &f->heard[i];
        if (h->command == COMMAND_LOCATE && fake_heard_uint(h, "query") == rig->barrier + 1) {
            fake_broker_absent(f, rig->barrier + 1);
            h->command = COMMAND_HEARTBEAT; /* answered */
        }
    }
    return rig->barrier == rig->barrier_wanted;
}

void
client_rig_settle(struct client_rig *rig)
{
    static const uint8_t id[16];

    for (int round = 0; round < 2; round++) {
        rig->barrier_wanted = rig->barrier = rig->barrier > 0 ? rig->barrier : BARRIER_FIRST;
        rig->barrier_wanted++;
        if (sluice_client_locate(rig->client, rig->barrier_wanted, "", 0, id, NULL) != SLUICE_OK ||
            rig->broker->router == NULL)
            break;
        client_rig_until(rig, barrier_answered, "a round trip");
        if (round == 1)
            return;
    }
    for (int quiet = 0; quiet < 3;)
        quiet = rig_wait(rig, 10) ? 0 : quiet + 1;
}

bool
client_rig_is_connected(struct client_rig *rig)
{
    struct sluice_client_figures f;

    sluice_client_figures(rig->client, &f);
    return f.connected;
}

void
client_rig_connect(struct client_rig *rig)
{
    fake_broker_listen(rig->broker);
    client_rig_until(rig, client_rig_is_connected, "WELCOME");
}

struct fake_heard *
client_rig_hear(struct client_rig *rig, uint8_t command)
{
    int64_t deadline_us = clock_mono_us() + 10 * US_PER_S;
    struct fake_heard *h;

    while ((h = fake_broker_next(rig->broker, command)) == NULL) {
        if (clock_mono_us() > deadline_us)
            fail_msg("waited 10 s for command %s", command_text(command));
        rig_wait(rig, 50);
    }
    return h;
}

int
client_rig_submit(struct client_rig *rig, uint8_t flags, uint64_t *ret)
{
    uint64_t counter = 0;
    struct sluice_message m = {
        .flags = flags,
        .service = "submissions",
        .service_len = 11,
        .scope = "NCT007",
        .scope_len = 6,
        .id = {1, 2, 3},
        .received_us = 99,
        .body = "sealed",
        .body_bytes = 6,
    };

    int r = sluice_client_submit(rig->client, &m, &counter);
    if (ret != NULL)
        *ret = counter;
    return r;
}

const struct client_note *
client_rig_note(const struct client_rig *rig, char what, uint64_t counter)
{
    for (size_t i = 0; i < rig->n_notes; i++) {
        if (rig->notes[i].what == what && rig->notes[i].counter == counter)
            return &rig->notes[i];
    }
    return NULL;
}
