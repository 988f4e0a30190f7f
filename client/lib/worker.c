/* The worker side: one connection, leases in, reports out. What batches hold and how long they take
 * is the caller's; here are only the rules about who may still report (whether leases hold), the
 * order of what is sent, and its bound. */
#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "client/lib/link.h"
#include "client/lib/sendqueue.h"
#include "client/lib/sluice.h"
#include "client/lib/welcome.h"
#include "schemas/wire/message.h"
#include "schemas/wire/mp.h"
#include "schemas/wire/record.h"

#define TURN_MESSAGES 64
#define HEADER_BYTES 8192 /* a note and some numbers */
#define NOTE_BYTES_MAX 4096
#define NAME_MAX_BYTES 200
#define QUEUED_BYTES ((uint64_t)16 << 20)
#define LINGER_MS 250

struct sluice_worker {
    struct link link;
    struct sluice_worker_events events;
    struct sendqueue queue;
    struct buf header;
    char *name, *service, *host, *version;
    uint64_t incarnation;
    struct welcome welcome;
    bool holds;      /* leases hold, as far as we know; what is queued is worth sending */
    int64_t void_us; /* while holds and the connection is broken: when they will not */
    uint32_t wish_messages;
    uint64_t wish_bytes;
    bool wish_due; /* not sent on this connection */
    bool leaving;
};

struct sluice_batch {
    zmq_msg_t frame;
};

static bool
name_fits(const char *name, size_t max)
{
    return name != NULL && name[0] != '\0' && strlen(name) <= max;
}

static char *
host_name(const char *given)
{
    char host[256] = "";

    if (given != NULL)
        return mem_strdup(given);
    gethostname(host, sizeof(host) - 1);
    return mem_strdup(host);
}

int
sluice_worker_new(const struct sluice_worker_options *options,
                  const struct sluice_worker_events *events, struct sluice_worker **ret_worker)
{
    if (options->endpoint == NULL || !name_fits(options->name, NAME_MAX_BYTES) ||
        !name_fits(options->service, RECORD_SERVICE_MAX) ||
        (options->host != NULL && strlen(options->host) > NAME_MAX_BYTES) ||
        (options->version != NULL && strlen(options->version) > NAME_MAX_BYTES) ||
        sodium_init() < 0)
        return -EINVAL;
    int linger_ms = options->linger_ms != 0 ? options->linger_ms : LINGER_MS;
    struct sluice_worker *w = mem_new(1, sizeof(*w));
    int r = link_init(&w->link, options->context, options->endpoint, linger_ms > 0 ? linger_ms : 0);
    if (r < 0) {
        free(w);
        return r;
    }
    w->events = *events;
    sendqueue_init(&w->queue,
                   options->max_queued_bytes != 0 ? options->max_queued_bytes : QUEUED_BYTES);
    buf_init(&w->header, HEADER_BYTES);
    w->name = mem_strdup(options->name);
    w->service = mem_strdup(options->service);
    w->host = host_name(options->host);
    w->version = mem_strdup(options->version != NULL ? options->version : SLUICE_VERSION);
    randombytes_buf(&w->incarnation, sizeof(w->incarnation));
    *ret_worker = w;
    return 0;
}

void
sluice_worker_free(struct sluice_worker *w)
{
    if (w == NULL)
        return;
    link_deinit(&w->link);
    sendqueue_deinit(&w->queue);
    buf_deinit(&w->header);
    free(w->name);
    free(w->service);
    free(w->host);
    free(w->version);
    free(w);
}

int
sluice_worker_fd(const struct sluice_worker *w)
{
    return w->link.fd;
}

static void
key_put_uint(struct buf *b, const char *key, uint64_t value)
{
    mp_put_cstr(b, key);
    mp_put_uint(b, value);
}

static void
key_put_str(struct buf *b, const char *key, const char *value)
{
    mp_put_cstr(b, key);
    mp_put_cstr(b, value);
}

static void
worker_greet(struct sluice_worker *w)
{
    struct buf *h = &w->header;

    if (w->leaving)
        return;
    buf_clear(h);
    mp_put_map(h, 7);
    key_put_str(h, "worker", w->name);
    key_put_uint(h, "incarnation", w->incarnation);
    key_put_str(h, "service", w->service);
    key_put_str(h, "host", w->host);
    key_put_uint(h, "pid", (uint64_t)getpid());
    key_put_str(h, "version", w->version);
    mp_put_cstr(h, "holds");
    mp_put_bool(h, w->holds);
    /* If it can't go now, the connection is going: there will be another to greet, or silence. */
    link_send(&w->link, COMMAND_READY, h, NULL, 0);
}

