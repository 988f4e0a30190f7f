/* Opening: find the end, raise the epoch, replay, begin a new segment with what may not have
 * reached the disk, start the threads. And closing. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "broker/journal/inner.h"
#include "broker/journal/replay.h"
#include "broker/journal/tail.h"

#define WHY_MAX 4096

/* What an open needs besides the journal it builds. */
struct opening {
    const struct journal_limits *limits;
    struct found_list found;
    struct tail tail;
    struct replay replay;
    struct ledger base;
    struct layout_point begin; /* where replay began */
    struct journal_opened opened;
    struct buf why;
};

static void
opening_deinit(struct opening *o)
{
    found_deinit(&o->found);
    tail_deinit(&o->tail);
    damage_deinit(&o->replay.damage);
    buf_deinit(&o->why);
}

static void
journal_deinit(struct journal *j)
{
    journal_move_end(j);
    if (j->writer_made)
        writer_deinit(&j->writer);
    if (j->spare_made)
        spare_deinit(&j->spare);
    segments_deinit(&j->segments);
    batch_deinit(&j->batches[0]);
    batch_deinit(&j->batches[1]);
    epochs_deinit(&j->epochs);
    losses_deinit(&j->losses);
    folder_close(&j->folder);
    if (j->event_fd >= 0)
        close(j->event_fd);
    free(j);
}

static int
limits_take(struct journal *j, const struct journal_limits *limits, struct buf *why)
{
    j->segment_bytes = limits->segment_bytes / LAYOUT_BLOCK * LAYOUT_BLOCK;
    j->keep_bytes = limits->keep_bytes;
    j->keep_us = limits->keep_us;
    uint64_t files = j->segment_bytes > 0 ? limits->max_bytes / j->segment_bytes : 0;
    if (files < JOURNAL_SEGMENTS_MIN || files > UINT32_MAX || limits->batch_bytes == 0 ||
        j->segment_bytes < 2 * LAYOUT_HEADER_BLOCK) {
        buf_printf(why, "the journal's cap must hold %u segments or more; ", JOURNAL_SEGMENTS_MIN);
        return -EINVAL;
    }
    j->max_files = (uint32_t)files;
    uint32_t most = j->segment_bytes - LAYOUT_HEADER_BLOCK - LAYOUT_BATCH_HEADER;
    j->batch_cap = limits->batch_bytes < most ? limits->batch_bytes : most;
    return 0;
}

static int
folder_take(struct journal *j, struct opening *o)
{
    bool made = false;

    int rc = folder_open(o->limits->dir, true, &j->folder);
    if (rc == 0)
        rc = folder_identity(&j->folder, true, &j->id, &made);
    if (rc == 0)
        rc = found_read(&j->folder, &j->id, &o->found);
    if (rc == JOURNAL_LOCKED)
        buf_printf(&o->why, "%s: another process holds the journal; ", o->limits->dir);
    else if (rc == JOURNAL_FOREIGN)
        buf_printf(&o->why, "%s: not a journal of this format; ", o->limits->dir);
    else if (rc != 0)
        buf_printf(&o->why, "%s: %s; ", o->limits->dir, strerror(-rc));
    o->opened.uuid = j->id.uuid;
    return rc;
}

/* The end of the journal; what is torn is copied away before anything else is written. */
static int
end_find(struct journal *j, struct opening *o)
{
    struct tail *t = &o->tail;
    char name[LAYOUT_NAME_SIZE], torn[LAYOUT_NAME_SIZE + 8];
    int fd;

    int rc = tail_find(&j->folder, &j->id, &o->found, t);
    if (rc != 0 || t->torn_segment == 0)
        return rc;
    layout_name(t->torn_segment, name);
    snprintf(torn, sizeof(torn), "%s.torn", name);
    buf_printf(&o->why, "%s:%" PRIu64 ": torn-tail: %" PRIu64 " bytes cut; ", name, t->torn_offset,
               t->torn_bytes);
    o->opened.torn_bytes = t->torn_bytes;
    struct found segment = {.number = t->torn_segment};
    rc = found_open(&j->folder, &segment, &fd);
    if (rc != 0)
        return rc;
    rc = folder_copy(&j->folder, fd, t->torn_offset, t->torn_bytes, torn, false);
    close(fd);
    return rc;
}

