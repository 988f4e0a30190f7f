/* Reading the headers and the end of the journal; writes nothing. */
#include "broker/journal/tail.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "broker/journal/journal.h"
#include "broker/journal/scan.h"

#define TORN_BYTES_MAX                                                                             \
    (8u << 20) /* copied of a torn batch whose header does not say how long it is */

int
found_open(const struct folder *f, const struct found *found, int *ret_fd)
{
    char name[LAYOUT_NAME_SIZE];

    layout_name(found->number, name);
    int fd = openat(f->fd, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    *ret_fd = fd;
    return 0;
}

/* Without a valid header: does anything in the file say that it was begun? Ready segments hold
 * zeros or another number's header; only a file that shows neither is searched to its end. */
static int
found_search(struct scan *s, struct found *found)
{
    struct scan_item item;
    const uint8_t *block;
    static const uint8_t zeros[LAYOUT_HEADER_BYTES];

    int rc = scan_bytes(s, 0, LAYOUT_HEADER_BLOCK, &block);
    if (rc == -ENODATA)
        return 0;
    if (rc != 0)
        return rc;
    uint32_t claimed = le32_get(block + 12), twin = le32_get(block + LAYOUT_HEADER_TWIN + 12);
    struct segment_header h;
    bool is_ready =
        memcmp(block, zeros, sizeof(zeros)) == 0 ||
        (claimed != s->segment && segment_header_read(block, s->id, claimed, &h)) ||
        (twin != s->segment && segment_header_read(block + LAYOUT_HEADER_TWIN, s->id, twin, &h));
    if (is_ready) {
        struct batch_header first;
        const uint8_t *p;
        rc = scan_bytes(s, LAYOUT_HEADER_BLOCK, LAYOUT_BATCH_HEADER, &p);
        if (rc != 0)
            return rc == -ENODATA ? 0 : rc;
        found->begun = batch_header_read(p, s->id, s->segment, &first);
        if (found->begun)
            found->first = first.start;
        return 0;
    }
    do {
        rc = scan_next(s, UINT64_MAX, &item);
    } while (rc == 0 && item.kind == SCAN_GAP);
    if (rc == 0 && item.kind != SCAN_END) {
        found->begun = true;
        found->first = item.header.start;
    }
    return rc;
}

/* Both copies name another journal or a newer format: not our file, and not one flipped bit. */
static int
found_is_foreign(struct scan *s, bool *ret)
{
    const uint8_t *block;

    *ret = false;
    int rc = scan_bytes(s, 0, LAYOUT_HEADER_BLOCK, &block);
    if (rc != 0)
        return rc == -ENODATA ? 0 : rc;
    const uint8_t *twin = block + LAYOUT_HEADER_TWIN;
    bool is_segment = memcmp(block, "SLUSEG\r\n", 8) == 0 && memcmp(twin, block, 32) == 0;
    *ret = is_segment &&
           (le32_get(block + 8) != LAYOUT_FORMAT || memcmp(block + 16, s->id->uuid.bytes, 16) != 0);
    return 0;
}

static int
found_read_one(const struct folder *f, const struct layout_id *id, uint32_t number,
               struct found *ret)
{
    struct scan s;
    int fd = -1;
    bool is_foreign = false;

    *ret = (struct found){.number = number};
    int rc = found_open(f, ret, &fd);
    if (rc != 0)
        return rc;
    rc = scan_init(&s, id, fd, number);
    if (rc == 0) {
        ret->bytes = s.size;
        rc = scan_header(&s, &ret->header, &ret->copies);
        if (rc == 0 && ret->copies != 0) {
            ret->begun = true;
            ret->first = ret->header.start;
        } else if (rc == 0) {
            rc = found_is_foreign(&s, &is_foreign);
            if (rc == 0)
                rc = is_foreign ? JOURNAL_FOREIGN : found_search(&s, ret);
        }
        scan_deinit(&s);
    }
    close(fd);
    return rc;
}

int
found_read(const struct folder *f, const struct layout_id *id, struct found_list *ret)
{
    struct found_list l = {0};
    uint32_t *numbers;

    int rc = folder_segments(f, &numbers, &l.n);
    if (rc != 0)
        return rc;
    l.list = mem_new(l.n, sizeof(*l.list));
    size_t n = 0;
    for (size_t i = 0; i < l.n && rc == 0; i++) {
        rc = found_read_one(f, id, numbers[i], &l.list[n]);
        if (rc == -ENOENT) { /* recycled under a reader's eyes */
            rc = 0;
            continue;
        }
        n++;
        if (l.list[n - 1].begun)
            l.begun = n;
    }
    l.n = n;
    free(numbers);
    if (rc != 0) {
        free(l.list);
        return rc;
    }
    *ret = l;
    return 0;
}

void
found_deinit(struct found_list *l)
{
    free(l->list);
    *l = (struct found_list){0};
}

uint64_t
found_limit(const struct found_list *l, size_t i)
{
    uint64_t limit = UINT64_MAX;

    for (size_t k = i + 1; k < l->begun; k++)
        if (l->list[k].begun && l->list[k].first.batch < limit)
            limit = l->list[k].first.batch;
    return limit;
}

/* What one segment holds at its end. */
struct ending {
    bool any;
    struct scan_item last;
    bool has_before;
    struct batch_header before; /* the batch before last */
    uint64_t end;               /* where nothing valid comes any more */
    uint64_t epoch;
};

static int
ending_find(struct scan *s, struct ending *ret)
{
    struct ending e = {0};
    struct scan_item item;

    for (;;) {
        int rc = scan_next(s, UINT64_MAX, &item);
        if (rc != 0)
            return rc;
        if (item.kind == SCAN_END)
            break;
        if (item.kind == SCAN_GAP)
            continue;
        if (item.header.epoch > e.epoch)
            e.epoch = item.header.epoch;
        if (e.any && item.kind == SCAN_BATCH) {
            e.has_before = true;
            e.before = e.last.header;
        }
        e.any = true;
        e.last = item;
    }
    e.end = item.offset;
    *ret = e;
    return 0;
}

/* The bytes from offset on that are not zero, at most so many. */
static int
torn_size(struct scan *s, uint64_t offset, uint64_t *ret_bytes)
{
    const uint8_t *p;
    uint64_t size = s->size - offset < TORN_BYTES_MAX ? s->size - offset : TORN_BYTES_MAX;

    int rc = scan_bytes(s, offset, (size_t)size, &p);
    if (rc != 0)
        return rc;
    while (size > 0 && p[size - 1] == 0)
        size--;
    *ret_bytes = size;
    return 0;
}

static void
tail_set_head(struct tail *t, const struct batch_header *h)
{
    t->head = h->head;
    t->head_start = h->head_start;
}

/* Checks the last batch, which nothing follows, and keeps its intact beginning. */
static int
tail_hold(struct tail *t, struct scan *s, const struct ending *e)
{
    const struct batch_header *h = &e->last.header;
    uint64_t at = e->last.offset + LAYOUT_BATCH_HEADER;
    const uint8_t *records;
    struct walk_item item;

    int rc = scan_bytes(s, at, h->bytes, &records);
    if (rc != 0)
        return rc;
    struct record_walk w = {
        .data = records, .size = h->bytes, .seed = layout_seed(s->id, s->segment)};
    enum walk_kind kind = record_walk_next(&w, &item);
    while (kind == WALK_RECORD) {
        if (item.record.kind == RECORD_MESSAGE && item.record.seq >= t->held_seq_after)
            t->held_seq_after = item.record.seq + 1;
        t->held_bytes = item.end;
        kind = record_walk_next(&w, &item);
    }
    t->is_held = true;
    t->held_segment = s->segment;
    t->held_offset = e->last.offset;
    t->held = mem_new(t->held_bytes, 1);
    memcpy(t->held, records, t->held_bytes);
    t->next = h->start;
    if (kind == WALK_END) {
        tail_set_head(t, h);
        t->held_seq_after = h->seq_after;
        return 0;
    }
    if (e->has_before)
        tail_set_head(t, &e->before);
    t->torn_segment = s->segment;
    t->torn_offset = at + item.offset;
    t->torn_bytes = h->bytes - item.offset;
    return 0;
}

static int
tail_take(struct tail *t, struct scan *s, const struct ending *e)
{
    const struct batch_header *h = &e->last.header;

    t->any = true;
    t->held_seq_after = h->start.seq;
    if (e->last.kind == SCAN_MARK) {
        t->next = h->start;
        tail_set_head(t, h);
        return 0;
    }
    /* t->next is still what a later segment's header says: beyond h, it proves that h was synced.
     */
    if (t->next.batch <= h->start.batch)
        return tail_hold(t, s, e);
    if (t->next.batch == h->start.batch + 1)
        tail_set_head(t, h);
    return 0;
}

/* One segment, from the last one backwards; *ret_done: the end was found in it. */
static int
tail_look(struct tail *t, struct scan *s, const struct found *found, bool is_last)
{
    struct ending e;

    int rc = ending_find(s, &e);
    if (rc != 0)
        return rc;
    if (e.epoch > t->epoch)
        t->epoch = e.epoch;
    if (is_last && !(e.any && e.last.kind == SCAN_MARK) && scan_torn_at(s, e.end)) {
        rc = torn_size(s, e.end, &t->torn_bytes);
        t->torn_segment = s->segment;
        t->torn_offset = e.end;
    }
    if (rc == 0 && e.any)
        rc = tail_take(t, s, &e);
    else if (rc == 0 && found->copies != 0 && found->header.start.batch > t->next.batch)
        t->next = found->header.start;
    if (is_last && t->torn_segment == 0)
        t->last_end = e.any && e.last.end > e.end ? e.last.end : e.end;
    return rc;
}

/* The end as the segments before index until show it, the last one first. */
static int
tail_search(const struct folder *f, const struct layout_id *id, const struct found_list *l,
            size_t until, struct tail *t, size_t *ret_index)
{
    struct scan s;
    int rc = 0, fd = -1;
    size_t i = until;

    while (i > 0 && rc == 0 && !t->any) {
        i--;
        rc = found_open(f, &l->list[i], &fd);
        if (rc != 0)
            break;
        rc = scan_init(&s, id, fd, l->list[i].number);
        if (rc == 0) {
            rc = tail_look(t, &s, &l->list[i], i + 1 == l->begun);
            scan_deinit(&s);
        }
        close(fd);
    }
    *ret_index = i;
    return rc;
}

/* The last batch is torn and the first of its segment. If a start was writing it again when it
 * died, the segment before still has it, whole or with more of it intact; and that segment's head
 * is good in any case. */
static int
tail_second_look(const struct folder *f, const struct layout_id *id, const struct found_list *l,
                 size_t index, struct tail *t)
{
    struct tail before = {.next = t->next};
    size_t ignored;

    int rc = tail_search(f, id, l, index, &before, &ignored);
    if (rc == 0 && before.any && t->head == 0) {
        t->head = before.head;
        t->head_start = before.head_start;
    }
    if (rc == 0 && before.is_held && before.next.batch == t->next.batch &&
        before.held_bytes >= t->held_bytes) {
        free(t->held);
        t->held = before.held;
        before.held = NULL;
        t->held_bytes = before.held_bytes;
        t->held_segment = before.held_segment;
        t->held_offset = before.held_offset;
        t->held_seq_after = before.held_seq_after;
        t->next = before.next;
    }
    tail_deinit(&before);
    return rc;
}

int
tail_find(const struct folder *f, const struct layout_id *id, const struct found_list *l,
          struct tail *ret)
{
    struct tail t = {.next = {.batch = 1, .seq = 1}};
    size_t index;

    for (size_t i = 0; i < l->begun; i++)
        if (l->list[i].copies != 0 && l->list[i].header.epoch > t.epoch)
            t.epoch = l->list[i].header.epoch;
    int rc = tail_search(f, id, l, l->begun, &t, &index);
    if (rc == 0 && t.is_held && t.torn_segment == t.held_segment &&
        t.held_offset == LAYOUT_HEADER_BLOCK && index > 0)
        rc = tail_second_look(f, id, l, index, &t);
    if (rc != 0) {
        tail_deinit(&t);
        return rc;
    }
    *ret = t;
    return 0;
}

void
tail_deinit(struct tail *t)
{
    free(t->held);
    t->held = NULL;
}