/* Queued first, so that nothing overtakes; sent by the pump if that is possible now. */
static int
worker_send(struct sluice_worker *w, uint8_t command, zmq_msg_t *bodies, unsigned n_bodies)
{
    if (!sendqueue_push(&w->queue, command, &w->header, bodies, n_bodies))
        return SLUICE_FULL;
    if (w->link.state == LINK_UP)
        sendqueue_pump(&w->queue, &w->link);
    return SLUICE_OK;
}

static void
wish_send(struct sluice_worker *w)
{
    if (!w->wish_due || w->link.state != LINK_UP || w->leaving)
        return;
    buf_clear(&w->header);
    mp_put_map(&w->header, 2);
    key_put_uint(&w->header, "messages", w->wish_messages);
    key_put_uint(&w->header, "bytes", w->wish_bytes);
    if (worker_send(w, COMMAND_PULL, NULL, 0) == SLUICE_OK)
        w->wish_due = false;
}

static void
worker_void(struct sluice_worker *w)
{
    sendqueue_clear(&w->queue);
    if (!w->holds)
        return;
    w->holds = false;
    if (w->events.disconnected != NULL)
        w->events.disconnected(w->events.arg);
}

static void
on_welcome(struct sluice_worker *w, const struct message *m)
{
    struct welcome welcome;

    if (w->link.state != LINK_GREETING || w->leaving || !welcome_read(m, &welcome))
        return;
    if (w->holds && (welcome.epoch != w->welcome.epoch ||
                     memcmp(welcome.broker, w->welcome.broker, sizeof(welcome.broker)) != 0))
        worker_void(w);
    w->welcome = welcome;
    w->holds = true;
    w->wish_due = w->wish_messages > 0;
    link_welcomed(&w->link, welcome.heartbeat_us);
    wish_send(w);
    if (w->events.connected != NULL)
        w->events.connected(w->events.arg, welcome.broker, welcome.epoch, welcome.lease_us);
}

static void
on_deliver(struct sluice_worker *w, struct message *m)
{
    size_t size;
    const uint8_t *header = message_frame(m, 2, &size);
    uint64_t lease;

    if (!w->holds || w->leaving || m->n_frames < 4 || !mp_find_uint(header, size, "lease", &lease))
        return;
    w->wish_messages = 0;
    if (w->events.deliver == NULL)
        return;
    struct sluice_batch *batch = mem_new(1, sizeof(*batch));
    zmq_msg_init(&batch->frame);
    zmq_msg_move(&batch->frame, &m->frames[3]);
    w->events.deliver(w->events.arg, lease, batch);
}

static void
on_error(struct sluice_worker *w, const struct message *m)
{
    struct fault_text f;

    if (fault_read(m, &f) && w->events.fault != NULL)
        w->events.fault(w->events.arg, f.code, f.code_len, f.detail, f.detail_len);
}

static void
worker_handle(struct sluice_worker *w, struct message *m)
{
    switch (m->command) {
    case COMMAND_WELCOME:
        on_welcome(w, m);
        break;
    case COMMAND_DELIVER:
        on_deliver(w, m);
        break;
    case COMMAND_DRAIN:
        if (w->events.drain != NULL)
            w->events.drain(w->events.arg);
        break;
    case COMMAND_RESET:
        worker_void(w);
        link_reset(&w->link);
        worker_greet(w);
        break;
    case COMMAND_ERROR:
        on_error(w, m);
        break;
    default: /* HEARTBEAT was heard already; the rest is not for workers */
        break;
    }
}

static void
worker_look(struct sluice_worker *w, int64_t now_us)
{
    for (unsigned n = 0; n < 4; n++) {
        int64_t heard_us = w->link.heard_us;
        int64_t heartbeat_us = w->link.heartbeat_us;
        int r = link_look(&w->link, now_us);
        if (r == LINK_OPENED) {
            worker_greet(w);
        } else if (r == LINK_LOST) {
            w->void_us = heard_us + LINK_SILENT_INTERVALS * heartbeat_us;
        } else if (r == LINK_SILENT) {
            worker_void(w);
        } else {
            break;
        }
    }
    if (w->holds && w->link.state != LINK_UP && now_us > w->void_us)
        worker_void(w);
    if (w->leaving && w->link.state == LINK_DOWN) /* nobody to say BYE to */
        sendqueue_clear(&w->queue);
}

static void
worker_receive(struct sluice_worker *w, int64_t now_us)
{
    struct message m;

    message_init(&m);
    for (unsigned n = 0; n < TURN_MESSAGES && w->link.readable; n++) {
        int r = link_receive(&w->link, &m, now_us);
        if (r == MESSAGE_OK)
            worker_handle(w, &m);
        else if (r != MESSAGE_BAD)
            break;
        worker_look(w, now_us);
    }
    message_clear(&m);
}