static int
epoch_raise(struct journal *j, struct opening *o)
{
    size_t bad = 0;
    uint64_t bad_offset = 0;
    uint64_t next_seq = o->tail.is_held ? o->tail.held_seq_after : o->tail.next.seq;

    int rc = epochs_load(&j->folder, &j->epochs, &bad, &bad_offset);
    if (rc == 0 && bad > 0)
        buf_printf(&o->why, "epochs:%" PRIu64 ": entry-crc: %zu entries passed over; ", bad_offset,
                   bad);
    if (rc == 0)
        rc = epochs_raise(&j->folder, &j->epochs, o->tail.epoch + 1, next_seq);
    if (rc != 0)
        return rc;
    j->epoch = j->epochs.list[j->epochs.n - 1].epoch;
    o->opened.epoch = j->epoch;
    o->opened.next_seq = next_seq;
    return 0;
}

static int
records_replay(struct journal *j, struct opening *o, journal_replay_fn *fn, void *arg)
{
    struct replay *r = &o->replay;

    *r = (struct replay){.folder = &j->folder, .id = &j->id, .fn = fn, .arg = arg, .why = &o->why};
    size_t index = replay_start(r, &o->found, &o->tail, &o->base);
    o->begin = r->expected;
    o->opened.ledger = o->base;
    if (o->limits->begin != NULL)
        o->limits->begin(arg, &o->base);
    int rc = replay_run(r, &o->found, &o->tail, index);
    return rc;
}

/* The table of what lies on disk; ready segments behind the tail become spares. Files behind a hole
 * or of another size are of no use. */
static int
segments_take(struct journal *j, struct opening *o)
{
    const struct found_list *l = &o->found;
    uint32_t files = (uint32_t)l->n, tail_number = 0;
    int rc = 0, fd;

    segments_init(&j->segments, &j->folder);
    for (size_t i = 0; i < l->begun; i++) {
        const struct found *found = &l->list[i];
        if (i == 0 && o->tail.head != 0 && o->tail.head < found->number)
            segments_add(&j->segments, o->tail.head, 0, -1);
        while (j->segments.n > 0 && segments_tail(&j->segments)->number + 1 < found->number)
            segments_add(&j->segments, segments_tail(&j->segments)->number + 1, 0, -1);
        struct segment *segment =
            segments_add(&j->segments, found->number, (uint32_t)found->bytes, -1);
        segment->start = found->first;
        segment->used = segment->bytes;
        tail_number = found->number;
    }
    if (j->segments.n > 0 && o->tail.head != 0)
        segments_set_head(&j->segments, o->tail.head, clock_mono_us());
    struct spare_limits limits = {.segment_bytes = j->segment_bytes, .max_files = j->max_files};
    rc = spare_init(&j->spare, &j->folder, &limits, j->event_fd, files, tail_number + 1);
    j->spare_made = true;
    bool fits = o->tail.held_bytes <= j->segment_bytes - LAYOUT_HEADER_BLOCK - LAYOUT_BATCH_HEADER;
    for (size_t i = l->begun; i < l->n && rc == 0; i++) {
        const struct found *found = &l->list[i];
        char name[LAYOUT_NAME_SIZE];
        layout_name(found->number, name);
        fits = fits && found->number == j->spare.next_number && found->bytes == j->segment_bytes &&
               j->spare.n_ready < SPARE_MAX;
        if (!fits) {
            rc = unlinkat(j->folder.fd, name, 0) < 0 ? -errno : 0;
            j->spare.files--;
            continue;
        }
        fd = openat(j->folder.fd, name, O_RDWR | O_CLOEXEC);
        if (fd < 0)
            return -errno;
        spare_add(&j->spare, &(struct spare_segment){found->number, j->segment_bytes, fd});
    }
    return rc;
}

