/* Load for a broker that runs: one client publishes records and counts them as confirmed when
 * ACCEPTED or OUTCOME says that they are on disk; one worker takes batches and reports them at
 * once. Both in this process, a thread each, over raw ZeroMQ.
 *
 *   broker_bench CLIENT_ENDPOINT WORKER_ENDPOINT [messages] [body_bytes] [batch] [window] [now]
 *
 * Prints one JSON line. "now" asks for ACCEPTED as soon as each record is durable. */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <zmq.h>

#include "base/clock.h"
#include "base/error.h"
#include "schemas/wire/entry.h"
#include "schemas/wire/message.h"
#include "schemas/wire/mp.h"
#include "schemas/wire/record.h"

#define SERVICE "bench"
#define POLL_MS 200
#define STUCK_US (20 * US_PER_S)
#define PULL_MESSAGES 256
#define PULL_BYTES (4 << 20)

struct load {
    const char *client_endpoint, *worker_endpoint;
    uint64_t messages, window;
    uint32_t body_bytes, batch;
    bool now;
    void *context;
};

static _Noreturn void
give_up(const char *why)
{
    fprintf(stderr, "broker_bench: %s\n", why);
    exit(EXIT_UNAVAILABLE);
}

static void *
dealer_open(void *context, const char *endpoint)
{
    void *socket = zmq_socket(context, ZMQ_DEALER);
    int zero = 0, fuse = 100000;

    zmq_setsockopt(socket, ZMQ_LINGER, &zero, sizeof(zero));
    zmq_setsockopt(socket, ZMQ_SNDHWM, &fuse, sizeof(fuse));
    zmq_setsockopt(socket, ZMQ_RCVHWM, &fuse, sizeof(fuse));
    if (zmq_connect(socket, endpoint) < 0)
        give_up(zmq_strerror(errno));
    return socket;
}

/* Waits for a message; heartbeats are answered on the way. false: none in time. */
static bool
message_await(void *socket, struct message *m)
{
    zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};

    if (message_receive(socket, false, m) == MESSAGE_OK)
        return true;
    zmq_poll(&item, 1, POLL_MS);
    return message_receive(socket, false, m) == MESSAGE_OK;
}

static void
send_plain(void *socket, uint8_t command, const struct buf *header, zmq_msg_t *body)
{
    if (message_send(socket, NULL, 0, command, header, body, body != NULL ? 1 : 0) != MESSAGE_OK)
        give_up("a send was refused");
}

static void
heartbeat_send(void *socket)
{
    struct buf h;

    buf_init(&h, 64);
    mp_put_map(&h, 0);
    send_plain(socket, COMMAND_HEARTBEAT, &h, NULL);
    buf_deinit(&h);
}

static void
welcome_await(void *socket, struct message *m)
{
    int64_t until = clock_mono_us() + STUCK_US;

    while (clock_mono_us() < until)
        if (message_await(socket, m) && m->command == COMMAND_WELCOME)
            return;
    give_up("no WELCOME");
}

static void
map_text(struct buf *h, const char *key, const char *text)
{
    mp_put_cstr(h, key);
    mp_put_cstr(h, text);
}

static void
map_uint(struct buf *h, const char *key, uint64_t value)
{
    mp_put_cstr(h, key);
    mp_put_uint(h, value);
}

/* --- the worker --- */
static void
report_send(void *socket, const struct message *delivery, struct buf *entries, struct buf *header)
{
    size_t size, header_size;
    const uint8_t *data = message_frame(delivery, 3, &size);
    const uint8_t *head = message_frame(delivery, 2, &header_size);
    uint64_t lease = 0;
    struct record r;
    zmq_msg_t body;

    mp_find_uint(head, header_size, "lease", &lease);
    buf_clear(entries);
    while (size > 0 && record_read(data, size, &r) == RECORD_OK) {
        struct entry e = {.code = OUTCOME_STORED, .epoch = r.epoch, .seq = r.seq};
        entry_write(entries, ENTRY_KIND_REPORT, &e);
        data += r.length;
        size -= r.length;
    }
    buf_clear(header);
    mp_put_map(header, 3);
    map_uint(header, "lease", lease);
    map_uint(header, "messages", PULL_MESSAGES);
    map_uint(header, "bytes", PULL_BYTES);
    zmq_msg_init_size(&body, entries->size);
    memcpy(zmq_msg_data(&body), entries->data, entries->size);
    send_plain(socket, COMMAND_REPORT, header, &body);
    zmq_msg_close(&body);
}

