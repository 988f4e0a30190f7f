/* Gathering: plain copies into one block of memory made at the start. */
#include "broker/journal/batch.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "schemas/wire/record.h"

void
batch_init(struct batch *b, uint32_t cap)
{
    *b = (struct batch){.cap = cap};
    b->memory = mem_new(1, (size_t)LAYOUT_HEADER_BLOCK + LAYOUT_BATCH_HEADER + cap + LAYOUT_PAGE);
}

void
batch_deinit(struct batch *b)
{
    free(b->memory);
    b->memory = NULL;
}

void
batch_clear(struct batch *b)
{
    *b = (struct batch){.memory = b->memory, .cap = b->cap};
}

void
batch_place(struct batch *b, const struct layout_id *id, uint32_t segment, uint32_t offset,
            uint32_t segment_bytes, const struct layout_point *start)
{
    uint32_t rest = segment_bytes - offset - LAYOUT_BATCH_HEADER;

    sluice_assert(b->header.segment == 0 && offset + LAYOUT_BATCH_HEADER <= segment_bytes);
    b->limit = rest < b->cap ? rest : b->cap;
    b->offset = offset;
    b->segment_bytes = segment_bytes;
    b->begins_segment = offset == LAYOUT_HEADER_BLOCK;
    b->seed = layout_seed(id, segment);
    b->header = (struct batch_header){
        .kind = BATCH_RECORDS, .segment = segment, .start = *start, .seq_after = start->seq};
}

void
batch_append(struct batch *b, const uint8_t *record, uint32_t length, bool is_new,
             struct place *ret_place)
{
    sluice_assert(b->header.segment != 0 && length <= b->limit - b->header.bytes);
    uint8_t *copy = b->memory + LAYOUT_HEADER_BLOCK + LAYOUT_BATCH_HEADER + b->header.bytes;
    memcpy(copy, record, length);
    record_set_crc(copy, record_crc(copy, length, b->seed));
    *ret_place = (struct place){
        .segment = b->header.segment,
        .offset = b->offset + LAYOUT_BATCH_HEADER + b->header.bytes,
        .length = length,
    };
    b->header.bytes += length;
    b->header.records++;
    if (is_new)
        b->header.messages++;
}

uint32_t
batch_end(const struct batch *b)
{
    return layout_align(b->offset + LAYOUT_BATCH_HEADER + b->header.bytes);
}

void
batch_finish(struct batch *b, const struct layout_id *id, const uint8_t **ret_data,
             size_t *ret_size, uint32_t *ret_offset)
{
    uint8_t *begin = b->memory + LAYOUT_HEADER_BLOCK;
    uint32_t size = LAYOUT_BATCH_HEADER + b->header.bytes;
    uint32_t padded = layout_write_end(batch_end(b), b->segment_bytes) - b->offset;

    batch_header_write(begin, id, &b->header);
    memset(begin + size, 0, padded - size);
    if (b->begins_segment) {
        segment_header_write(b->memory, id, &b->segment_header);
        *ret_data = b->memory;
        *ret_size = LAYOUT_HEADER_BLOCK + (size_t)padded;
        *ret_offset = 0;
    } else {
        *ret_data = begin;
        *ret_size = padded;
        *ret_offset = b->offset;
    }
}

const uint8_t *
batch_find(const struct batch *b, struct place place)
{
    uint32_t first = b->offset + LAYOUT_BATCH_HEADER;

    if (b->header.segment != place.segment || place.segment == 0 || place.offset < first ||
        place.length > b->header.bytes || place.offset - first > b->header.bytes - place.length)
        return NULL;
    return b->memory + LAYOUT_HEADER_BLOCK + LAYOUT_BATCH_HEADER + (place.offset - first);
}
