/* The record's codec: plain loads and stores at fixed offsets, no memory of its own. Whatever
 * record_read lets through has lengths that fit the bytes given; what kinds and flags are allowed
 * where is for the caller (net: only RECORD_MESSAGE comes from a wire). */
#include "schemas/wire/record.h"

#include <isa-l/crc.h>
#include <limits.h>
#include <string.h>

#include "base/error.h"

enum {
    AT_LENGTH = 0,
    AT_CRC = 4,
    AT_KIND = 8,
    AT_FLAGS = 9,
    AT_ATTEMPT = 10,
    AT_KILLS = 11,
    AT_SERVICE_LEN = 12,
    AT_SCOPE_LEN = 13,
    AT_ZERO = 14,
    AT_EPOCH = 16,
    AT_SEQ = 24,
    AT_INCARNATION = 32,
    AT_COUNTER = 40,
    AT_ID = 48,
    AT_RECEIVED = 64,
    AT_ACCEPTED = 72,
};

#define RECORD_FLAGS_ALL (RECORD_VOLATILE | RECORD_ACCEPT_NOW | RECORD_NO_OUTCOME | RECORD_ALONE)

/* Compilers make one load or store (and a swap elsewhere) of these. */
uint16_t
le16_get(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

uint32_t
le32_get(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

uint64_t
le64_get(const uint8_t *p)
{
    return (uint64_t)le32_get(p) | (uint64_t)le32_get(p + 4) << 32;
}

void
le16_put(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

void
le32_put(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
    p[2] = (uint8_t)(v >> 16);
    p[3] = (uint8_t)(v >> 24);
}

void
le64_put(uint8_t *p, uint64_t v)
{
    le32_put(p, (uint32_t)v);
    le32_put(p + 4, (uint32_t)(v >> 32));
}

/* Journal records beside messages may lack a service; nothing else about lengths differs. */
static bool
head_is_sound(const uint8_t *data, uint32_t length)
{
    uint8_t kind = data[AT_KIND];
    uint32_t service_len = data[AT_SERVICE_LEN], scope_len = data[AT_SCOPE_LEN];

    if (kind < RECORD_MESSAGE || kind > RECORD_UNPARKED)
        return false;
    if (kind == RECORD_MESSAGE && (service_len == 0 || (data[AT_FLAGS] & ~RECORD_FLAGS_ALL) != 0))
        return false;
    if (service_len > RECORD_SERVICE_MAX || scope_len > RECORD_SCOPE_MAX)
        return false;
    return le16_get(data + AT_ZERO) == 0 && RECORD_HEADER_BYTES + service_len + scope_len <= length;
}

int
record_read(const uint8_t *data, size_t size, struct record *ret_record)
{
    if (size < 4)
        return RECORD_TRUNCATED;
    uint32_t length = le32_get(data + AT_LENGTH);
    if (length < RECORD_HEADER_BYTES || length > INT32_MAX)
        return RECORD_MALFORMED;
    if (length > size)
        return RECORD_TRUNCATED;
    if (!head_is_sound(data, length))
        return RECORD_MALFORMED;

    uint8_t service_len = data[AT_SERVICE_LEN], scope_len = data[AT_SCOPE_LEN];
    const uint8_t *names = data + RECORD_HEADER_BYTES;
    *ret_record = (struct record){
        .length = length,
        .crc = le32_get(data + AT_CRC),
        .kind = data[AT_KIND],
        .flags = data[AT_FLAGS],
        .attempt = data[AT_ATTEMPT],
        .kills = data[AT_KILLS],
        .epoch = le64_get(data + AT_EPOCH),
        .seq = le64_get(data + AT_SEQ),
        .incarnation = le64_get(data + AT_INCARNATION),
        .counter = le64_get(data + AT_COUNTER),
        .received_us = (int64_t)le64_get(data + AT_RECEIVED),
        .accepted_us = (int64_t)le64_get(data + AT_ACCEPTED),
        .service = (const char *)names,
        .service_len = service_len,
        .scope = (const char *)names + service_len,
        .scope_len = scope_len,
        .body = names + service_len + scope_len,
        .body_len = length - RECORD_HEADER_BYTES - service_len - scope_len,
    };
    memcpy(ret_record->id.bytes, data + AT_ID, sizeof(ret_record->id.bytes));
    return RECORD_OK;
}

int
record_write_header(struct buf *b, const struct record *r, uint8_t **ret_body)
{
    uint8_t *p;
    size_t names_len = (size_t)r->service_len + r->scope_len;

    sluice_assert(r->service_len <= RECORD_SERVICE_MAX && r->scope_len <= RECORD_SCOPE_MAX);
    if (r->body_len > INT32_MAX - RECORD_HEADER_BYTES - names_len)
        return BUF_FULL;
    size_t length = RECORD_HEADER_BYTES + names_len + r->body_len;
    int rc = buf_reserve(b, length, &p);
    if (rc != BUF_OK)
        return rc;

    le32_put(p + AT_LENGTH, (uint32_t)length);
    le32_put(p + AT_CRC, r->crc);
    p[AT_KIND] = r->kind;
    p[AT_FLAGS] = r->flags;
    p[AT_ATTEMPT] = r->attempt;
    p[AT_KILLS] = r->kills;
    p[AT_SERVICE_LEN] = r->service_len;
    p[AT_SCOPE_LEN] = r->scope_len;
    le16_put(p + AT_ZERO, 0);
    le64_put(p + AT_EPOCH, r->epoch);
    le64_put(p + AT_SEQ, r->seq);
    le64_put(p + AT_INCARNATION, r->incarnation);
    le64_put(p + AT_COUNTER, r->counter);
    memcpy(p + AT_ID, r->id.bytes, sizeof(r->id.bytes));
    le64_put(p + AT_RECEIVED, (uint64_t)r->received_us);
    le64_put(p + AT_ACCEPTED, (uint64_t)r->accepted_us);
    p += RECORD_HEADER_BYTES;
    if (r->service_len > 0)
        memcpy(p, r->service, r->service_len);
    if (r->scope_len > 0)
        memcpy(p + r->service_len, r->scope, r->scope_len);
    buf_commit(b, length);
    *ret_body = p + names_len;
    return BUF_OK;
}

int
record_write(struct buf *b, const struct record *r)
{
    uint8_t *body;

    int rc = record_write_header(b, r, &body);
    if (rc != BUF_OK)
        return rc;
    if (r->body_len > 0)
        memcpy(body, r->body, r->body_len);
    return BUF_OK;
}

void
record_set_origin(uint8_t *record, uint64_t epoch, uint64_t seq, int64_t accepted_us)
{
    le64_put(record + AT_EPOCH, epoch);
    le64_put(record + AT_SEQ, seq);
    le64_put(record + AT_ACCEPTED, (uint64_t)accepted_us);
}

void
record_set_delivery(uint8_t *record, uint8_t flags, uint8_t attempt, uint8_t kills)
{
    record[AT_FLAGS] = flags;
    record[AT_ATTEMPT] = attempt;
    record[AT_KILLS] = kills;
}

/* ISA-L's function is the bare CRC: the usual inversion before and after is the caller's. It reads
 * only, though its prototype lacks const. */
static uint32_t
crc32c_more(uint32_t crc, const uint8_t *data, size_t size)
{
    return crc32_iscsi((unsigned char *)(uintptr_t)data, (int)size, crc);
}

uint32_t
record_crc(const uint8_t *record, uint32_t length, uint32_t segment)
{
    uint8_t head[12] = {0};

    sluice_assert(length >= RECORD_HEADER_BYTES && length <= INT_MAX);
    le32_put(head, segment);
    memcpy(head + 4, record + AT_LENGTH, 4);
    uint32_t crc = crc32c_more(UINT32_MAX, head, sizeof(head));
    return ~crc32c_more(crc, record + AT_KIND, length - AT_KIND);
}

uint32_t
crc32c(const void *data, size_t size)
{
    sluice_assert(size <= INT_MAX);
    return ~crc32c_more(UINT32_MAX, data, size);
}

void
record_set_crc(uint8_t *record, uint32_t crc)
{
    le32_put(record + AT_CRC, crc);
}
