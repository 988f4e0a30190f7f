/* The segments on disk, oldest first, as the reactor sees them: kept ones, then from the head on
 * those that hold survivors or may get some, the last one being the tail. Numbers have no hole (a
 * file that is gone has an entry all the same). Also opens their files for reading, a bounded
 * number at a time. */
#ifndef SLUICE_BROKER_JOURNAL_SEGMENTS_H
#define SLUICE_BROKER_JOURNAL_SEGMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/core/place.h"
#include "broker/journal/folder.h"
#include "broker/journal/layout.h"

struct segment {
    uint32_t number;
    uint32_t bytes; /* of the file; 0: missing */
    uint32_t used;  /* up to the end of the last batch */
    uint32_t survivors;
    uint64_t live_bytes;
    struct layout_point start;
    int64_t finished_us; /* when the last survivor went (monotonic) */
    int fd;              /* -1: not open */
};

struct segments {
    const struct folder *folder;
    struct segment *list;
    size_t n, cap;
    uint32_t head;
    size_t open_fds, next_to_close;
    uint64_t held_bytes, live_bytes; /* from the head on: of files, of survivors */
};

#define SEGMENTS_OPEN_MAX 64u

void segments_init(struct segments *s, const struct folder *folder);
void segments_deinit(struct segments *s);
/* The number must be the next one (any, if there is none yet). fd -1: opened when needed. */
struct segment *segments_add(struct segments *s, uint32_t number, uint32_t bytes, int fd);
struct segment *segments_find(const struct segments *s, uint32_t number); /* NULL: not there */
struct segment *segments_tail(const struct segments *s);
/* The file; opens it if need be and may close another one, never the tail nor the one before. */
int segments_fd(struct segments *s, struct segment *segment, int *ret_fd);

void segments_retain(struct segments *s, struct place place);
void segments_release(struct segments *s, struct place place);
/* The head is there: what lies before it is kept. */
void segments_set_head(struct segments *s, uint32_t head, int64_t now_us);
/* Passes over segments without survivors, the tail excepted. */
void segments_pass_head(struct segments *s, int64_t now_us);
/* Forgets the oldest one, which must lie before the head. */
void segments_drop_first(struct segments *s);

#endif
