/* Walking what is on disk while the journal runs: the head's messages, to move them, and done
 * records, for reconcile. Only segments before the tail are walked, and of the tail what is synced.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "broker/journal/inner.h"

/* The first batch that is not to be walked: the next segment's, or one that is not synced. */
static uint64_t
move_limit(struct journal *j, const struct segment *after)
{
    struct writer_state state;

    writer_look(&j->writer, &state);
    uint64_t synced = j->first_batch + state.done;
    return after != NULL && after->start.batch < synced ? after->start.batch : synced;
}

void
journal_move_end(struct journal *j)
{
    if (j->move.open)
        scan_deinit(&j->move.scan);
    j->move.open = false;
    j->move.walk = (struct record_walk){0};
}

static int
move_begin(struct journal *j)
{
    struct segment *head = segments_find(&j->segments, j->segments.head);
    int fd;

    journal_move_end(j);
    int rc = segments_fd(&j->segments, head, &fd);
    if (rc == 0)
        rc = scan_init(&j->move.scan, &j->id, fd, head->number);
    if (rc != 0)
        return rc;
    j->move.open = true;
    j->move.segment = head->number;
    j->move.survivors_before = head->survivors;
    return 0;
}

/* The file may have been closed behind our back; opening it again changes nothing else. */
static int
move_continue(struct journal *j)
{
    struct segment *head = segments_find(&j->segments, j->segments.head);

    return segments_fd(&j->segments, head, &j->move.scan.fd);
}

/* 1: the head has no more batches. */
static int
move_next_batch(struct journal *j)
{
    struct scan_item item;
    const uint8_t *records;
    struct scan *s = &j->move.scan;
    uint64_t limit = move_limit(j, segments_find(&j->segments, j->move.segment + 1));

    do {
        int rc = scan_next(s, limit, &item);
        if (rc != 0)
            return rc;
    } while (item.kind == SCAN_GAP || item.kind == SCAN_MARK);
    if (item.kind == SCAN_END)
        return 1;
    j->move.batch_at = item.offset + LAYOUT_BATCH_HEADER;
    int rc = scan_bytes(s, j->move.batch_at, item.header.bytes, &records);
    if (rc != 0)
        return rc;
    j->move.walk = (struct record_walk){
        .data = records, .size = item.header.bytes, .seed = layout_seed(&j->id, j->move.segment)};
    return 0;
}

int
journal_head_next(struct journal *j, uint8_t *buf, size_t buf_size, struct record *ret_record,
                  struct place *ret_place)
{
    struct walk_item item;
    int rc;

    const struct segment *first = segments_find(&j->segments, j->segments.head);
    if (first == segments_tail(&j->segments) || first->bytes == 0)
        return 1; /* without bytes: a segment that was missing at open; nobody survives in it */
    if (!j->move.open || j->move.segment != j->segments.head)
        rc = move_begin(j);
    else
        rc = move_continue(j);
    while (rc == 0) {
        enum walk_kind kind = record_walk_next(&j->move.walk, &item);
        if (kind == WALK_END) {
            rc = move_next_batch(j);
            continue;
        }
        if (kind == WALK_BAD || item.record.kind != RECORD_MESSAGE)
            continue;
        if (item.record.length > buf_size)
            return -EMSGSIZE;
        memcpy(buf, j->move.walk.data + item.offset, item.record.length);
        record_set_crc(buf, 0);
        int outcome = record_read(buf, item.record.length, ret_record);
        sluice_assert(outcome == RECORD_OK);
        *ret_place = (struct place){.segment = j->move.segment,
                                    .offset = (uint32_t)(j->move.batch_at + item.offset),
                                    .length = item.record.length};
        return 0;
    }
    if (rc == 1) {
        const struct segment *head = segments_find(&j->segments, j->segments.head);
        if (head->survivors > 0 && head->survivors == j->move.survivors_before)
            j->move.useless = head->number;
        journal_move_end(j);
    }
    return rc;
}

/* A position among done records: segment (24 bits, enough to tell those on disk apart), block of
 * the batch (21 bits), index of the record in its batch (19 bits). */
