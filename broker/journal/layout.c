/* Encoding and checking of headers. Pure functions over bytes. */
#include "broker/journal/layout.h"

#include <assert.h>
#include <isa-l/crc.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "schemas/wire/record.h"

#define SEGMENT_MAGIC "SLUSEG\r\n"
#define BATCH_MAGIC 0x42554c53u /* "SLUB" */
#define LEDGER_COLUMNS 16

static_assert(OUTCOME_LIMIT <= LEDGER_COLUMNS, "a segment header has room for 16 outcomes");

enum {
    SEGMENT_AT_MAGIC = 0,
    SEGMENT_AT_FORMAT = 8,
    SEGMENT_AT_NUMBER = 12,
    SEGMENT_AT_UUID = 16,
    SEGMENT_AT_EPOCH = 32,
    SEGMENT_AT_BATCH = 40,
    SEGMENT_AT_SEQ = 48,
    SEGMENT_AT_MESSAGES = 56,
    SEGMENT_AT_BYTES = 64,
    SEGMENT_AT_ACCEPTED = 72,
    SEGMENT_AT_LAST_SEQ = 80,
    SEGMENT_AT_OUTCOMES = 88,
    SEGMENT_AT_CRC = LAYOUT_HEADER_BYTES - 4,
};

enum {
    BATCH_AT_MAGIC = 0,
    BATCH_AT_KIND = 4,
    BATCH_AT_UUID = 8,
    BATCH_AT_SEGMENT = 24,
    BATCH_AT_BYTES = 28,
    BATCH_AT_EPOCH = 32,
    BATCH_AT_BATCH = 40,
    BATCH_AT_SEQ = 48,
    BATCH_AT_MESSAGES_BEFORE = 56,
    BATCH_AT_SEQ_AFTER = 64,
    BATCH_AT_RECORDS = 72,
    BATCH_AT_MESSAGES = 76,
    BATCH_AT_MOVED = 80,
    BATCH_AT_HEAD = 84,
    BATCH_AT_HEAD_BATCH = 88,
    BATCH_AT_HEAD_SEQ = 96,
    BATCH_AT_HEAD_MESSAGES = 104,
    BATCH_AT_WRITTEN = 112,
    BATCH_AT_CRC = LAYOUT_BATCH_HEADER - 4,
};

static uint32_t
crc_of(const uint8_t *data, size_t size, uint32_t seed)
{
    return crc32_iscsi((unsigned char *)(uintptr_t)data, (int)size, seed);
}

uint32_t
layout_seed(const struct layout_id *id, uint32_t segment)
{
    uint8_t bytes[12];

    le64_put(bytes, id->salt);
    le32_put(bytes + 8, segment);
    return crc_of(bytes, sizeof(bytes), 0xffffffffu);
}

void
layout_name(uint32_t segment, char ret_name[LAYOUT_NAME_SIZE])
{
    snprintf(ret_name, LAYOUT_NAME_SIZE, "%010u.seg", segment);
}

uint32_t
layout_number(const char *name)
{
    uint64_t number = 0;

    for (size_t i = 0; i < 10; i++) {
        if (name[i] < '0' || name[i] > '9')
            return 0;
        number = number * 10 + (uint64_t)(name[i] - '0');
    }
    return strcmp(name + 10, ".seg") == 0 && number <= UINT32_MAX ? (uint32_t)number : 0;
}

uint32_t
layout_align(uint32_t offset)
{
    return (offset + LAYOUT_BLOCK - 1) / LAYOUT_BLOCK * LAYOUT_BLOCK;
}

uint32_t
layout_write_end(uint32_t offset, uint32_t segment_bytes)
{
    uint64_t end = ((uint64_t)offset + LAYOUT_PAGE - 1) / LAYOUT_PAGE * LAYOUT_PAGE;

    return end < segment_bytes ? (uint32_t)end : segment_bytes;
}

void
segment_header_write(uint8_t *block, const struct layout_id *id, const struct segment_header *h)
{
    memset(block, 0, LAYOUT_HEADER_BLOCK);
    memcpy(block + SEGMENT_AT_MAGIC, SEGMENT_MAGIC, 8);
    le32_put(block + SEGMENT_AT_FORMAT, LAYOUT_FORMAT);
    le32_put(block + SEGMENT_AT_NUMBER, h->segment);
    memcpy(block + SEGMENT_AT_UUID, id->uuid.bytes, 16);
    le64_put(block + SEGMENT_AT_EPOCH, h->epoch);
    le64_put(block + SEGMENT_AT_BATCH, h->start.batch);
    le64_put(block + SEGMENT_AT_SEQ, h->start.seq);
    le64_put(block + SEGMENT_AT_MESSAGES, h->start.messages);
    le32_put(block + SEGMENT_AT_BYTES, h->segment_bytes);
    le64_put(block + SEGMENT_AT_ACCEPTED, h->ledger.accepted);
    le64_put(block + SEGMENT_AT_LAST_SEQ, h->ledger.last_seq);
    for (size_t i = 0; i < OUTCOME_LIMIT; i++)
        le64_put(block + SEGMENT_AT_OUTCOMES + 8 * i, h->ledger.by_outcome[i]);
    le32_put(block + SEGMENT_AT_CRC, crc_of(block, SEGMENT_AT_CRC, layout_seed(id, h->segment)));
    memcpy(block + LAYOUT_HEADER_TWIN, block, LAYOUT_HEADER_BYTES);
}

