/* Where the journal really ends: what the files found at open say together.
 *
 * The end is the last valid batch or mark. A batch that no mark, batch or header follows may not
 * have reached the disk: it is held back, to be written again into the next segment under its own
 * number; if it is torn, only its intact beginning. */
#ifndef SLUICE_BROKER_JOURNAL_TAIL_H
#define SLUICE_BROKER_JOURNAL_TAIL_H

#include "broker/journal/folder.h"
#include "broker/journal/layout.h"

/* A segment file as found. */
struct found {
    uint32_t number;
    uint64_t bytes;
    bool begun;                   /* something in it is valid under its number */
    unsigned copies;              /* valid copies of its header, as scan_header says */
    struct segment_header header; /* if copies */
    struct layout_point first;    /* of its header or first valid batch; if begun */
};

struct found_list {
    struct found *list; /* ascending */
    size_t n;
    size_t begun; /* those before this index were begun, or lie before one that was */
};

struct tail {
    bool any;     /* a batch or mark was found */
    bool is_held; /* the last batch is to be written again (or dropped, if nothing of it is intact)
                   */
    uint32_t held_segment;
    uint64_t held_offset;
    uint8_t *held; /* its intact records; malloc'd */
    uint32_t held_bytes;
    struct layout_point next; /* behind everything that stays where it is */
    uint64_t held_seq_after;
    uint32_t head; /* 0: not known */
    struct layout_point head_start;
    uint64_t epoch;        /* the highest seen */
    uint32_t torn_segment; /* 0: nothing was torn */
    uint64_t torn_offset, torn_bytes;
    uint64_t last_end; /* nothing stands from here on in the last begun segment; 0: not known */
};

/* Looks at every segment's header. JOURNAL_FOREIGN: one is of another journal or a newer format. */
int found_read(const struct folder *f, const struct layout_id *id, struct found_list *ret);
void found_deinit(struct found_list *l);
/* The number of the first batch that is not segment i's; UINT64_MAX for the last begun one. */
uint64_t found_limit(const struct found_list *l, size_t i);
int found_open(const struct folder *f, const struct found *found, int *ret_fd);

int tail_find(const struct folder *f, const struct layout_id *id, const struct found_list *l,
              struct tail *ret);
void tail_deinit(struct tail *t);

#endif
