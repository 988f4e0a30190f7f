/* The record: one message as it travels and as it lies in the journal, the same bytes in both.
 *
 * Little endian, packed one behind the other in one frame, no padding:
 *
 *    0  u32  length       of the whole record, this field included
 *    4  u32  crc          CRC32C seeded by the segment number; journal only, 0 on the wire
 *    8  u8   kind         enum record_kind; on the wire always RECORD_MESSAGE
 *    9  u8   flags        RECORD_VOLATILE …
 *   10  u8   attempt      1 at the first delivery; stays at 255
 *   11  u8   kills        workers that died with this message alone in their hands
 *   12  u8   service_len  1…32
 *   13  u8   scope_len    0…64
 *   14  u16  zero
 *   16  u64  epoch   \    origin, given by the broker at accept; 0 before
 *   24  u64  seq     /
 *   32  u64  incarnation \ request id, given by the client: random at its start, then a counter
 *   40  u64  counter     /
 *   48  16B  id           message id (submissions: the submission id)
 *   64  i64  received_us  wall clock of the client that took it in
 *   72  i64  accepted_us  wall clock of the broker at accept; 0 before
 *   80  service, scope, body
 *
 * (scope, id) names the message for people: for submissions the scope is the study. The body is
 * sealed and nobody between edge and worker opens it. A peer's bytes are never trusted:
 * record_read checks every length against what is there. */
#ifndef SLUICE_SCHEMAS_WIRE_RECORD_H
#define SLUICE_SCHEMAS_WIRE_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/uuid.h"

#define RECORD_HEADER_BYTES 80
#define RECORD_SERVICE_MAX 32
#define RECORD_SCOPE_MAX 64

enum record_kind {
    RECORD_MESSAGE = 1,
    RECORD_DONE = 2, /* journal: outcome in attempt's byte, epoch+seq name the message, id its id */
    RECORD_PARKED = 3,   /* journal: the message became a dead letter; body = reason text */
    RECORD_NOTE = 4,     /* journal: kills of a message changed */
    RECORD_UNPARKED = 5, /* journal: an admin requeued the dead letter */
};

enum record_flag {
    RECORD_VOLATILE = 1 << 0,   /* not journaled, kept in memory, expires (queries) */
    RECORD_ACCEPT_NOW = 1 << 1, /* push ACCEPTED as soon as it is durable */
    RECORD_NO_OUTCOME = 1 << 2, /* nobody waits for the outcome (follow-ups) */
    RECORD_ALONE = 1 << 3,      /* broker: was with a worker that died; hand out alone */
};

struct record {
    uint32_t length;
    uint32_t crc;
    uint8_t kind, flags, attempt, kills;
    uint64_t epoch, seq;
    uint64_t incarnation, counter;
    struct uuid id;
    int64_t received_us, accepted_us;
    const char *service; /* not NUL-terminated; points into the buffer read */
    uint8_t service_len;
    const char *scope;
    uint8_t scope_len;
    const uint8_t *body;
    uint32_t body_len;
};

enum record_outcome { RECORD_OK = 0, RECORD_TRUNCATED = 1, RECORD_MALFORMED = 2 };

/* Reads the record at data; *ret_record points into data. RECORD_TRUNCATED: fewer bytes than
 * length. */
int record_read(const uint8_t *data, size_t size, struct record *ret_record);
/* Appends a record; length is computed from the parts. BUF_FULL changes nothing. */
int record_write(struct buf *b, const struct record *r);
/* Like record_write, but leaves body_len bytes uninitialised behind the header and returns them. */
int record_write_header(struct buf *b, const struct record *r, uint8_t **ret_body);

/* In-place changes of a record that was read well (the broker's own copy). */
void record_set_origin(uint8_t *record, uint64_t epoch, uint64_t seq, int64_t accepted_us);
void record_set_delivery(uint8_t *record, uint8_t flags, uint8_t attempt, uint8_t kills);
/* CRC32C over the record with its crc field taken as zero, seeded by the segment number. */
uint32_t record_crc(const uint8_t *record, uint32_t length, uint32_t segment);
void record_set_crc(uint8_t *record, uint32_t crc);
/* Plain CRC32C (Castagnoli, the usual inversions) of anything else, up to 2 GiB. */
uint32_t crc32c(const void *data, size_t size);

uint16_t le16_get(const uint8_t *p);
uint32_t le32_get(const uint8_t *p);
uint64_t le64_get(const uint8_t *p);
void le16_put(uint8_t *p, uint16_t v);
void le32_put(uint8_t *p, uint32_t v);
void le64_put(uint8_t *p, uint64_t v);

#endif
