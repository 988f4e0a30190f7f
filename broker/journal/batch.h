/* A batch gathering in memory, in the very bytes that will be written: room for a segment's header
 * block, the batch header, records. Where it will lie is fixed when its first record comes. */
#ifndef SLUICE_BROKER_JOURNAL_BATCH_H
#define SLUICE_BROKER_JOURNAL_BATCH_H

#include "broker/core/place.h"
#include "broker/journal/layout.h"

struct batch {
    uint8_t *memory;
    uint32_t cap;   /* most bytes of records */
    uint32_t limit; /* of this one: cap, or what is left of its segment */
    uint32_t seed;
    bool begins_segment;
    uint32_t offset; /* of the batch header in its segment */
    uint32_t segment_bytes;
    struct segment_header segment_header; /* if begins_segment */
    struct batch_header header;           /* segment, counters, bytes as they grow */
};

void batch_init(struct batch *b, uint32_t cap);
void batch_deinit(struct batch *b);
/* Empties it: nothing is placed. */
void batch_clear(struct batch *b);
/* Fixes its place: behind offset in a segment of so many bytes. */
void batch_place(struct batch *b, const struct layout_id *id, uint32_t segment, uint32_t offset,
                 uint32_t segment_bytes, const struct layout_point *start);
/* Copies a record and sets the copy's crc; it must fit (limit). */
void batch_append(struct batch *b, const uint8_t *record, uint32_t length, bool is_new,
                  struct place *ret_place);
/* Completes headers and adds zeros up to the page's end; *ret_data of *ret_size bytes goes to
 * *ret_offset of the segment. */
void batch_finish(struct batch *b, const struct layout_id *id, const uint8_t **ret_data,
                  size_t *ret_size, uint32_t *ret_offset);
/* The record at this place, if it lies in this batch; else NULL. */
const uint8_t *batch_find(const struct batch *b, struct place place);
/* Where the next batch of the segment begins. */
uint32_t batch_end(const struct batch *b);
/* The records gathered. */
static inline const uint8_t *
batch_records(const struct batch *b)
{
    return b->memory + LAYOUT_HEADER_BLOCK + LAYOUT_BATCH_HEADER;
}

#endif