#define CURSOR_INDEX_BITS 19
#define CURSOR_BLOCK_BITS 21
#define CURSOR_SEGMENT_MASK 0xffffffu

struct done_walk {
    struct record *ret;
    size_t n, limit;
    uint32_t segment, block, index; /* of the next record to look at */
};

/* The done records of one batch, from w->index on. false: there is no more room. */
static bool
done_from_batch(struct done_walk *w, struct record_walk *records)
{
    struct walk_item item;
    uint32_t index = 0;

    for (enum walk_kind k = record_walk_next(records, &item); k != WALK_END;
         k = record_walk_next(records, &item), index++) {
        if (index < w->index || k != WALK_RECORD || item.record.kind != RECORD_DONE)
            continue;
        if (w->n == w->limit) {
            w->index = index;
            return false;
        }
        struct record *r = &w->ret[w->n++];
        *r = item.record;
        r->service = r->scope = NULL;
        r->body = NULL;
        r->service_len = r->scope_len = 0;
        r->body_len = 0;
    }
    w->index = 0;
    return true;
}

/* 1: room is used up; 0: the segment is through; or -errno. */
static int
done_from_segment(struct journal *j, struct done_walk *w, struct scan *s, uint64_t limit)
{
    struct scan_item item;
    const uint8_t *records;

    if (w->block > 0)
        s->position = (uint64_t)w->block * LAYOUT_BLOCK;
    for (;;) {
        int rc = scan_next(s, limit, &item);
        if (rc != 0 || item.kind == SCAN_END || item.kind == SCAN_MARK)
            return rc;
        if (item.kind == SCAN_GAP || item.header.start.batch >= limit)
            continue;
        rc = scan_bytes(s, item.offset + LAYOUT_BATCH_HEADER, item.header.bytes, &records);
        if (rc != 0)
            return rc;
        struct record_walk walk = {
            .data = records, .size = item.header.bytes, .seed = layout_seed(&j->id, s->segment)};
        w->block = (uint32_t)(item.offset / LAYOUT_BLOCK);
        if (!done_from_batch(w, &walk))
            return 1;
    }
}

size_t
journal_done_after(struct journal *j, uint64_t cursor, struct record *ret, size_t limit,
                   uint64_t *ret_cursor)
{
    uint32_t first = j->segments.list[0].number;
    struct done_walk w = {.ret = ret, .limit = limit, .segment = first};
    struct scan s;
    int fd;

    if (cursor != 0) {
        uint32_t low = (uint32_t)(cursor >> (CURSOR_INDEX_BITS + CURSOR_BLOCK_BITS));
        w.segment = first + ((low - first) & CURSOR_SEGMENT_MASK);
        w.block = (uint32_t)(cursor >> CURSOR_INDEX_BITS) & ((1u << CURSOR_BLOCK_BITS) - 1);
        w.index = (uint32_t)cursor & ((1u << CURSOR_INDEX_BITS) - 1);
        if (segments_find(&j->segments, w.segment) == NULL)
            w.segment = first, w.block = w.index = 0; /* it left meanwhile: from the oldest on */
    }
    for (;; w.segment++, w.block = w.index = 0) {
        struct segment *segment = segments_find(&j->segments, w.segment);
        const struct segment *after = segments_find(&j->segments, w.segment + 1);
        uint64_t end = move_limit(j, after);
        if (segment->bytes > 0 && segments_fd(&j->segments, segment, &fd) == 0 &&
            scan_init(&s, &j->id, fd, w.segment) == 0) {
            int rc = done_from_segment(j, &w, &s, end);
            uint64_t next_block = s.position / LAYOUT_BLOCK;
            scan_deinit(&s);
            if (rc == 1)
                break;
            if (after == NULL)
                w.block = (uint32_t)next_block;
        }
        if (after == NULL)
            break;
    }
    *ret_cursor = (uint64_t)(w.segment & CURSOR_SEGMENT_MASK)
                      << (CURSOR_INDEX_BITS + CURSOR_BLOCK_BITS) |
                  (uint64_t)w.block << CURSOR_INDEX_BITS | w.index;
    return w.n;
}
