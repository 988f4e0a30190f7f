/* Reading a segment file from front to back: batches, marks, gaps between valid ones, and the
 * records of a batch. Trusts nothing; every length is checked against the file. Reads only.
 *
 * Who scans decides what a gap or an end means: scan_next only says what is valid where. */
#ifndef SLUICE_BROKER_JOURNAL_SCAN_H
#define SLUICE_BROKER_JOURNAL_SCAN_H

#include "broker/journal/layout.h"
#include "schemas/wire/record.h"

struct scan {
    const struct layout_id *id;
    int fd;
    uint32_t segment;
    uint64_t size;       /* of the file */
    uint64_t position;   /* where the next item is looked for */
    uint64_t next_batch; /* lowest number that may come; 0: any */
    uint8_t *window;
    size_t window_cap, window_size;
    uint64_t window_at;
    bool after_mark;
};

enum scan_kind {
    SCAN_BATCH, /* a valid header with all its bytes inside the file; records not checked yet */
    SCAN_MARK,
    SCAN_GAP, /* offset…end is nothing valid, and something valid follows at end */
    SCAN_END, /* nothing valid from offset on (nor looked for, if the end is where limit says) */
};

struct scan_item {
    enum scan_kind kind;
    uint64_t offset, end;
    struct batch_header header; /* BATCH, MARK */
};

#define SCAN_WINDOW (1u << 20)

/* fd stays the caller's. 0 or -errno. */
int scan_init(struct scan *s, const struct layout_id *id, int fd, uint32_t segment);
void scan_deinit(struct scan *s);

/* Which copies of the header are valid: bit 0 the first, bit 1 the twin. */
int scan_header(struct scan *s, struct segment_header *ret_header, unsigned *ret_copies);
/* limit: the first batch number that is not this segment's; there the scan ends without searching
 * the rest of the file. UINT64_MAX: unknown. */
int scan_next(struct scan *s, uint64_t limit, struct scan_item *ret);
/* Bytes of the file, valid until the next call. -ENODATA: past the end. */
int scan_bytes(struct scan *s, uint64_t offset, size_t size, const uint8_t **ret);
/* Does the rest of a batch of ours, not valid, begin at offset? */
bool scan_torn_at(struct scan *s, uint64_t offset);

/* The records of one batch. */
struct record_walk {
    const uint8_t *data;
    uint32_t size, position;
    uint32_t seed;
};
enum walk_kind { WALK_RECORD, WALK_BAD, WALK_END };
struct walk_item {
    uint32_t offset, end; /* within the batch's records */
    struct record record; /* WALK_RECORD; points into data */
};
enum walk_kind record_walk_next(struct record_walk *w, struct walk_item *ret);

#endif