static void
ready_send(void *socket, struct buf *h)
{
    mp_put_map(h, 6);
    map_text(h, "worker", "bench");
    map_uint(h, "incarnation", (uint64_t)clock_wall_us());
    map_text(h, "service", SERVICE);
    map_text(h, "host", "localhost");
    map_uint(h, "pid", 1);
    map_text(h, "version", "1");
    send_plain(socket, COMMAND_READY, h, NULL);
}

static void *
worker_main(void *arg)
{
    const struct load *load = arg;
    void *socket = dealer_open(load->context, load->worker_endpoint);
    struct buf header, entries;
    struct message m;

    message_init(&m);
    buf_init(&header, 4096);
    buf_init(&entries, 16 << 20);
    ready_send(socket, &header);
    welcome_await(socket, &m);
    buf_clear(&header);
    mp_put_map(&header, 2);
    map_uint(&header, "messages", PULL_MESSAGES);
    map_uint(&header, "bytes", PULL_BYTES);
    send_plain(socket, COMMAND_PULL, &header, NULL);
    for (;;) {
        int r = message_receive(socket, false, &m);
        if (r == MESSAGE_OK && m.command == COMMAND_DELIVER) {
            report_send(socket, &m, &entries, &header);
        } else if (r == MESSAGE_OK && m.command == COMMAND_HEARTBEAT) {
            heartbeat_send(socket);
        } else if (r == MESSAGE_NONE) {
            zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};
            if (zmq_poll(&item, 1, -1) < 0)
                break; /* the context ends */
        } else if (r != MESSAGE_OK) {
            break;
        }
    }
    message_clear(&m);
    buf_deinit(&header);
    buf_deinit(&entries);
    zmq_close(socket);
    return NULL;
}

/* --- the client --- */
struct publisher {
    void *socket;
    uint64_t incarnation, sent, confirmed, finished;
    uint8_t *is_confirmed; /* by counter */
    struct buf header, records;
};

static void
batch_send(const struct load *load, struct publisher *p, const uint8_t *body)
{
    zmq_msg_t frame;

    buf_clear(&p->records);
    for (uint32_t i = 0; i < load->batch && p->sent < load->messages; i++) {
        struct record r = {.kind = RECORD_MESSAGE,
                           .flags = load->now ? RECORD_ACCEPT_NOW : 0,
                           .incarnation = p->incarnation,
                           .counter = ++p->sent,
                           .received_us = clock_wall_us(),
                           .service = SERVICE,
                           .service_len = sizeof(SERVICE) - 1,
                           .scope = "study",
                           .scope_len = 5,
                           .body = body,
                           .body_len = load->body_bytes};
        memcpy(r.id.bytes, &r.counter, sizeof(r.counter));
        memcpy(r.id.bytes + 8, &r.incarnation, sizeof(r.incarnation));
        record_write(&p->records, &r);
    }
    zmq_msg_init_size(&frame, p->records.size);
    memcpy(zmq_msg_data(&frame), p->records.data, p->records.size);
    buf_clear(&p->header);
    mp_put_map(&p->header, 1);
    map_uint(&p->header, "incarnation", p->incarnation);
    send_plain(p->socket, COMMAND_SUBMIT, &p->header, &frame);
    zmq_msg_close(&frame);
}

