/* SUBMIT: records of one client. The frame is checked whole before the first record is taken; then
 * each record is either refused or given an origin, appended to the journal and accepted by core. A
 * full gathering batch stops us between two records; the rest waits in b->submit. */
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "broker/reactor/commands.h"
#include "schemas/wire/record.h"

#define CLIENT_FLAGS (RECORD_VOLATILE | RECORD_ACCEPT_NOW | RECORD_NO_OUTCOME)

/* All records sound, messages, and of this incarnation. */
static bool
records_check(const uint8_t *data, size_t size, uint64_t incarnation)
{
    struct record r;

    if (size == 0)
        return false;
    while (size > 0) {
        if (record_read(data, size, &r) != RECORD_OK || r.kind != RECORD_MESSAGE ||
            r.incarnation != incarnation)
            return false;
        data += r.length;
        size -= r.length;
    }
    return true;
}

static void
record_refuse(struct broker *b, struct peer *peer, uint64_t counter, enum refusal why)
{
    struct entry entry = {.code = (uint8_t)why, .counter = counter};

    metrics_add(&b->metrics, METRIC_RECORDS_REFUSED, 1);
    if (outbox_put(&peer->outbox, ENTRY_KIND_REFUSED, &entry) == OUTBOX_FULL) {
        metrics_add(&b->metrics, METRIC_CLIENTS_OVERRUN, 1);
        peer_lost(b, peer);
    }
}

static enum refusal
volatile_take(struct broker *b, struct peer *peer, uint8_t *data, struct record *r,
              uint32_t service)
{
    /* An origin, so that the worker can name it in its report; it never meets the journal's. */
    r->epoch = b->epoch;
    r->seq = CORE_VOLATILE_SEQ | ++b->volatile_seq;
    r->accepted_us = clock_wall_us();
    record_set_origin(data, r->epoch, r->seq, r->accepted_us);
    uint32_t slot = bodies_put(b->bodies, data, r->length);
    if (slot == BODIES_NONE)
        return REFUSAL_FULL;
    core_accept_volatile(b->core, peer->handle, r, service, slot, b->now_us);
    metrics_add(&b->metrics, METRIC_VOLATILES, 1);
    return REFUSAL_NONE;
}

static enum refusal
journaled_take(struct broker *b, struct peer *peer, uint8_t *data, struct record *r,
               uint32_t service)
{
    struct place place;

    if (r->length > b->max_journal_record)
        return REFUSAL_TOO_LARGE;
    core_next_origin(b->core, &r->epoch, &r->seq);
    r->accepted_us = clock_wall_us();
    record_set_origin(data, r->epoch, r->seq, r->accepted_us);
    int outcome = journal_append(b->journal, data, r->length, &place);
    if (outcome != JOURNAL_OK) { /* room was asked for */
        broker_fail(b, EXIT_DISK, broker_journal_why(b));
        return REFUSAL_FULL;
    }
    core_accept(b->core, peer->handle, r, service, place, b->now_us);
    return REFUSAL_NONE;
}

/* false: the journal is busy, come back with the same record. */
static bool
record_take(struct broker *b, struct peer *peer, uint8_t *data, struct record *r)
{
    enum refusal why = REFUSAL_NONE;
    bool is_volatile = (r->flags & RECORD_VOLATILE) != 0;

    if (b->draining)
        why = REFUSAL_DRAINING;
    else if (r->length > b->max_record_bytes)
        why = REFUSAL_TOO_LARGE;
    else if (!is_volatile) {
        int room = broker_room(b, 1, r->length);
        if (room == JOURNAL_BUSY)
            return false;
        if (room == JOURNAL_FULL)
            why = REFUSAL_FULL;
    }
    if (why == REFUSAL_NONE) {
        r->flags &= CLIENT_FLAGS;
        r->attempt = r->kills = 0;
        record_set_delivery(data, r->flags, 0, 0);
        uint32_t service = core_service(b->core, r->service, r->service_len);
        why = service == CORE_NOBODY ? REFUSAL_UNKNOWN_SERVICE
                                     : (enum refusal)core_intake(b->core, peer->handle, r, service);
        if (why == REFUSAL_NONE)
            why = is_volatile ? volatile_take(b, peer, data, r, service)
                              : journaled_take(b, peer, data, r, service);
    }
    metrics_add(&b->metrics, METRIC_RECORDS_IN, 1);
    if (why != REFUSAL_NONE)
        record_refuse(b, peer, r->counter, why);
    return true;
}

void
submit_continue(struct broker *b)
{
    struct submit *s = &b->submit;
    uint8_t *data = zmq_msg_data(&s->records);
    size_t size = zmq_msg_size(&s->records);
    struct record r;

    while (s->active && b->fatal == 0) {
        struct peer *peer = peers_of(b->peers, PEER_CLIENT, s->client);
        if (peer == NULL || s->offset == size) { /* gone: it will send again what it lacks */
            s->active = false;
            break;
        }
        if (record_read(data + s->offset, size - s->offset, &r) != RECORD_OK ||
            !record_take(b, peer, data + s->offset, &r))
            return;
        s->offset += r.length;
    }
    if (b->fatal == 0) {
        zmq_msg_close(&s->records);
        zmq_msg_init(&s->records);
    }
}

void
handle_SUBMIT(struct broker *b, const struct sender *from, struct message *m)
{
    uint64_t incarnation;
    size_t size;
    const uint8_t *data = message_frame(m, 3, &size);

    if (!header_uint(m, "incarnation", &incarnation)) {
        send_error(b, from, "header", "SUBMIT needs incarnation");
        return;
    }
    if (incarnation != from->peer->incarnation) {
        send_error(b, from, "state", "another incarnation was introduced on this connection");
        return;
    }
    if (!records_check(data, size, incarnation)) {
        send_error(b, from, "record", "a record breaks the format or is not of this incarnation");
        return;
    }
    zmq_msg_move(&b->submit.records, &m->frames[3]);
    b->submit.offset = 0;
    b->submit.client = from->peer->handle;
    b->submit.active = true;
    submit_continue(b);
    if (b->submit.active)
        metrics_add(&b->metrics, METRIC_SUBMIT_WAITS, 1);
}
