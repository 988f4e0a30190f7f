/* What stands in a segment file; the only place that knows offsets.
 *
 *   0      header block, 4096 bytes, the same 512 bytes at 0 and at 2048 (a damaged one has a twin)
 *   4096   batches, each beginning at a multiple of 512: header (128 bytes), then records
 *
 * Whatever is written ends at a page's end, or with the segment: zeros follow the batch or mark,
 * for no more than a page, and there never stands anything valid behind either. Else the kernel
 * would have to read the rest of that page from the disk first, where it is not in the cache any
 * more, as in a segment that is recycled long after it was written.
 *
 * Little endian. A mark is a batch header without records, written unsynced when the writer has
 * nothing else to do, where the next batch will begin and overwrite it: it says that everything
 * before its number is synced. So does any valid batch, and any header with a higher first batch.
 *
 * Every CRC32C is seeded by the segment number mixed with the journal's salt, a secret random
 * number of the folder: old bytes of a recycled segment are invalid by themselves, and no body that
 * a client can send looks like a batch or a record of ours. */
#ifndef SLUICE_BROKER_JOURNAL_LAYOUT_H
#define SLUICE_BROKER_JOURNAL_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/uuid.h"
#include "broker/core/ledger.h"

#define LAYOUT_FORMAT 1u
#define LAYOUT_BLOCK 512u         /* batches begin at multiples of it */
#define LAYOUT_HEADER_BLOCK 4096u /* first batch begins here */
#define LAYOUT_HEADER_BYTES 512u  /* one copy */
#define LAYOUT_HEADER_TWIN 2048u  /* offset of the second copy */
#define LAYOUT_BATCH_HEADER 128u
#define LAYOUT_PAGE 4096u   /* writes end at multiples of it, or with the segment */
#define LAYOUT_NAME_SIZE 24 /* "0000000001.seg" and NUL, with room for suffixes */

/* What names this journal and seeds its checksums. */
struct layout_id {
    struct uuid uuid;
    uint64_t salt;
};

/* The state of the books at one point of the journal. */
struct layout_point {
    uint64_t batch;    /* number of the next batch */
    uint64_t seq;      /* next seq */
    uint64_t messages; /* messages accepted until here, since the journal was made */
};

struct segment_header {
    uint32_t segment;
    uint32_t segment_bytes;
    uint64_t epoch;
    struct layout_point start;
    struct ledger ledger; /* totals at start */
};

enum batch_kind { BATCH_RECORDS = 1, BATCH_MARK = 2 };

struct batch_header {
    uint32_t kind;
    uint32_t segment;
    uint32_t bytes; /* of the records */
    uint32_t records, messages, moved;
    uint64_t epoch;
    struct layout_point start;
    uint64_t seq_after;             /* next seq behind this batch */
    uint32_t head;                  /* oldest segment with survivors, once this batch is synced */
    struct layout_point head_start; /* where that segment begins */
    int64_t written_us;             /* wall clock at hand-over */
};

uint32_t layout_seed(const struct layout_id *id, uint32_t segment);
void layout_name(uint32_t segment, char ret_name[LAYOUT_NAME_SIZE]);
/* 0: no segment's name. */
uint32_t layout_number(const char *name);

/* Writes the whole header block (LAYOUT_HEADER_BLOCK bytes). */
void segment_header_write(uint8_t *block, const struct layout_id *id,
                          const struct segment_header *h);
/* Reads one copy (LAYOUT_HEADER_BYTES); false: not valid for this journal and segment. */
bool segment_header_read(const uint8_t *copy, const struct layout_id *id, uint32_t segment,
                         struct segment_header *ret);

void batch_header_write(uint8_t *p, const struct layout_id *id, const struct batch_header *h);
bool batch_header_read(const uint8_t *p, const struct layout_id *id, uint32_t segment,
                       struct batch_header *ret);
/* Is this, though not valid, the rest of a batch header of ours in this segment? */
bool batch_header_resembles(const uint8_t *p, const struct layout_id *id, uint32_t segment);

uint32_t layout_align(uint32_t offset); /* up to the next LAYOUT_BLOCK */
/* Where a write that must reach up to offset ends: the page's end, or the segment's. */
uint32_t layout_write_end(uint32_t offset, uint32_t segment_bytes);

#endif
