/* Appending and handing over: the reactor's side. Where a record will lie is known when it is
 * appended; a batch never crosses a segment's end, it ends before it. */
#include "broker/journal/journal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "broker/journal/inner.h"

#define RECORD_AT_KIND 8
#define RECORD_AT_SEQ 24

/* The rest of a segment below this share of it is left unused: no batch begins there. */
#define ROLL_SHARE 32u

int
journal_fd(const struct journal *j)
{
    return j->event_fd;
}

uint32_t
journal_record_max(const struct journal *j)
{
    return j->batch_cap;
}

/* FULL if no segment can be had, BUSY if one is on its way: being made, or finished and waiting for
 * the batch that says so to be synced. */
static int
journal_short_of_segments(struct journal *j, bool reserve)
{
    spare_hurry(&j->spare);
    if (reserve)
        spare_plead(&j->spare);
    spare_look(&j->spare, &j->spares);
    journal_reclaim(j);
    bool nothing_finished = j->segments.list[0].number == j->segments.head;
    return j->spares.stuck && j->spares.recycling == 0 && nothing_finished ? JOURNAL_FULL
                                                                           : JOURNAL_BUSY;
}

static bool
segments_suffice(struct journal *j, uint32_t wanted)
{
    if (j->spares.ready >= wanted)
        return true;
    spare_look(&j->spare, &j->spares);
    return j->spares.ready >= wanted;
}

/* Gives the empty gathering batch its place, in the tail or, if bytes don't fit there, in the next
 * segment. */
static int
gathering_place(struct journal *j, bool reserve, uint64_t bytes)
{
    struct segment *tail = segments_tail(&j->segments);
    struct spare_segment next;
    uint32_t least = j->segment_bytes / ROLL_SHARE;

    uint64_t wanted = bytes > least ? bytes : least;
    if (tail->used + LAYOUT_BATCH_HEADER + wanted <= tail->bytes) {
        if (!reserve && !segments_suffice(j, SPARE_RESERVE))
            return journal_short_of_segments(j, reserve);
        if (tail->used > tail->bytes / 2 && j->spares.ready < SPARE_TARGET)
            spare_hurry(&j->spare);
        batch_place(j->gathering, &j->id, tail->number, tail->used, tail->bytes, &j->next);
        return JOURNAL_OK;
    }
    if (!segments_suffice(j, reserve ? 1 : SPARE_RESERVE + 1) || !spare_take(&j->spare, &next))
        return journal_short_of_segments(j, reserve);
    j->spares.ready--;
    struct segment *segment = segments_add(&j->segments, next.number, next.bytes, next.fd);
    segment->start = j->next;
    segment->used = LAYOUT_HEADER_BLOCK;
    batch_place(j->gathering, &j->id, next.number, LAYOUT_HEADER_BLOCK, next.bytes, &j->next);
    return JOURNAL_OK;
}

/* Messages leave the last quarter of a batch to done records, but one alone may fill it. */
static int
room_for(struct journal *j, bool reserve, size_t records, uint64_t bytes)
{
    struct batch *b = j->gathering;

    if (j->error != 0)
        return JOURNAL_FAILED;
    if (b->header.segment == 0 || b->header.records == 0) {
        uint64_t needed = reserve || records <= 1 ? bytes : bytes + bytes / 3 + 1;
        if (needed > b->cap)
            return JOURNAL_BUSY;
        if (b->header.segment == 0 || needed > b->limit) {
            batch_clear(b);
            return gathering_place(j, reserve, needed);
        }
    } else {
        uint32_t limit = reserve ? b->limit : b->limit - b->limit / 4;
        if (b->header.bytes + bytes > limit)
            return JOURNAL_BUSY;
    }
    return reserve || segments_suffice(j, SPARE_RESERVE) ? JOURNAL_OK
                                                         : journal_short_of_segments(j, false);
}

int
journal_room(struct journal *j, size_t messages, uint64_t bytes)
{
    return room_for(j, messages == 0, messages, bytes);
}

int
journal_append(struct journal *j, const uint8_t *record, uint32_t length, struct place *ret_place)
{
    uint8_t kind = record[RECORD_AT_KIND];
    uint64_t seq = le64_get(record + RECORD_AT_SEQ);
    bool is_message = kind == RECORD_MESSAGE;
    bool is_new = is_message && seq >= j->next.seq;

    if (length > j->batch_cap)
        return -EMSGSIZE;
    int rc = room_for(j, !is_new, 1, length);
    if (rc != JOURNAL_OK)
        return rc;
    batch_append(j->gathering, record, length, is_new, ret_place);
    if (is_new) {
        j->next.seq = seq + 1;
        j->next.messages++;
        j->messages++;
    } else if (is_message) {
        j->gathering->header.moved++;
    }
    if (is_message)
        segments_retain(&j->segments, *ret_place);
    j->appended_bytes += length;
    return JOURNAL_OK;
}

bool
journal_gathered_messages(const struct journal *j)
{
    return j->gathering->header.messages > 0 || j->gathering->header.moved > 0;
}

bool
journal_gathered_anything(const struct journal *j)
{
    return j->gathering->header.records > 0;
}