int64_t
sluice_worker_turn(struct sluice_worker *w, int64_t now_us)
{
    worker_look(w, now_us);
    worker_receive(w, now_us);
    wish_send(w);
    if (w->link.state == LINK_UP)
        sendqueue_pump(&w->queue, &w->link);
    int64_t next_us = w->leaving ? now_us + LINK_HEARTBEAT_US : link_beat(&w->link, now_us);
    if (w->link.stirred)
        worker_look(w, now_us);
    if (w->holds && w->link.state != LINK_UP && w->void_us < next_us)
        next_us = w->void_us + 1;
    return w->link.readable ? now_us : next_us;
}

int
sluice_worker_pull(struct sluice_worker *w, uint32_t messages, uint64_t bytes)
{
    w->wish_messages = messages;
    w->wish_bytes = bytes;
    w->wish_due = true;
    wish_send(w);
    return SLUICE_OK;
}

static void
body_copy(zmq_msg_t *ret_body, const void *data, size_t size)
{
    int r = zmq_msg_init_size(ret_body, size);

    sluice_assert(r == 0); /* fails only for want of memory */
    if (size > 0)
        memcpy(zmq_msg_data(ret_body), data, size);
}

int
sluice_worker_report(struct sluice_worker *w, const struct sluice_report *report)
{
    bool pulls = report->pull_messages > 0, has_note = report->note_bytes > 0;
    unsigned n_bodies = report->followups_bytes > 0 ? 2 : 1;
    struct buf *h = &w->header;
    zmq_msg_t bodies[2];

    if (report->note_bytes > NOTE_BYTES_MAX)
        return SLUICE_TOO_LARGE;
    if (!w->holds || w->leaving)
        return SLUICE_OFFLINE;
    buf_clear(h);
    mp_put_map(h, 1 + (pulls ? 2 : 0) + (has_note ? 1 : 0));
    key_put_uint(h, "lease", report->lease);
    if (pulls) {
        key_put_uint(h, "messages", report->pull_messages);
        key_put_uint(h, "bytes", report->pull_bytes);
    }
    if (has_note) {
        mp_put_cstr(h, "note");
        mp_put_bin(h, report->note, report->note_bytes);
    }
    body_copy(&bodies[0], report->entries, report->entries_bytes);
    if (n_bodies == 2)
        body_copy(&bodies[1], report->followups, report->followups_bytes);
    int r = worker_send(w, COMMAND_REPORT, bodies, n_bodies);
    for (unsigned i = 0; i < n_bodies; i++)
        zmq_msg_close(&bodies[i]);
    if (r == SLUICE_OK && pulls) {
        w->wish_messages = report->pull_messages;
        w->wish_bytes = report->pull_bytes;
        w->wish_due = false;
    }
    return r;
}

static int
lease_send(struct sluice_worker *w, uint8_t command, uint64_t lease)
{
    if (!w->holds || w->leaving)
        return SLUICE_OFFLINE;
    buf_clear(&w->header);
    mp_put_map(&w->header, 1);
    key_put_uint(&w->header, "lease", lease);
    return worker_send(w, command, NULL, 0);
}

int
sluice_worker_extend(struct sluice_worker *w, uint64_t lease)
{
    return lease_send(w, COMMAND_EXTEND, lease);
}

int
sluice_worker_return(struct sluice_worker *w, uint64_t lease)
{
    return lease_send(w, COMMAND_RETURN, lease);
}

int
sluice_worker_bye(struct sluice_worker *w)
{
    if (w->leaving)
        return SLUICE_OK;
    w->leaving = true;
    w->wish_messages = 0;
    if (w->link.state == LINK_DOWN) {
        sendqueue_clear(&w->queue);
        return SLUICE_OK;
    }
    buf_clear(&w->header);
    mp_put_map(&w->header, 0);
    return worker_send(w, COMMAND_BYE, NULL, 0);
}

uint64_t
sluice_worker_queued(const struct sluice_worker *w)
{
    return w->queue.bytes;
}

bool
sluice_worker_connected(const struct sluice_worker *w)
{
    return w->holds;
}

const uint8_t *
sluice_batch_data(const struct sluice_batch *b, size_t *ret_size)
{
    /* zmq_msg_data takes no const but changes nothing. */
    zmq_msg_t *frame = (zmq_msg_t *)(uintptr_t)&b->frame;

    *ret_size = zmq_msg_size(frame);
    return zmq_msg_data(frame);
}

void
sluice_batch_free(struct sluice_batch *b)
{
    if (b == NULL)
        return;
    zmq_msg_close(&b->frame);
    free(b);
}