static void
answer_take(struct publisher *p, const struct message *m)
{
    size_t size, offset = 0;
    const uint8_t *data = message_frame(m, 3, &size);
    struct entry e;

    if (m->command == COMMAND_HEARTBEAT)
        heartbeat_send(p->socket);
    if (m->command == COMMAND_REFUSED || m->command == COMMAND_RESET || m->command == COMMAND_ERROR)
        give_up("the broker refused");
    if (m->command != COMMAND_ACCEPTED && m->command != COMMAND_OUTCOME)
        return;
    bool outcome = m->command == COMMAND_OUTCOME;
    while (entry_read(outcome ? ENTRY_KIND_OUTCOME : ENTRY_KIND_ACCEPTED, data, size, &offset,
                      &e) == ENTRY_OK) {
        p->confirmed += !p->is_confirmed[e.counter];
        p->is_confirmed[e.counter] = 1;
        p->finished += outcome;
    }
}

static void
publish(const struct load *load)
{
    struct publisher p = {.incarnation = (uint64_t)clock_wall_us() | 1};
    uint8_t *body = mem_new(load->body_bytes + 1, 1);
    struct message m;

    p.socket = dealer_open(load->context, load->client_endpoint);
    p.is_confirmed = calloc(load->messages + 1, 1);
    message_init(&m);
    memset(body, 'b', load->body_bytes);
    buf_init(&p.header, 4096);
    buf_init(&p.records, (size_t)64 << 20);
    mp_put_map(&p.header, 3);
    map_uint(&p.header, "incarnation", p.incarnation);
    map_text(&p.header, "name", "bench");
    map_text(&p.header, "version", "1");
    send_plain(p.socket, COMMAND_HELLO, &p.header, NULL);
    welcome_await(p.socket, &m);

    int64_t begun_us = clock_mono_us(), heard_us = begun_us, confirmed_us = 0;
    while (p.finished < load->messages) {
        while (p.sent < load->messages && p.sent - p.finished + load->batch <= load->window)
            batch_send(load, &p, body);
        if (message_await(p.socket, &m)) {
            heard_us = clock_mono_us();
            answer_take(&p, &m);
        } else if (clock_mono_us() - heard_us > STUCK_US) {
            give_up("nothing comes any more");
        }
        if (p.confirmed == load->messages && confirmed_us == 0)
            confirmed_us = clock_mono_us();
    }
    int64_t ended_us = clock_mono_us();
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("{\"messages\": %" PRIu64 ", \"body_bytes\": %u, \"confirmed_per_s\": %.0f, "
           "\"finished_per_s\": %.0f, \"seconds\": %.3f, \"bench_cpu_s\": %.3f}\n",
           load->messages, load->body_bytes,
           (double)load->messages * 1e6 / (double)(confirmed_us - begun_us),
           (double)load->messages * 1e6 / (double)(ended_us - begun_us),
           (double)(ended_us - begun_us) / 1e6,
           (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
               (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
    message_clear(&m);
    buf_deinit(&p.header);
    buf_deinit(&p.records);
    free(p.is_confirmed);
    free(body);
    zmq_close(p.socket);
}

static uint64_t
argument(int argc, char **argv, int i, uint64_t fallback)
{
    return argc > i ? strtoull(argv[i], NULL, 10) : fallback;
}

int
main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "Usage: broker_bench CLIENT_ENDPOINT WORKER_ENDPOINT [messages] "
                        "[body_bytes] [batch] [window] [now]\n");
        return EXIT_USAGE;
    }
    struct load load = {.client_endpoint = argv[1],
                        .worker_endpoint = argv[2],
                        .messages = argument(argc, argv, 3, 500000),
                        .body_bytes = (uint32_t)argument(argc, argv, 4, 1024),
                        .batch = (uint32_t)argument(argc, argv, 5, 128),
                        .window = argument(argc, argv, 6, 8192),
                        .now = argc > 7 && strcmp(argv[7], "now") == 0,
                        .context = zmq_ctx_new()};
    pthread_t worker;
    pthread_create(&worker, NULL, worker_main, &load);
    publish(&load);
    zmq_ctx_shutdown(load.context);
    pthread_join(worker, NULL);
    zmq_ctx_term(load.context);
    return 0;
}
