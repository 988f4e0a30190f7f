/* The journal's own state; only files of this folder include it.
 *
 * All of it belongs to the reactor's thread; writer and spare have their own locks. */
#ifndef SLUICE_BROKER_JOURNAL_INNER_H
#define SLUICE_BROKER_JOURNAL_INNER_H

#include "broker/journal/batch.h"
#include "broker/journal/damage.h"
#include "broker/journal/epochs.h"
#include "broker/journal/folder.h"
#include "broker/journal/journal.h"
#include "broker/journal/scan.h"
#include "broker/journal/segments.h"
#include "broker/journal/spare.h"
#include "broker/journal/writer.h"

#define JOURNAL_SEGMENTS_MIN 4u /* a tail, a spare and the reserve */

struct journal {
    struct folder folder;
    struct layout_id id;
    uint32_t segment_bytes, batch_cap;
    uint64_t keep_bytes;
    int64_t keep_us;
    uint32_t max_files;
    int event_fd;
    uint64_t epoch;

    struct segments segments;
    struct writer writer;
    struct spare spare;
    struct spare_view spares; /* as last looked at */
    bool writer_made, spare_made;

    struct batch batches[2];
    struct batch *gathering, *handed;
    struct layout_point next;    /* behind all that was appended; batch: of the gathering one */
    uint64_t first_batch;        /* of this run */
    struct ledger ledger_before; /* totals before the gathering batch */
    uint32_t durable_head;
    bool serving; /* the first hand-over has come: survivors are known */

    struct {
        struct scan scan;
        bool open;
        uint32_t segment;
        uint32_t useless; /* a whole walk of this head freed nothing */
        struct record_walk walk;
        uint64_t batch_at; /* file offset of the walk's records */
        uint32_t survivors_before;
    } move;

    struct epochs epochs;
    struct losses losses;
    int error;
    char error_text[WRITER_TEXT];
    uint64_t appended_bytes, messages;
};

/* reclaim.c: passes the head over empty segments, gives kept ones away. */
void journal_reclaim(struct journal *j);
void journal_move_end(struct journal *j);
/* Hands the gathered batch over; the writer must be free. */
void journal_hand(struct journal *j, struct write_job *ret_job);

#endif