/* Totals before the batch that begins the new segment. */
static void
ledger_sum(struct journal *j, const struct opening *o)
{
    j->ledger_before = o->base;
    j->ledger_before.accepted += j->next.messages - o->begin.messages;
    j->ledger_before.last_seq = j->next.seq - 1;
    for (size_t i = 0; i < OUTCOME_LIMIT; i++)
        j->ledger_before.by_outcome[i] += o->replay.done[i];
    j->ledger_before.by_outcome[OUTCOME_DAMAGED] += damage_lost(&o->replay.damage);
}

/* The batch held back, under its own number; an empty one if there is none. */
static void
held_append(struct journal *j, const struct opening *o)
{
    const struct tail *t = &o->tail;
    struct place place;

    for (uint32_t at = 0; at < t->held_bytes;) {
        const uint8_t *record = t->held + at;
        uint32_t length = le32_get(record);
        uint64_t seq = le64_get(record + 24);
        bool is_message = record[8] == RECORD_MESSAGE, is_new = is_message && seq >= t->next.seq;
        batch_append(j->gathering, record, length, is_new, &place);
        if (is_new)
            j->next.messages++;
        else if (is_message)
            j->gathering->header.moved++;
        at += length;
    }
    if (t->is_held)
        j->next.seq = t->held_seq_after;
}

/* Gives the disk back what the last segment holds beyond its end. 1: nothing. */
static int
last_segment_trim(struct journal *j, const struct tail *t)
{
    struct segment *last = segments_tail(&j->segments);
    uint64_t end = (t->last_end + LAYOUT_BLOCK - 1) / LAYOUT_BLOCK * LAYOUT_BLOCK;
    int fd;

    if (t->last_end == 0 || last == NULL || last->bytes <= end)
        return 1;
    int rc = segments_fd(&j->segments, last, &fd);
    if (rc == 0 && (ftruncate(fd, (off_t)end) < 0 || fsync(fd) < 0))
        rc = -errno;
    if (rc == 0) {
        j->segments.held_bytes -= last->bytes - end;
        last->bytes = last->used = (uint32_t)end;
    }
    return rc;
}

/* On a full disk each start would cost a segment until none is possible; but the one that the start
 * before took is almost empty. */
static int
first_segment_make(struct journal *j, const struct opening *o, uint32_t bytes)
{
    int rc = spare_make_now(&j->spare, bytes);

    if (rc != -ENOSPC && rc != -EDQUOT)
        return rc;
    int trimmed = last_segment_trim(j, &o->tail);
    if (trimmed != 0)
        return trimmed < 0 ? trimmed : rc;
    return spare_make_now(&j->spare, bytes);
}

static int
segment_begin(struct journal *j, struct opening *o)
{
    struct spare_segment first;
    struct write_job job;
    uint32_t cap = j->batch_cap > o->tail.held_bytes ? j->batch_cap : o->tail.held_bytes;
    uint32_t least = layout_align(LAYOUT_HEADER_BLOCK + LAYOUT_BATCH_HEADER + o->tail.held_bytes);

    batch_init(&j->batches[0], cap);
    batch_init(&j->batches[1], cap);
    j->gathering = &j->batches[0];
    j->handed = &j->batches[1];
    j->next = o->tail.next;
    j->first_batch = j->next.batch;
    int rc = first_segment_make(j, o, least > j->segment_bytes ? least : j->segment_bytes);
    if (rc != 0)
        return rc;
    bool there = spare_take(&j->spare, &first);
    sluice_assert(there);
    struct segment *segment = segments_add(&j->segments, first.number, first.bytes, first.fd);
    segment->start = j->next;
    ledger_sum(j, o);
    batch_place(j->gathering, &j->id, first.number, LAYOUT_HEADER_BLOCK, first.bytes, &j->next);
    held_append(j, o);
    rc = writer_init(&j->writer, j->event_fd);
    if (rc != 0)
        return rc;
    j->writer_made = true;
    journal_hand(j, &job);
    return writer_do(&j->writer, &job);
}

