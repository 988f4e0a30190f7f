/* REPORT: outcomes of a lease's messages, with follow-ups. Checked whole; then, once every origin
 * it names is durable and the journal has room for its marks and follow-ups together, told to core
 * entry by entry. Until then it is held. */
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "broker/reactor/commands.h"
#include "schemas/wire/entry.h"
#include "schemas/wire/record.h"

#define NOTE_MAX 4096

/* What a worker may say became of a message. */
static bool
outcome_is_workers(uint8_t code)
{
    return code == OUTCOME_STORED || code == OUTCOME_DUPLICATE || code == OUTCOME_CONFLICT ||
           code == OUTCOME_REJECTED || code == OUTCOME_HELD || code == OUTCOME_RETRY ||
           code == OUTCOME_DEAD || code == OUTCOME_ANSWERED;
}

static bool
entries_check(const struct broker *b, const struct message *m)
{
    size_t size, offset = 0, n = 0;
    const uint8_t *data = message_frame(m, 3, &size);
    struct entry e;
    int r = ENTRY_END;

    while (size > 0 && (r = entry_read(ENTRY_KIND_REPORT, data, size, &offset, &e)) == ENTRY_OK)
        if (!outcome_is_workers(e.code) || ++n > b->max_report_entries)
            return false;
    return r == ENTRY_END;
}

static bool
follow_ups_check(const struct broker *b, const struct message *m)
{
    size_t size;
    const uint8_t *data = message_frame(m, 4, &size);
    struct record r;

    if (size > b->max_follow_up_bytes)
        return false;
    while (size > 0) {
        if (record_read(data, size, &r) != RECORD_OK || r.kind != RECORD_MESSAGE ||
            (r.flags & RECORD_VOLATILE) != 0 || r.length > b->max_record_bytes ||
            core_service(b->core, r.service, r.service_len) == CORE_NOBODY)
            return false;
        data += r.length;
        size -= r.length;
    }
    return true;
}

/* The newest origin of the lease that must be durable first; 0: none. */
static uint64_t
newest_waiting(const struct broker *b, const struct handout *h, const struct message *m)
{
    size_t size, offset = 0;
    const uint8_t *data = message_frame(m, 3, &size);
    uint64_t newest = 0;
    struct entry e;

    if (h == NULL || h->newest_seq == 0 || core_is_durable(b->core, h->newest_seq))
        return 0;
    while (entry_read(ENTRY_KIND_REPORT, data, size, &offset, &e) == ENTRY_OK)
        if (e.epoch == h->epoch && e.seq <= h->newest_seq && e.seq > newest)
            newest = e.seq;
    return newest != 0 && !core_is_durable(b->core, newest) ? newest : 0;
}

static void
follow_up_take(struct broker *b, uint8_t *data, struct record *r)
{
    struct place place;
    uint32_t service = core_service(b->core, r->service, r->service_len);

    sluice_assert(service != CORE_NOBODY); /* checked before */
    r->flags = (uint8_t)((r->flags & RECORD_ACCEPT_NOW) | RECORD_NO_OUTCOME);
    r->attempt = r->kills = 0;
    record_set_delivery(data, r->flags, 0, 0);
    core_next_origin(b->core, &r->epoch, &r->seq);
    r->accepted_us = clock_wall_us();
    record_set_origin(data, r->epoch, r->seq, r->accepted_us);
    if (journal_append(b->journal, data, r->length, &place) != JOURNAL_OK) {
        broker_fail(b, EXIT_DISK, broker_journal_why(b));
        return;
    }
    core_accept(b->core, CORE_NOBODY, r, service, place, b->now_us);
    metrics_add(&b->metrics, METRIC_FOLLOW_UPS, 1);
}

static void
follow_ups_take(struct broker *b, const struct message *m)
{
    size_t size;
    uint8_t *data = (uint8_t *)(uintptr_t)message_frame(m, 4, &size); /* the message is ours */
    struct record r;

    while (size > 0 && b->fatal == 0 && record_read(data, size, &r) == RECORD_OK) {
        follow_up_take(b, data, &r);
        data += r.length;
        size -= r.length;
    }
}

/* Room for everything the report may cause, asked for at once: done and follow-ups lie in one
 * batch. */
static int
report_room(struct broker *b, const struct message *m)
{
    size_t entries_size, follow_size, entries;

    message_frame(m, 3, &entries_size);
    message_frame(m, 4, &follow_size);
    entries = entries_size / ENTRY_REPORT_BYTES;
    if (entries > b->max_report_entries)
        entries = b->max_report_entries; /* the rest of the bytes are payload */
    uint64_t marks = entries * MARK_BYTES_BARE + MARK_BYTES_MAX;
    return broker_room(b, follow_size > 0 ? 1 + follow_size / RECORD_HEADER_BYTES : 0,
                       marks + follow_size);
}

