/* A flat array indexed by number; removal is at the front only and rare. */
#include "broker/journal/segments.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

void
segments_init(struct segments *s, const struct folder *folder)
{
    *s = (struct segments){.folder = folder};
}

static void
segment_close(struct segments *s, struct segment *segment)
{
    if (segment->fd < 0)
        return;
    close(segment->fd);
    segment->fd = -1;
    s->open_fds--;
}

void
segments_deinit(struct segments *s)
{
    for (size_t i = 0; i < s->n; i++)
        segment_close(s, &s->list[i]);
    free(s->list);
    *s = (struct segments){0};
}

struct segment *
segments_add(struct segments *s, uint32_t number, uint32_t bytes, int fd)
{
    sluice_assert(s->n == 0 || s->list[s->n - 1].number + 1 == number);
    if (s->n == s->cap) {
        s->cap = s->cap > 0 ? s->cap * 2 : 16;
        s->list = mem_grow(s->list, s->cap, sizeof(*s->list));
    }
    if (s->n == 0)
        s->head = number;
    s->list[s->n] = (struct segment){.number = number, .bytes = bytes, .fd = fd};
    s->held_bytes += bytes;
    if (fd >= 0)
        s->open_fds++;
    return &s->list[s->n++];
}

struct segment *
segments_find(const struct segments *s, uint32_t number)
{
    if (s->n == 0 || number < s->list[0].number || number - s->list[0].number >= s->n)
        return NULL;
    return &s->list[number - s->list[0].number];
}

struct segment *
segments_tail(const struct segments *s)
{
    return s->n > 0 ? &s->list[s->n - 1] : NULL;
}

/* The writer may be using the tail's file and the one before; all others are ours alone. */
static void
segments_close_one(struct segments *s)
{
    for (size_t tried = 0; tried + 2 < s->n; tried++) {
        s->next_to_close = s->next_to_close + 3 < s->n ? s->next_to_close + 1 : 0;
        if (s->list[s->next_to_close].fd >= 0) {
            segment_close(s, &s->list[s->next_to_close]);
            return;
        }
    }
}

int
segments_fd(struct segments *s, struct segment *segment, int *ret_fd)
{
    char name[LAYOUT_NAME_SIZE];

    if (segment->fd < 0) {
        if (s->open_fds >= SEGMENTS_OPEN_MAX)
            segments_close_one(s);
        layout_name(segment->number, name);
        int fd = openat(s->folder->fd, name, O_RDWR | O_CLOEXEC);
        if (fd < 0)
            return -errno;
        segment->fd = fd;
        s->open_fds++;
    }
    *ret_fd = segment->fd;
    return 0;
}

void
segments_retain(struct segments *s, struct place place)
{
    struct segment *segment = segments_find(s, place.segment);

    sluice_assert(segment != NULL && segment->number >= s->head);
    segment->survivors++;
    segment->live_bytes += place.length;
    s->live_bytes += place.length;
}

void
segments_release(struct segments *s, struct place place)
{
    struct segment *segment = segments_find(s, place.segment);

    sluice_assert(segment != NULL && segment->survivors > 0 && segment->live_bytes >= place.length);
    segment->survivors--;
    segment->live_bytes -= place.length;
    s->live_bytes -= place.length;
}

void
segments_set_head(struct segments *s, uint32_t head, int64_t now_us)
{
    for (; s->head < head; s->head++) {
        struct segment *segment = segments_find(s, s->head);
        sluice_assert(segment != NULL && segment->survivors == 0);
        segment->finished_us = now_us;
        s->held_bytes -= segment->bytes;
    }
}

void
segments_pass_head(struct segments *s, int64_t now_us)
{
    const struct segment *head = segments_find(s, s->head);

    while (head != segments_tail(s) && head->survivors == 0) {
        segments_set_head(s, s->head + 1, now_us);
        head++;
    }
}

void
segments_drop_first(struct segments *s)
{
    sluice_assert(s->n > 0 && s->list[0].number < s->head);
    segment_close(s, &s->list[0]);
    s->n--;
    memmove(s->list, s->list + 1, s->n * sizeof(*s->list));
}