bool
segment_header_read(const uint8_t *copy, const struct layout_id *id, uint32_t segment,
                    struct segment_header *ret)
{
    if (memcmp(copy, SEGMENT_MAGIC, 8) != 0 ||
        le32_get(copy + SEGMENT_AT_FORMAT) != LAYOUT_FORMAT ||
        le32_get(copy + SEGMENT_AT_NUMBER) != segment ||
        memcmp(copy + SEGMENT_AT_UUID, id->uuid.bytes, 16) != 0 ||
        le32_get(copy + SEGMENT_AT_CRC) != crc_of(copy, SEGMENT_AT_CRC, layout_seed(id, segment)))
        return false;
    *ret = (struct segment_header){
        .segment = segment,
        .segment_bytes = le32_get(copy + SEGMENT_AT_BYTES),
        .epoch = le64_get(copy + SEGMENT_AT_EPOCH),
        .start = {.batch = le64_get(copy + SEGMENT_AT_BATCH),
                  .seq = le64_get(copy + SEGMENT_AT_SEQ),
                  .messages = le64_get(copy + SEGMENT_AT_MESSAGES)},
        .ledger = {.accepted = le64_get(copy + SEGMENT_AT_ACCEPTED),
                   .last_seq = le64_get(copy + SEGMENT_AT_LAST_SEQ)},
    };
    for (size_t i = 0; i < OUTCOME_LIMIT; i++)
        ret->ledger.by_outcome[i] = le64_get(copy + SEGMENT_AT_OUTCOMES + 8 * i);
    return true;
}

void
batch_header_write(uint8_t *p, const struct layout_id *id, const struct batch_header *h)
{
    memset(p, 0, LAYOUT_BATCH_HEADER);
    le32_put(p + BATCH_AT_MAGIC, BATCH_MAGIC);
    le32_put(p + BATCH_AT_KIND, h->kind);
    memcpy(p + BATCH_AT_UUID, id->uuid.bytes, 16);
    le32_put(p + BATCH_AT_SEGMENT, h->segment);
    le32_put(p + BATCH_AT_BYTES, h->bytes);
    le64_put(p + BATCH_AT_EPOCH, h->epoch);
    le64_put(p + BATCH_AT_BATCH, h->start.batch);
    le64_put(p + BATCH_AT_SEQ, h->start.seq);
    le64_put(p + BATCH_AT_MESSAGES_BEFORE, h->start.messages);
    le64_put(p + BATCH_AT_SEQ_AFTER, h->seq_after);
    le32_put(p + BATCH_AT_RECORDS, h->records);
    le32_put(p + BATCH_AT_MESSAGES, h->messages);
    le32_put(p + BATCH_AT_MOVED, h->moved);
    le32_put(p + BATCH_AT_HEAD, h->head);
    le64_put(p + BATCH_AT_HEAD_BATCH, h->head_start.batch);
    le64_put(p + BATCH_AT_HEAD_SEQ, h->head_start.seq);
    le64_put(p + BATCH_AT_HEAD_MESSAGES, h->head_start.messages);
    le64_put(p + BATCH_AT_WRITTEN, (uint64_t)h->written_us);
    le32_put(p + BATCH_AT_CRC, crc_of(p, BATCH_AT_CRC, layout_seed(id, h->segment)));
}

bool
batch_header_read(const uint8_t *p, const struct layout_id *id, uint32_t segment,
                  struct batch_header *ret)
{
    if (le32_get(p + BATCH_AT_MAGIC) != BATCH_MAGIC || le32_get(p + BATCH_AT_SEGMENT) != segment ||
        memcmp(p + BATCH_AT_UUID, id->uuid.bytes, 16) != 0 ||
        le32_get(p + BATCH_AT_CRC) != crc_of(p, BATCH_AT_CRC, layout_seed(id, segment)))
        return false;
    *ret = (struct batch_header){
        .kind = le32_get(p + BATCH_AT_KIND),
        .segment = segment,
        .bytes = le32_get(p + BATCH_AT_BYTES),
        .records = le32_get(p + BATCH_AT_RECORDS),
        .messages = le32_get(p + BATCH_AT_MESSAGES),
        .moved = le32_get(p + BATCH_AT_MOVED),
        .epoch = le64_get(p + BATCH_AT_EPOCH),
        .start = {.batch = le64_get(p + BATCH_AT_BATCH),
                  .seq = le64_get(p + BATCH_AT_SEQ),
                  .messages = le64_get(p + BATCH_AT_MESSAGES_BEFORE)},
        .seq_after = le64_get(p + BATCH_AT_SEQ_AFTER),
        .head = le32_get(p + BATCH_AT_HEAD),
        .head_start = {.batch = le64_get(p + BATCH_AT_HEAD_BATCH),
                       .seq = le64_get(p + BATCH_AT_HEAD_SEQ),
                       .messages = le64_get(p + BATCH_AT_HEAD_MESSAGES)},
        .written_us = (int64_t)le64_get(p + BATCH_AT_WRITTEN),
    };
    return ret->kind == BATCH_RECORDS || ret->kind == BATCH_MARK;
}

bool
batch_header_resembles(const uint8_t *p, const struct layout_id *id, uint32_t segment)
{
    int alike = (le32_get(p + BATCH_AT_MAGIC) == BATCH_MAGIC) +
                (le32_get(p + BATCH_AT_SEGMENT) == segment) +
                (memcmp(p + BATCH_AT_UUID, id->uuid.bytes, 16) == 0);
    return alike >= 2 && le32_get(p + BATCH_AT_SEGMENT) == segment;
}
