/* Entries: what ACCEPTED, REFUSED, OUTCOME and REPORT carry, packed one behind the other in one
 * frame. Little endian. All begin {u32 length (whole entry), u8 code, u8 flags, u16 zero}.
 *
 *   ACCEPTED (40)  code 0, flags ENTRY_STALLED;  8 u64 counter, 16 u64 epoch, 24 u64 seq, 32 i64
 * accepted_us REFUSED  (16)  code = refusal;               8 u64 counter OUTCOME (40+)  code =
 * outcome;               8 u64 counter, 16 u64 epoch, 24 u64 seq, 32 i64 accepted_us, 40 payload
 *   REPORT  (24+)  code = outcome;               8 u64 epoch, 16 u64 seq, 24 payload
 *
 * The payload is the worker's, at most ENTRY_PAYLOAD_MAX bytes, opaque to the broker. */
#ifndef SLUICE_SCHEMAS_WIRE_ENTRY_H
#define SLUICE_SCHEMAS_WIRE_ENTRY_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define ENTRY_ACCEPTED_BYTES 40
#define ENTRY_REFUSED_BYTES 16
#define ENTRY_OUTCOME_BYTES 40
#define ENTRY_REPORT_BYTES 24
#define ENTRY_PAYLOAD_MAX (256 * 1024)

enum entry_flag { ENTRY_STALLED = 1 << 0 };

struct entry {
    uint8_t code, flags;
    uint64_t counter;
    uint64_t epoch, seq;
    int64_t accepted_us;
    const uint8_t *payload;
    uint32_t payload_len;
};

enum entry_outcome { ENTRY_OK = 0, ENTRY_END = 1, ENTRY_MALFORMED = 2 };
enum entry_kind { ENTRY_KIND_ACCEPTED, ENTRY_KIND_REFUSED, ENTRY_KIND_OUTCOME, ENTRY_KIND_REPORT };

int entry_write(struct buf *b, enum entry_kind kind, const struct entry *e);
/* Reads the entry at *offset and moves it on; ENTRY_END at the exact end. */
int entry_read(enum entry_kind kind, const uint8_t *data, size_t size, size_t *offset,
               struct entry *ret_entry);

#endif
