/* Marks: the journal's small records about messages (done, parked, unparked, note). Each names its
 * message by origin and repeats id, service and scope, so that whoever walks the journal can say
 * what was done. Room for them has been asked for (broker_room) before core was told. */
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "broker/reactor/broker.h"

/* From the lease's memory, else from the message itself. */
static void
message_name(struct broker *b, const struct effect *e, struct record *r)
{
    struct peer *worker = peers_of(b->peers, PEER_WORKER, e->worker);
    struct handout *h = worker != NULL ? deliver_handout(worker, e->lease) : NULL;
    struct message_view view = {.place = e->place};
    struct record read;

    if (h != NULL && handout_name(h, e->epoch, e->seq, r))
        return;
    if (e->place.segment == 0 || !broker_record(b, &view, &read))
        return;
    r->id = read.id;
    r->service = read.service;
    r->service_len = read.service_len;
    r->scope = read.scope;
    r->scope_len = read.scope_len;
}

/* false: the gathering batch is full for now. */
static bool
mark_write(struct broker *b, const uint8_t *bytes, uint32_t length)
{
    struct place place;
    int outcome = journal_append(b->journal, bytes, length, &place);

    if (outcome == JOURNAL_FAILED)
        broker_fail(b, EXIT_DISK, broker_journal_why(b));
    return outcome == JOURNAL_OK;
}

static void
mark_owe(struct broker *b, const uint8_t *bytes, size_t length)
{
    if (b->fatal == 0 && buf_append(&b->owed, bytes, length) != BUF_OK)
        broker_fail(b, EXIT_DISK, "the journal has no room for marks");
}

void
mark_append(struct broker *b, enum record_kind kind, const struct effect *e)
{
    struct buf bytes;
    struct record r = {.kind = (uint8_t)kind,
                       .attempt = kind == RECORD_DONE ? e->outcome : 0,
                       .kills = e->kills,
                       .epoch = e->epoch,
                       .seq = e->seq,
                       .accepted_us = clock_wall_us()};

    message_name(b, e, &r);
    if (kind == RECORD_PARKED && e->reason != NULL) {
        r.body = (const uint8_t *)e->reason;
        r.body_len = (uint32_t)strlen(e->reason);
    } else if (kind == RECORD_DONE && b->reporting.note != NULL) {
        r.body = b->reporting.note; /* once for the whole report */
        r.body_len = b->reporting.note_len;
        b->reporting.note = NULL;
    }
    uint8_t space[MARK_BYTES_MAX];
    bytes = (struct buf){.data = space, .cap = sizeof(space), .ceiling = sizeof(space)};
    int w = record_write(&bytes, &r);
    sluice_assert(w == BUF_OK);
    if (b->owed.size > 0 || !mark_write(b, bytes.data, (uint32_t)bytes.size))
        mark_owe(b, bytes.data, bytes.size);
}

void
marks_settle(struct broker *b)
{
    size_t done = 0;

    while (done < b->owed.size && b->fatal == 0) {
        uint32_t length = le32_get(b->owed.data + done);
        if (!mark_write(b, b->owed.data + done, length))
            break;
        done += length;
    }
    if (done > 0)
        memmove(b->owed.data, b->owed.data + done, b->owed.size - done);
    b->owed.size -= done;
}
