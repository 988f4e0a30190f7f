/* The fake's sockets and its memory of what was heard. */
#include "tests/unit/client/fake_broker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "schemas/wire/mp.h"

struct fake_broker *
fake_broker_new(void)
{
    static unsigned n;
    struct fake_broker *f = mem_new(1, sizeof(*f));

    snprintf(f->endpoint, sizeof(f->endpoint), "ipc:///tmp/sluice-test-%d-%u", (int)getpid(), ++n);
    f->context = zmq_ctx_new();
    memset(f->uuid, 0xab, sizeof(f->uuid));
    f->epoch = 7;
    f->heartbeat_us = 1000000;
    f->lease_us = 6000000;
    f->max_record_bytes = 2 << 20;
    f->window_messages = 8192;
    f->window_bytes = 32 << 20;
    return f;
}

void
fake_broker_listen(struct fake_broker *f)
{
    int zero = 0, one = 1;

    f->router = zmq_socket(f->context, ZMQ_ROUTER);
    zmq_setsockopt(f->router, ZMQ_LINGER, &zero, sizeof(zero));
    zmq_setsockopt(f->router, ZMQ_ROUTER_MANDATORY, &one, sizeof(one));
    int r = zmq_bind(f->router, f->endpoint);
    sluice_assert(r == 0);
}

void
fake_broker_stop(struct fake_broker *f)
{
    if (f->router != NULL)
        zmq_close(f->router);
    f->router = NULL;
    f->peer_size = 0;
    /* The socket closes on ZeroMQ's own thread: a new context makes that certain. */
    zmq_ctx_term(f->context);
    f->context = zmq_ctx_new();
}

void
fake_broker_free(struct fake_broker *f)
{
    fake_broker_stop(f);
    zmq_ctx_term(f->context);
    for (size_t i = 0; i < f->n_heard; i++) {
        buf_deinit(&f->heard[i].header);
        buf_deinit(&f->heard[i].body);
        buf_deinit(&f->heard[i].followups);
    }
    unlink(f->endpoint + strlen("ipc://"));
    free(f);
}

int
fake_broker_fd(const struct fake_broker *f)
{
    int fd = -1;
    size_t size = sizeof(fd);

    if (f->router != NULL)
        zmq_getsockopt(f->router, ZMQ_FD, &fd, &size);
    return fd;
}

static void
frame_keep(const struct message *m, unsigned f, struct buf *ret)
{
    size_t size;
    const uint8_t *data = message_frame(m, f, &size);

    buf_init(ret, size);
    buf_append(ret, data, size);
}

static void
welcome_say(struct fake_broker *f)
{
    struct buf h;

    buf_init(&h, 1024);
    mp_put_map(&h, 7);
    mp_put_cstr(&h, "broker");
    mp_put_bin(&h, f->uuid, sizeof(f->uuid));
    const struct {
        const char *key;
        uint64_t value;
    } numbers[] = {
        {"epoch", f->epoch},
        {"heartbeat_us", f->heartbeat_us},
        {"lease_us", f->lease_us},
        {"max_record_bytes", f->max_record_bytes},
        {"window_messages", f->window_messages},
        {"window_bytes", f->window_bytes},
    };
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        mp_put_cstr(&h, numbers[i].key);
        mp_put_uint(&h, numbers[i].value);
    }
    fake_broker_say(f, COMMAND_WELCOME, &h, NULL, 0);
    buf_deinit(&h);
}

static void
message_note(struct fake_broker *f, const struct message *m)
{
    /* zmq_msg_data takes no const but changes nothing. */
    zmq_msg_t *peer = (zmq_msg_t *)(uintptr_t)&m->peer;

    if (zmq_msg_size(peer) != f->peer_size ||
        memcmp(zmq_msg_data(peer), f->peer, f->peer_size) != 0) {
        f->peer_size = zmq_msg_size(peer);
        sluice_assert(f->peer_size <= sizeof(f->peer));
        memcpy(f->peer, zmq_msg_data(peer), f->peer_size);
        f->peers++;
    }
    if (m->command == COMMAND_HEARTBEAT) {
        f->heartbeats++;
        return;
    }
    sluice_assert(f->n_heard < FAKE_HEARD_MAX);
    struct fake_heard *h = &f->heard[f->n_heard++];
    h->command = m->command;
    h->peer = f->peers;
    frame_keep(m, 2, &h->header);
    frame_keep(m, 3, &h->body);
    frame_keep(m, 4, &h->followups);
    if (!f->silent && (m->command == COMMAND_HELLO || m->command == COMMAND_READY))
        welcome_say(f);
}

void
fake_broker_turn(struct fake_broker *f)
{
    struct message m;

    if (f->router == NULL)
        return;
    message_init(&m);
    int r;
    while ((r = message_receive(f->router, true, &m)) != MESSAGE_NONE) {
        sluice_assert(r == MESSAGE_OK); /* our library says nothing else */
        message_note(f, &m);
    }
    message_clear(&m);
}

