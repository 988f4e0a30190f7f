/* The journal: what the broker promised, on disk, in order.
 *
 * Segments of fixed size, written ahead with zeros and recycled. A segment = one header block (4096
 * bytes: magic, format, journal uuid, segment number, epoch, first batch number, ledger, CRC), then
 * batches. Batch header = {magic, journal uuid, segment, epoch, batch no, first seq, count, bytes,
 * CRC}; then records (schemas/wire/record.h), every record's CRC seeded by the segment number.
 * Batch n+1 is written only after n is synced (invariants 8, 9, 10).
 *
 * Two threads. The caller's (the reactor) appends into memory and gets the place at once; the
 * writer thread owns the files: pwrite + one fdatasync a batch (and prepares spare segments when
 * idle). While one batch is being synced the next one gathers. journal_fd becomes readable when
 * something became durable or failed. A failed write or sync is final: journal_turn returns
 * JOURNAL_FAILED for ever after and nothing more is ever reported durable; the broker exits 74.
 *
 * Knows nothing of messages' states, sockets or services. All functions but journal_verify are for
 * one thread. */
#ifndef SLUICE_BROKER_JOURNAL_JOURNAL_H
#define SLUICE_BROKER_JOURNAL_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/uuid.h"
#include "broker/core/ledger.h"
#include "broker/core/place.h"
#include "schemas/wire/record.h"

struct journal; /* opaque */

/* Called once by journal_open, before the first record: the ledger of the oldest kept header (zero
 * in a new journal). */
typedef void journal_begin_fn(void *arg, const struct ledger *base);

struct journal_limits {
    const char *dir;
    uint32_t segment_bytes;
    uint64_t max_bytes;
    uint64_t keep_bytes;
    int64_t keep_us;
    journal_begin_fn *begin; /* may be NULL; gets the arg of journal_open */
    uint32_t batch_bytes; /* most bytes gathered for one batch (ceiling of memory: two of them) */
};

enum journal_outcome {
    JOURNAL_OK = 0,
    JOURNAL_FULL =
        1, /* intake: cap or disk reached; done records and moving still have two segments */
    JOURNAL_BUSY = 2, /* gathered batch is full and the writer is still syncing: stop reading, come
                         back on journal_fd */
    JOURNAL_LOCKED = 3,  /* another process holds the folder */
    JOURNAL_FAILED = 4,  /* a write or sync failed (errno in journal_error) */
    JOURNAL_FOREIGN = 5, /* not a journal, or a newer format: never touched */
};

/* Called for every intact record found at open, oldest first, with its place. The epoch table and
 * the ledger of the oldest kept header have been read before (journal_ledger_base). */
typedef void journal_replay_fn(void *arg, const struct record *r, struct place place);

struct journal_opened {
    struct uuid uuid; /* = the broker's uuid, made with the journal */
    uint64_t epoch;   /* raised and synced by this open */
    uint64_t next_seq;
    struct ledger ledger;      /* from the oldest header: totals before the first replayed record */
    uint64_t torn_bytes;       /* cut from the tail, copied to .torn */
    uint64_t damaged_messages; /* set aside to .corrupt: sequences lost, not yet acknowledged */
    uint32_t segments;
};

/* Opens or makes the journal, locks the folder, replays, opens a new segment, re-appends what
 * followed the last durable mark, syncs, and starts the writer thread. *ret_why: malloc'd text
 * naming file, offset and rule on any failure or when something was cut or set aside (may be NULL).
 */
int journal_open(const struct journal_limits *limits, journal_replay_fn *replay, void *arg,
                 struct journal **ret_journal, struct journal_opened *ret_opened, char **ret_why);
/* Writes and syncs what is gathered, stops the thread, unlocks. NULL is allowed. */
void journal_close(struct journal **journal_p);

int journal_fd(const struct journal *j); /* eventfd; read it with journal_turn */

/* Appends one record into the gathering batch, in place setting its crc (record is the caller's
 * copy, origin set). Done, parked and note records may use the reserve; messages get JOURNAL_FULL.
 */
int journal_append(struct journal *j, uint8_t *record, uint32_t length, struct place *ret_place);
/* May n messages of so many bytes come in now? JOURNAL_OK, JOURNAL_FULL or JOURNAL_BUSY. messages
 * 0: bytes of done, parked and note records, which may use the reserve; after JOURNAL_OK these
 * appends do not fail. */
int journal_room(const struct journal *j, size_t messages, uint64_t bytes);
/* End of a turn: hands the gathered batch to the writer if that is free. must_sync false: only done
 * records, which may wait for company. ledger: totals of all that was appended until now. A header
 * begun by a batch carries the totals from before that batch: the ledger given when the batch
 * before was taken. */
void journal_hand_over(struct journal *j, const struct ledger *ledger);
bool journal_gathered_messages(
    const struct journal *j); /* the gathering batch holds something that must not wait */
bool journal_gathered_anything(const struct journal *j);

/* Reads the eventfd; *ret_durable_seq: every message with seq <= it is on disk. */
int journal_turn(struct journal *j, uint64_t *ret_durable_seq);
int journal_error(const struct journal *j);              /* errno of the failure */
const char *journal_error_text(const struct journal *j); /* names file and call */

/* Copies the record's bytes out of memory (not yet written) or file; crc is checked. 0,
 * JOURNAL_FAILED. */
int journal_read(struct journal *j, struct place place, uint8_t *ret_bytes);
/* n places into one buffer one behind the other; neighbours on disk are read with one call. */
int journal_read_many(struct journal *j, const struct place *places, size_t n, uint8_t *ret_bytes);

/* The message at this place is finished (or was moved): its segment holds one survivor fewer. */
void journal_release(struct journal *j, struct place place);
/* The message at this place lives: told after journal_open for each survivor. journal_append of a
 * message retains by itself. */
void journal_retain(struct journal *j, struct place place);

/* Is the head to be emptied by moving its survivors? Then journal_head_next walks its message
 * records (a bounded step a call): for each, if it is alive at exactly that place, append it again,
 * release the old place. */
bool journal_wants_move(const struct journal *j);
int journal_head_next(struct journal *j, uint8_t *buf, size_t buf_size, struct record *ret_record,
                      struct place *ret_place); /* 0, or 1 at the end of the head */

struct journal_figures {
    uint64_t bytes, live_bytes, free_bytes_until_full;
    uint32_t segments, spare_segments;
    uint64_t batches, syncs, sync_us_total, sync_us_max, messages, appended_bytes;
    uint64_t damaged_messages;
    bool full;
};
void journal_figures(const struct journal *j, struct journal_figures *ret);

struct journal_epoch {
    uint64_t epoch, first_seq, last_seq;
};
/* Epochs of the past and the last seq found of each; newest last. Returns how many. */
size_t journal_epochs(const struct journal *j, const struct journal_epoch **ret);

/* Walks the done records of kept segments after a seq cursor (for reconcile). Bounded by limit. */
size_t journal_done_after(struct journal *j, uint64_t cursor, struct record *ret, size_t limit,
                          uint64_t *ret_cursor);

/* Reads a folder without changing it (works while a broker runs, up to its durable mark) and
 * reports every segment and every fault (file, offset, rule) on out, as text or JSON Lines. Returns
 * 0 intact, 1 faults found, negative errno. */
int journal_verify(const char *dir, bool json, FILE *out);
/* Writes down that the damage is known and accepted (journal acknowledge-loss). */
int journal_acknowledge_loss(const char *dir, const char *who);

#endif