static void
held_replay(struct journal *j, struct opening *o)
{
    const struct batch *b = j->handed;
    struct record_walk w = {.data = batch_records(b), .size = b->header.bytes, .seed = b->seed};
    struct walk_item item;

    while (record_walk_next(&w, &item) == WALK_RECORD)
        replay_record(&o->replay, &item.record,
                      (struct place){.segment = b->header.segment,
                                     .offset = b->offset + LAYOUT_BATCH_HEADER + item.offset,
                                     .length = item.end - item.offset});
}

static int
damage_settle(struct journal *j, struct opening *o)
{
    replay_losses(&o->replay);
    int rc = losses_add(&j->folder, &o->replay.damage);
    if (rc == 0)
        rc = losses_load(&j->folder, &j->losses);
    if (rc != 0)
        return rc;
    for (size_t i = 0; i < j->losses.n; i++)
        o->opened.damaged_messages += j->losses.list[i].messages;
    return 0;
}

static int
threads_start(struct journal *j)
{
    /* Each start takes a segment, and at the cap too the reserve must stand. */
    uint32_t least = j->spare.files - j->spare.n_ready + SPARE_RESERVE;

    if (j->spare.limits.max_files < least)
        j->spare.limits.max_files = j->max_files = least;
    int rc = writer_start(&j->writer);
    if (rc == 0)
        rc = spare_start(&j->spare);
    if (rc != 0)
        return rc;
    spare_settle(&j->spare);
    spare_look(&j->spare, &j->spares);
    return -j->spares.failed;
}

static int
journal_build(struct journal *j, struct opening *o, journal_replay_fn *fn, void *arg)
{
    j->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int rc = j->event_fd < 0 ? -errno : 0;
    if (rc == 0)
        rc = limits_take(j, o->limits, &o->why);
    if (rc != 0)
        return rc;
    rc = folder_take(j, o);
    if (rc != 0)
        return rc;
    rc = end_find(j, o);
    if (rc == 0)
        rc = epoch_raise(j, o);
    if (rc == 0)
        rc = records_replay(j, o, fn, arg);
    if (rc == 0)
        rc = segments_take(j, o);
    if (rc == 0)
        rc = segment_begin(j, o);
    if (rc == 0) {
        held_replay(j, o);
        rc = damage_settle(j, o);
    }
    if (rc == 0)
        rc = threads_start(j);
    if (rc != 0) {
        bool is_writer = j->writer_made && j->writer.state.failed != 0;
        bool is_spare = j->spare_made && j->spare.failed != 0;
        buf_printf(&o->why, "%s: %s; ", o->limits->dir,
                   is_writer  ? j->writer.text
                   : is_spare ? j->spare.text
                              : strerror(-rc));
    }
    return rc;
}

int
journal_open(const struct journal_limits *limits, journal_replay_fn *replay, void *arg,
             struct journal **ret_journal, struct journal_opened *ret_opened, char **ret_why)
{
    struct journal *j = mem_new(1, sizeof(*j));
    struct opening o = {.limits = limits};

    j->folder = (struct folder){.fd = -1, .identity_fd = -1};
    buf_init(&o.why, WHY_MAX);
    int rc = journal_build(j, &o, replay, arg);
    if (ret_why != NULL) {
        *ret_why = NULL;
        if (o.why.size >= 2) {
            *ret_why = mem_new(o.why.size, 1);
            memcpy(*ret_why, o.why.data, o.why.size - 2); /* without the last "; " */
        }
    }
    if (rc == 0) {
        o.opened.segments = (uint32_t)j->segments.n;
        *ret_opened = o.opened;
        *ret_journal = j;
    } else {
        journal_deinit(j);
    }
    opening_deinit(&o);
    return rc;
}

void
journal_close(struct journal **journal_p)
{
    struct journal *j = *journal_p;
    struct write_job job;

    if (j == NULL)
        return;
    *journal_p = NULL;
    writer_stop(&j->writer);
    if (j->writer.state.failed == 0 && j->error == 0 && j->gathering->header.records > 0) {
        journal_hand(j, &job);
        writer_do(&j->writer, &job); /* a failure was never reported durable; the next open sees */
    }
    journal_deinit(j);
}
