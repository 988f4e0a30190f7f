/* The scanner. A bad record costs only itself: the walk finds the next intact one by its length or,
 * if that was hit, byte by byte; CRCs are seeded with a secret, so that a body can't pose as one.
 */
#include "broker/journal/scan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "broker/journal/folder.h"

int
scan_init(struct scan *s, const struct layout_id *id, int fd, uint32_t segment)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return -errno;
    *s = (struct scan){
        .id = id,
        .fd = fd,
        .segment = segment,
        .size = (uint64_t)st.st_size,
        .position = LAYOUT_HEADER_BLOCK,
    };
    return 0;
}

void
scan_deinit(struct scan *s)
{
    free(s->window);
    s->window = NULL;
    s->window_cap = s->window_size = 0;
}

int
scan_bytes(struct scan *s, uint64_t offset, size_t size, const uint8_t **ret)
{
    if (offset > s->size || size > s->size - offset)
        return -ENODATA;
    if (offset < s->window_at || offset + size > s->window_at + s->window_size) {
        size_t want = size > SCAN_WINDOW ? size : SCAN_WINDOW;
        if (want > s->size - offset)
            want = (size_t)(s->size - offset);
        if (want > s->window_cap) {
            s->window = mem_grow(s->window, want, 1);
            s->window_cap = want;
        }
        s->window_size = 0;
        int rc = file_pread(s->fd, s->window, want, offset);
        if (rc != 0)
            return rc;
        s->window_at = offset;
        s->window_size = want;
    }
    *ret = s->window + (offset - s->window_at);
    return 0;
}

int
scan_header(struct scan *s, struct segment_header *ret_header, unsigned *ret_copies)
{
    uint8_t block[LAYOUT_HEADER_BLOCK];
    struct segment_header h;
    unsigned copies = 0;

    int rc = file_pread(s->fd, block, sizeof(block), 0);
    if (rc == -ENODATA) {
        *ret_copies = 0;
        return 0;
    }
    if (rc != 0)
        return rc;
    if (segment_header_read(block + LAYOUT_HEADER_TWIN, s->id, s->segment, &h)) {
        copies |= 2;
        *ret_header = h;
    }
    if (segment_header_read(block, s->id, s->segment, &h)) {
        copies |= 1;
        *ret_header = h;
    }
    *ret_copies = copies;
    return 0;
}

/* 1: a valid header stands here that may follow what came before; 0: none; or -errno. */
static int
header_at(struct scan *s, uint64_t offset, struct batch_header *ret)
{
    const uint8_t *p;

    int rc = scan_bytes(s, offset, LAYOUT_BATCH_HEADER, &p);
    if (rc == -ENODATA)
        return 0;
    if (rc != 0)
        return rc;
    if (!batch_header_read(p, s->id, s->segment, ret) || ret->start.batch < s->next_batch)
        return 0;
    uint64_t bytes = ret->kind == BATCH_MARK ? 0 : ret->bytes;
    return bytes <= s->size - offset - LAYOUT_BATCH_HEADER;
}

static void
item_take(struct scan *s, uint64_t offset, const struct batch_header *h, struct scan_item *ret)
{
    *ret = (struct scan_item){.offset = offset, .header = *h};
    if (h->kind == BATCH_MARK) {
        ret->kind = SCAN_MARK;
        ret->end = offset + LAYOUT_BLOCK;
        s->next_batch = h->start.batch;
        s->after_mark = true;
    } else {
        uint64_t end = offset + LAYOUT_BATCH_HEADER + h->bytes;
        ret->kind = SCAN_BATCH;
        ret->end = end;
        s->position = (end + LAYOUT_BLOCK - 1) / LAYOUT_BLOCK * LAYOUT_BLOCK;
        s->next_batch = h->start.batch + 1;
    }
}

int
scan_next(struct scan *s, uint64_t limit, struct scan_item *ret)
{
    struct batch_header h;

    *ret = (struct scan_item){.kind = SCAN_END, .offset = s->position, .end = s->size};
    if (s->after_mark || s->position >= s->size)
        return 0;
    if (s->next_batch != 0 && s->next_batch >= limit)
        return 0;
    int rc = header_at(s, s->position, &h);
    if (rc < 0)
        return rc;
    if (rc == 1) {
        if (h.kind == BATCH_RECORDS && h.start.batch >= limit)
            return 0; /* void: written again in a later segment */
        item_take(s, s->position, &h, ret);
        return 0;
    }
    for (uint64_t at = s->position + LAYOUT_BLOCK; at < s->size; at += LAYOUT_BLOCK) {
        rc = header_at(s, at, &h);
        if (rc < 0)
            return rc;
        if (rc == 1 && h.start.batch < limit) {
            *ret = (struct scan_item){.kind = SCAN_GAP, .offset = s->position, .end = at};
            s->position = at;
            return 0;
        }
    }
    return 0;
}

bool
scan_torn_at(struct scan *s, uint64_t offset)
{
    const uint8_t *p;
    struct record r;

    if (scan_bytes(s, offset, LAYOUT_BATCH_HEADER, &p) != 0)
        return false;
    if (batch_header_resembles(p, s->id, s->segment))
        return true;
    if (scan_bytes(s, offset + LAYOUT_BATCH_HEADER, 4, &p) != 0)
        return false;
    uint32_t length = le32_get(p);
    if (length < RECORD_HEADER_BYTES ||
        scan_bytes(s, offset + LAYOUT_BATCH_HEADER, length, &p) != 0)
        return false;
    return record_read(p, length, &r) == RECORD_OK &&
           r.crc == record_crc(p, length, layout_seed(s->id, s->segment));
}

static bool
record_at(const struct record_walk *w, uint32_t position, struct record *ret)
{
    return record_read(w->data + position, w->size - position, ret) == RECORD_OK &&
           ret->crc == record_crc(w->data + position, ret->length, w->seed);
}

/* Where the next intact record begins after a bad one at position, or the end. */
static uint32_t
record_search(const struct record_walk *w, uint32_t position)
{
    struct record r;

    if (w->size - position >= 4) {
        uint32_t length = le32_get(w->data + position);
        if (length >= RECORD_HEADER_BYTES && length <= w->size - position) {
            uint32_t next = position + length;
            if (next == w->size || record_at(w, next, &r))
                return next;
        }
    }
    for (uint32_t at = position + 1; at < w->size; at++)
        if (record_at(w, at, &r))
            return at;
    return w->size;
}

enum walk_kind
record_walk_next(struct record_walk *w, struct walk_item *ret)
{
    if (w->position >= w->size)
        return WALK_END;
    ret->offset = w->position;
    if (record_at(w, w->position, &ret->record)) {
        ret->end = w->position + ret->record.length;
        w->position = ret->end;
        return WALK_RECORD;
    }
    ret->end = record_search(w, w->position);
    w->position = ret->end;
    return WALK_BAD;
}