static int
report_apply(struct broker *b, uint32_t worker, uint32_t lease, const struct message *m)
{
    size_t size, offset = 0;
    const uint8_t *data = message_frame(m, 3, &size), *note;
    size_t note_len;
    bool any = false;
    struct entry e;

    int room = report_room(b, m);
    if (room != JOURNAL_OK)
        return room;
    if (header_bin(m, "note", &note, &note_len)) {
        b->reporting.note = note;
        b->reporting.note_len = (uint32_t)note_len;
    }
    while (b->fatal == 0 && entry_read(ENTRY_KIND_REPORT, data, size, &offset, &e) == ENTRY_OK) {
        b->reporting.payload = e.payload;
        b->reporting.payload_len = e.payload_len;
        any |= core_report(b->core, worker, lease, e.epoch, e.seq, e.code, b->now_us);
        effects_run(b);
        metrics_add(&b->metrics, METRIC_REPORT_ENTRIES, 1);
    }
    memset(&b->reporting, 0, sizeof(b->reporting));
    /* Of a wholly stale report nothing counts: whoever holds the lease now reports anew. */
    if (any)
        follow_ups_take(b, m);
    effects_run(b);
    return JOURNAL_OK;
}

static const char *
report_fault(const struct broker *b, const struct message *m, uint64_t *ret_lease,
             const char **ret_detail)
{
    const uint8_t *note;
    size_t note_len = 0;

    *ret_detail = "REPORT needs lease, and a note of at most 4096 bytes";
    if (!header_uint(m, "lease", ret_lease) || *ret_lease > UINT32_MAX)
        return "header";
    if (header_bin(m, "note", &note, &note_len) && note_len > NOTE_MAX)
        return "header";
    *ret_detail = "an entry breaks the format";
    if (!entries_check(b, m))
        return "entry";
    *ret_detail = "a follow-up breaks the format";
    return follow_ups_check(b, m) ? NULL : "record";
}

void
handle_REPORT(struct broker *b, const struct sender *from, struct message *m)
{
    struct peer *peer = from->peer;
    uint64_t lease, messages, bytes, newest;
    const char *detail;

    const char *fault = report_fault(b, m, &lease, &detail);
    if (fault != NULL) {
        send_error(b, from, fault, detail);
        return;
    }
    uint32_t worker = peer->handle;
    newest = newest_waiting(b, deliver_handout(peer, (uint32_t)lease), m);
    bool pulls = header_uint(m, "messages", &messages) && header_uint(m, "bytes", &bytes) &&
                 messages > 0 && bytes > 0;
    if (newest != 0 || report_apply(b, worker, (uint32_t)lease, m) != JOURNAL_OK) {
        if (peer->held >= HELD_PER_WORKER_MAX || !held_has_room(&b->held, m)) {
            send_error(b, from, "state", "too many reports wait for the disk");
            return;
        }
        size_t entries;
        message_frame(m, 3, &entries);
        /* An empty report holds nothing back from expiring. */
        if (entries > 0 && deliver_handout(peer, (uint32_t)lease) != NULL)
            core_lease_hold(b->core, (uint32_t)lease);
        held_push(&b->held, worker, (uint32_t)lease, newest, m);
        peer->held++;
        metrics_add(&b->metrics, METRIC_REPORTS_HELD, 1);
    }
    /* The reporter may have turned out to be gone. */
    peer = peers_of(b->peers, PEER_WORKER, worker);
    if (pulls && peer != NULL)
        worker_pull(b, peer, messages, bytes);
}

void
held_apply(struct broker *b)
{
    for (struct held_report **link = &b->held.first; *link != NULL && b->fatal == 0;) {
        struct held_report *r = *link;
        if (!r->is_void && r->newest_seq != 0 && !core_is_durable(b->core, r->newest_seq)) {
            link = &r->next;
            continue;
        }
        struct peer *peer = r->is_void ? NULL : peers_of(b->peers, PEER_WORKER, r->worker);
        int outcome = peer == NULL ? JOURNAL_OK : report_apply(b, r->worker, r->lease, &r->message);
        if (outcome == JOURNAL_BUSY)
            return;
        if (outcome != JOURNAL_OK) {
            link = &r->next;
            continue;
        }
        if (peer != NULL && peer->held > 0)
            peer->held--;
        held_remove(&b->held, link);
    }
}