struct fake_heard *
fake_broker_next(struct fake_broker *f, uint8_t command)
{
    while (f->n_read < f->n_heard) {
        struct fake_heard *h = &f->heard[f->n_read++];
        if (h->command == command)
            return h;
    }
    return NULL;
}

void
fake_broker_say(struct fake_broker *f, uint8_t command, const struct buf *header, const void *body,
                size_t size)
{
    zmq_msg_t frame;

    zmq_msg_init_size(&frame, size);
    if (size > 0)
        memcpy(zmq_msg_data(&frame), body, size);
    int r = message_send(f->router, f->peer, f->peer_size, command, header, &frame, body != NULL);
    sluice_assert(r == MESSAGE_OK || r == MESSAGE_GONE);
    zmq_msg_close(&frame);
}

void
fake_broker_say_empty(struct fake_broker *f, uint8_t command)
{
    uint8_t empty[1] = {0x80};
    struct buf h = {.data = empty, .size = 1};

    fake_broker_say(f, command, &h, NULL, 0);
}

static void
entry_say(struct fake_broker *f, uint8_t command, enum entry_kind kind, const struct entry *e)
{
    uint8_t empty[1] = {0x80};
    struct buf h = {.data = empty, .size = 1}, b;

    buf_init(&b, 1024);
    entry_write(&b, kind, e);
    fake_broker_say(f, command, &h, b.data, b.size);
    buf_deinit(&b);
}

void
fake_broker_accept(struct fake_broker *f, uint64_t counter, uint64_t seq, uint8_t flags)
{
    struct entry e = {
        .flags = flags, .counter = counter, .epoch = f->epoch, .seq = seq, .accepted_us = 1000};

    entry_say(f, COMMAND_ACCEPTED, ENTRY_KIND_ACCEPTED, &e);
}

void
fake_broker_refuse(struct fake_broker *f, uint64_t counter, uint8_t code)
{
    entry_say(f, COMMAND_REFUSED, ENTRY_KIND_REFUSED,
              &(struct entry){.code = code, .counter = counter});
}

void
fake_broker_outcome(struct fake_broker *f, uint64_t counter, uint64_t seq, uint8_t code)
{
    struct entry e = {.code = code,
                      .counter = counter,
                      .epoch = f->epoch,
                      .seq = seq,
                      .accepted_us = 1000,
                      .payload = (const uint8_t *)"why",
                      .payload_len = 3};

    entry_say(f, COMMAND_OUTCOME, ENTRY_KIND_OUTCOME, &e);
}

void
fake_broker_absent(struct fake_broker *f, uint64_t query)
{
    struct buf h;

    buf_init(&h, 1024);
    mp_put_map(&h, 2);
    mp_put_cstr(&h, "query");
    mp_put_uint(&h, query);
    mp_put_cstr(&h, "state");
    mp_put_cstr(&h, "absent");
    fake_broker_say(f, COMMAND_LOCATED, &h, NULL, 0);
    buf_deinit(&h);
}

void
fake_broker_error(struct fake_broker *f, const char *detail)
{
    struct buf h;

    buf_init(&h, 1024);
    mp_put_map(&h, 2);
    mp_put_cstr(&h, "code");
    mp_put_cstr(&h, "header");
    mp_put_cstr(&h, "detail");
    mp_put_cstr(&h, detail);
    fake_broker_say(f, COMMAND_ERROR, &h, NULL, 0);
    buf_deinit(&h);
}

void
fake_broker_deliver(struct fake_broker *f, uint64_t lease, const char *body)
{
    struct buf h;

    buf_init(&h, 1024);
    mp_put_map(&h, 2);
    mp_put_cstr(&h, "lease");
    mp_put_uint(&h, lease);
    mp_put_cstr(&h, "service");
    mp_put_cstr(&h, "submissions");
    fake_broker_say(f, COMMAND_DELIVER, &h, body, strlen(body));
    buf_deinit(&h);
}

size_t
fake_heard_counters(const struct fake_heard *h, uint64_t *ret, size_t max)
{
    struct record r;
    size_t at = 0, n = 0;

    while (at < h->body.size) {
        int rc = record_read(h->body.data + at, h->body.size - at, &r);
        sluice_assert(rc == RECORD_OK && n < max);
        ret[n++] = r.counter;
        at += r.length;
    }
    return n;
}

uint64_t
fake_heard_uint(const struct fake_heard *h, const char *key)
{
    uint64_t value = UINT64_MAX;

    mp_find_uint(h->header.data, h->header.size, key, &value);
    return value;
}

bool
fake_heard_has(const struct fake_heard *h, const char *key)
{
    struct mp_value v;

    return mp_find(h->header.data, h->header.size, key, &v, NULL);
}
