/* A broker that says anything to libsluice: a client with requests in flight and a worker. The
 * first byte chooses whom, the rest are frames behind version. Their accounts must agree
 * afterwards. */
#include <string.h>
#include <zmq.h>

#include "base/error.h"
#include "client/lib/sluice.h"
#include "schemas/wire/message.h"
#include "schemas/wire/mp.h"
#include "tests/fuzz/frames.h"
#include "tests/fuzz/fuzz.h"

struct side {
    void *router;
    uint8_t peer[64];
    size_t peer_size;
};

static void *context;
static struct side sides[2];
static struct sluice_client *client;
static struct sluice_worker *worker;
static int64_t now_us = 1000000;

static void
on_deliver(void *arg, uint64_t lease, struct sluice_batch *batch)
{
    (void)arg, (void)lease;
    sluice_batch_free(batch);
}

static void
welcome_say(const struct side *s)
{
    static const char *const keys[] = {"epoch",           "heartbeat_us", "max_record_bytes",
                                       "window_messages", "window_bytes", "lease_us"};
    struct buf h;

    buf_init(&h, 1024);
    mp_put_map(&h, 1 + ARRAY_LEN(keys));
    mp_put_cstr(&h, "broker");
    mp_put_bin(&h, "0123456789abcdef", 16);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        mp_put_cstr(&h, keys[i]);
        mp_put_uint(&h, 1000000);
    }
    message_send(s->router, s->peer, s->peer_size, COMMAND_WELCOME, &h, NULL, 0);
    buf_deinit(&h);
}

/* What libsluice says is always sound; who introduces itself is welcomed. */
static void
side_hear(struct side *s)
{
    static struct message m;
    int r;

    message_init(&m);
    while ((r = message_receive(s->router, true, &m)) == MESSAGE_OK) {
        s->peer_size = zmq_msg_size(&m.peer);
        memcpy(s->peer, zmq_msg_data(&m.peer), s->peer_size);
        if (m.command == COMMAND_HELLO || m.command == COMMAND_READY)
            welcome_say(s);
    }
    sluice_assert(r == MESSAGE_NONE);
    message_clear(&m);
}

static void
both_turn(void)
{
    for (int i = 0; i < 3; i++) {
        sluice_client_turn(client, now_us);
        sluice_worker_turn(worker, now_us);
        side_hear(&sides[0]);
        side_hear(&sides[1]);
        now_us += 1000;
    }
}

static void
peers_open(void)
{
    struct sluice_client_events client_events = {0};
    struct sluice_worker_events worker_events = {.deliver = on_deliver};

    context = zmq_ctx_new();
    for (int i = 0; i < 2; i++) {
        sides[i].router = zmq_socket(context, ZMQ_ROUTER);
        int r = zmq_bind(sides[i].router, i == 0 ? "inproc://client" : "inproc://worker");
        sluice_assert(r == 0);
    }
    struct sluice_client_options c = {
        .endpoint = "inproc://client", .name = "fuzz", .context = context};
    struct sluice_worker_options w = {
        .endpoint = "inproc://worker", .name = "fuzz", .service = "s", .context = context};
    int r = sluice_client_new(&c, &client_events, &client);
    sluice_assert(r == 0);
    r = sluice_worker_new(&w, &worker_events, &worker);
    sluice_assert(r == 0);
    both_turn();
}

/* Keeps a few requests in flight with low counters lost and won by what is said. */
static void
client_submit(void)
{
    struct sluice_message m = {
        .service = "s", .service_len = 1, .body = "body", .body_bytes = 4, .flags = now_us & 7};
    struct sluice_client_figures f;
    uint64_t counter;

    sluice_client_figures(client, &f);
    if (f.known < 100) {
        m.flags &= SLUICE_VOLATILE | SLUICE_ACCEPT_NOW | SLUICE_NO_OUTCOME;
        sluice_client_submit(client, &m, &counter);
        sluice_client_flush(client);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sluice_client_figures figures;
    struct frames f;

    if (client == NULL)
        peers_open();
    if (size < 3)
        return 0;
    struct side *s = &sides[data[0] & 1];
    frames_split(data + 1, size - 1, &f);
    if (s->peer_size == 0 || f.n == 0)
        return 0;
    client_submit();
    zmq_send(s->router, s->peer, s->peer_size, ZMQ_SNDMORE | ZMQ_DONTWAIT);
    zmq_send(s->router, WIRE_VERSION, WIRE_VERSION_BYTES, ZMQ_SNDMORE);
    for (unsigned i = 0; i < f.n; i++)
        zmq_send(s->router, f.data[i], f.size[i], i + 1 < f.n ? ZMQ_SNDMORE : 0);
    both_turn();
    sluice_client_figures(client, &figures);
    sluice_assert(figures.in_flight <= figures.known);
    sluice_assert((figures.in_flight == 0) == (figures.in_flight_bytes == 0));
    return 0;
}
