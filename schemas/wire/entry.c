/* The entries' codec. Only lengths, codes and flags this version knows are let through; what an
 * entry means is for its reader. */
#include "schemas/wire/entry.h"

#include <string.h>

#include "base/error.h"
#include "schemas/wire/message.h"
#include "schemas/wire/record.h"

/* What one kind of entry may look like. */
struct entry_shape {
    uint32_t fixed_bytes;
    bool has_payload, has_time;
    uint8_t flags;
    uint8_t code_least, code_limit;
};

static const struct entry_shape shapes[] = {
    [ENTRY_KIND_ACCEPTED] = {ENTRY_ACCEPTED_BYTES, false, true, ENTRY_STALLED, 0, 1},
    [ENTRY_KIND_REFUSED] = {ENTRY_REFUSED_BYTES, false, false, 0, 1, REFUSAL_LIMIT},
    [ENTRY_KIND_OUTCOME] = {ENTRY_OUTCOME_BYTES, true, true, 0, 1, OUTCOME_LIMIT},
    [ENTRY_KIND_REPORT] = {ENTRY_REPORT_BYTES, true, false, 0, 1, OUTCOME_LIMIT},
};

int
entry_write(struct buf *b, enum entry_kind kind, const struct entry *e)
{
    const struct entry_shape *shape = &shapes[kind];
    uint32_t payload_len = shape->has_payload ? e->payload_len : 0;
    uint8_t *p;

    sluice_assert(payload_len <= ENTRY_PAYLOAD_MAX);
    int r = buf_reserve(b, shape->fixed_bytes + payload_len, &p);
    if (r != BUF_OK)
        return r;
    le32_put(p, shape->fixed_bytes + payload_len);
    p[4] = e->code;
    p[5] = e->flags;
    le16_put(p + 6, 0);
    if (kind == ENTRY_KIND_REPORT) {
        le64_put(p + 8, e->epoch);
        le64_put(p + 16, e->seq);
    } else {
        le64_put(p + 8, e->counter);
    }
    if (shape->has_time) {
        le64_put(p + 16, e->epoch);
        le64_put(p + 24, e->seq);
        le64_put(p + 32, (uint64_t)e->accepted_us);
    }
    if (payload_len > 0)
        memcpy(p + shape->fixed_bytes, e->payload, payload_len);
    buf_commit(b, shape->fixed_bytes + payload_len);
    return BUF_OK;
}

int
entry_read(enum entry_kind kind, const uint8_t *data, size_t size, size_t *offset,
           struct entry *ret_entry)
{
    const struct entry_shape *shape = &shapes[kind];

    if (*offset == size)
        return ENTRY_END;
    if (*offset > size || size - *offset < shape->fixed_bytes)
        return ENTRY_MALFORMED;
    const uint8_t *p = data + *offset;
    uint32_t length = le32_get(p);
    uint32_t payload_max = shape->has_payload ? ENTRY_PAYLOAD_MAX : 0;
    if (length < shape->fixed_bytes || length - shape->fixed_bytes > payload_max ||
        length > size - *offset)
        return ENTRY_MALFORMED;
    if (p[4] < shape->code_least || p[4] >= shape->code_limit || (p[5] & ~shape->flags) != 0 ||
        le16_get(p + 6) != 0)
        return ENTRY_MALFORMED;

    struct entry e = {.code = p[4], .flags = p[5]};
    if (kind == ENTRY_KIND_REPORT) {
        e.epoch = le64_get(p + 8);
        e.seq = le64_get(p + 16);
    } else {
        e.counter = le64_get(p + 8);
    }
    if (shape->has_time) {
        e.epoch = le64_get(p + 16);
        e.seq = le64_get(p + 24);
        e.accepted_us = (int64_t)le64_get(p + 32);
    }
    if (shape->has_payload) {
        e.payload = p + shape->fixed_bytes;
        e.payload_len = length - shape->fixed_bytes;
    }
    *offset += length;
    *ret_entry = e;
    return ENTRY_OK;
}
