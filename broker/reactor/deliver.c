/* DELIVER: the bodies of a lease go into one frame, read straight into it; then each record is
 * marked with its attempt, kills and flags. Volatile bodies come from memory. */
#include <string.h>

#include "base/error.h"
#include "broker/reactor/broker.h"
#include "schemas/wire/mp.h"

#define RUN_MAX 256 /* places read with one call */

struct handout *
deliver_handout(struct peer *worker, uint32_t lease)
{
    for (int i = 0; i < PEER_LEASES_MAX; i++)
        if (worker->handouts[i].n > 0 && worker->handouts[i].lease == lease)
            return &worker->handouts[i];
    return NULL;
}

/* The one whose lease has ended, else the older one. */
static struct handout *
handout_free(struct broker *b, struct peer *worker)
{
    const uint32_t *messages;
    struct handout *oldest = &worker->handouts[0];

    for (int i = 0; i < PEER_LEASES_MAX; i++) {
        struct handout *h = &worker->handouts[i];
        if (h->n == 0 || core_lease_messages(b->core, h->lease, &messages) == 0)
            return h;
        if (h->lease < oldest->lease)
            oldest = h;
    }
    return oldest;
}

static bool
run_read(struct broker *b, const struct place *run, size_t n, uint8_t *at)
{
    if (n == 0 || journal_read_many(b->journal, run, n, at) == JOURNAL_OK)
        return true;
    broker_fail(b, EXIT_DISK, broker_journal_why(b));
    return false;
}

/* Where a message's bytes are, or 0 bytes if nowhere. */
static uint32_t
view_bytes(struct broker *b, const struct message_view *view, const uint8_t **ret_volatile)
{
    uint32_t length = 0;

    *ret_volatile = NULL;
    if (view->place.segment != 0)
        return view->place.length;
    *ret_volatile = bodies_at(b->bodies, view->volatile_slot, &length);
    return length;
}

static bool
bodies_gather(struct broker *b, const uint32_t *messages, size_t n, uint8_t *to)
{
    struct place run[RUN_MAX];
    struct message_view view;
    size_t n_run = 0;
    uint8_t *run_to = to;
    const uint8_t *body;

    for (size_t i = 0; i < n; i++) {
        core_view(b->core, messages[i], b->now_us, &view);
        uint32_t length = view_bytes(b, &view, &body);
        if (body != NULL || n_run == RUN_MAX) {
            if (!run_read(b, run, n_run, run_to))
                return false;
            n_run = 0;
        }
        if (body != NULL) {
            memcpy(to, body, length);
        } else {
            if (n_run == 0)
                run_to = to;
            run[n_run++] = view.place;
        }
        to += length;
    }
    return run_read(b, run, n_run, run_to);
}

/* Marks each record for this delivery and remembers who it is. */
static void
records_mark(struct broker *b, const uint32_t *messages, size_t n, uint8_t *frame, size_t size,
             struct handout *h)
{
    struct message_view view;
    struct record r;

    for (size_t i = 0; i < n; i++) {
        core_view(b->core, messages[i], b->now_us, &view);
        if (record_read(frame, size, &r) != RECORD_OK) {
            broker_fail(b, EXIT_DISK, "a journaled record is not what it was");
            return;
        }
        record_set_delivery(frame, view.flags, view.attempt, view.kills);
        record_set_crc(frame, 0);
        handout_add(h, &r);
        frame += r.length;
        size -= r.length;
    }
}

static int
delivery_send(struct broker *b, struct peer *worker, uint32_t lease, const char *service,
              zmq_msg_t *body)
{
    struct buf *h = send_header(b, 2);

    mp_put_cstr(h, "lease");
    mp_put_uint(h, lease);
    mp_put_cstr(h, "service");
    mp_put_cstr(h, service);
    return send_peer(b, worker, COMMAND_DELIVER, body);
}

void
deliver_lease(struct broker *b, uint32_t worker, uint32_t lease)
{
    struct peer *peer = peers_of(b->peers, PEER_WORKER, worker);
    struct message_view view;
    struct service_view service;
    const uint32_t *messages;
    const uint8_t *body;
    size_t n = core_lease_messages(b->core, lease, &messages), bytes = 0;
    zmq_msg_t frame;

    if (n == 0)
        return;
    if (peer == NULL) {
        core_undeliver(b->core, lease, b->now_us);
        core_worker_gone(b->core, worker, b->now_us);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        core_view(b->core, messages[i], b->now_us, &view);
        bytes += view_bytes(b, &view, &body);
    }
    if (!core_service_view(b->core, view.service, b->now_us, &service))
        service.name = "";
    if (zmq_msg_init_size(&frame, bytes) < 0) {
        broker_fail(b, EXIT_TEMPFAIL, "no memory for a delivery");
        return;
    }
    struct handout *h = handout_free(b, peer);
    handout_begin(h, lease, (uint32_t)n);
    if (bodies_gather(b, messages, n, zmq_msg_data(&frame)))
        records_mark(b, messages, n, zmq_msg_data(&frame), bytes, h);
    int r = b->fatal != 0 ? MESSAGE_NONE : delivery_send(b, peer, lease, service.name, &frame);
    zmq_msg_close(&frame);
    if (r == MESSAGE_OK) {
        metrics_add(&b->metrics, METRIC_RECORDS_OUT, n);
        return;
    }
    h->n = 0;
    core_undeliver(b->core, lease, b->now_us);
    if (b->fatal == 0)
        peer_lost(
            b,
            peer); /* gone, or so far behind that its queue is full: a worker holds two at most */
}