/* Completes the gathering batch and describes the write; the other buffer gathers from now on. */
void
journal_hand(struct journal *j, struct write_job *ret_job)
{
    struct batch *b = j->gathering;
    struct segment *segment = segments_find(&j->segments, b->header.segment);
    struct segment *head = segments_find(&j->segments, j->segments.head);
    uint32_t offset, end = batch_end(b);

    sluice_assert(segment != NULL && head != NULL && segment->fd >= 0);
    b->header.epoch = j->epoch;
    b->header.seq_after = j->next.seq;
    b->header.head = head->number;
    b->header.head_start = head->start;
    b->header.written_us = clock_wall_us();
    if (b->begins_segment)
        b->segment_header = (struct segment_header){
            .segment = segment->number,
            .segment_bytes = segment->bytes,
            .epoch = j->epoch,
            .start = b->header.start,
            .ledger = j->ledger_before,
        };
    *ret_job = (struct write_job){
        .fd = segment->fd,
        .segment = segment->number,
        .next_seq = j->next.seq,
        .head = head->number,
        .mark_offset = end + LAYOUT_BLOCK <= segment->bytes ? end : 0,
        .mark_size = layout_write_end(end + LAYOUT_BLOCK, segment->bytes) - end,
    };
    batch_finish(b, &j->id, &ret_job->data, &ret_job->size, &offset);
    ret_job->offset = offset;
    j->next.batch++;
    struct batch_header mark = b->header;
    mark.kind = BATCH_MARK;
    mark.bytes = mark.records = mark.messages = mark.moved = 0;
    mark.start = j->next;
    batch_header_write(ret_job->mark, &j->id, &mark);
    segment->used = end;
    j->gathering = j->handed;
    j->handed = b;
    batch_clear(j->gathering);
}

void
journal_hand_over(struct journal *j, const struct ledger *ledger)
{
    struct write_job job;

    j->serving = true;
    if (j->error != 0)
        return;
    journal_reclaim(j);
    if (j->gathering->header.records > 0) {
        if (!writer_is_free(&j->writer))
            return;
        journal_hand(j, &job);
        writer_hand(&j->writer, &job);
    }
    j->ledger_before = *ledger;
}

static void
journal_fail(struct journal *j, int error, const char *text)
{
    if (j->error != 0)
        return;
    j->error = error;
    snprintf(j->error_text, sizeof(j->error_text), "%s", text);
}

int
journal_turn(struct journal *j, uint64_t *ret_durable_seq)
{
    struct writer_state state;
    uint64_t count;

    ssize_t n = read(j->event_fd, &count, sizeof(count));
    (void)n; /* EAGAIN: nothing new */
    writer_look(&j->writer, &state);
    spare_look(&j->spare, &j->spares);
    if (state.failed != 0)
        journal_fail(j, state.failed, j->writer.text);
    if (j->spares.failed != 0)
        journal_fail(j, j->spares.failed, j->spare.text);
    if (j->error != 0)
        return JOURNAL_FAILED;
    j->durable_head = state.head;
    journal_reclaim(j);
    if (j->epochs.n > 0)
        j->epochs.list[j->epochs.n - 1].last_seq = state.next_seq - 1;
    *ret_durable_seq = state.next_seq - 1;
    return JOURNAL_OK;
}

int
journal_error(const struct journal *j)
{
    return j->error;
}

const char *
journal_error_text(const struct journal *j)
{
    return j->error_text;
}

void
journal_release(struct journal *j, struct place place)
{
    segments_release(&j->segments, place);
}

void
journal_retain(struct journal *j, struct place place)
{
    segments_retain(&j->segments, place);
}

size_t
journal_epochs(const struct journal *j, const struct journal_epoch **ret)
{
    *ret = j->epochs.list;
    return j->epochs.n;
}

size_t
journal_losses(struct journal *j, const struct journal_loss **ret)
{
    struct losses now;

    if (losses_load(&j->folder, &now) == 0) {
        losses_deinit(&j->losses);
        j->losses = now;
    }
    *ret = j->losses.list;
    return j->losses.n;
}

/* What intake may still append before FULL: the tail's rest and every segment that can be had. */
static uint64_t
bytes_until_full(const struct journal *j, const struct spare_view *spares)
{
    const struct segment *tail = segments_tail(&j->segments);
    uint64_t live = tail->number - j->segments.head + 1;
    uint64_t rest = tail->bytes - tail->used;
    uint64_t segments;

    if (spares->stuck && spares->files < j->max_files)
        segments = spares->ready + (j->segments.head - j->segments.list[0].number);
    else
        segments = j->max_files > live ? j->max_files - live : 0;
    if (segments < SPARE_RESERVE)
        return 0;
    return rest + (segments - SPARE_RESERVE) * j->segment_bytes;
}

void
journal_figures(struct journal *j, struct journal_figures *ret)
{
    struct writer_state state;
    struct spare_view spares;

    writer_look(&j->writer, &state);
    spare_look(&j->spare, &spares);
    *ret = (struct journal_figures){
        .bytes = (uint64_t)spares.files * j->segment_bytes,
        .live_bytes = j->segments.live_bytes,
        .free_bytes_until_full = bytes_until_full(j, &spares),
        .segments = (uint32_t)j->segments.n,
        .spare_segments = spares.ready,
        .batches = j->next.batch - j->first_batch,
        .syncs = state.done,
        .sync_us_total = state.sync_us_total,
        .sync_us_max = state.sync_us_max,
        .messages = j->messages,
        .appended_bytes = j->appended_bytes,
        .full = spares.stuck && spares.recycling == 0 && spares.ready < SPARE_RESERVE,
    };
    for (size_t i = 0; i < j->losses.n; i++)
        ret->damaged_messages += j->losses.list[i].messages;
}
