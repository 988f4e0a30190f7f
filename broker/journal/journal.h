/* The journal: what the broker promised, on disk, in order.
 *
 * Segments of fixed size, written ahead with zeros and recycled; layout.h says what stands in them.
 * Batch n+1 is written only after n is synced (invariants 8, 9, 10).
 *
 * Three threads. The caller's (the reactor) appends into memory and gets the place at once; the
 * writer does one pwrite and one fdatasync a batch; the preparer makes or recycles the segments
 * ahead of the tail. While one batch is being synced the next one gathers. journal_fd becomes
 * readable when something became durable, failed, or a segment for intake was made ready. A failed
 * write or sync is final: journal_turn returns JOURNAL_FAILED for ever after and nothing more is
 * ever reported durable; the broker exits 74.
 *
 * Survivors: a message counts as one in its segment from journal_append on (replayed ones from
 * journal_retain on) until journal_release. When the oldest segment has none left it is kept for a
 * while (keep_bytes, keep_us) and then recycled, but never before the batch that emptied it is
 * synced. Replay begins at the oldest segment with survivors, so kept ones cost no time at start.
 *
 * Origins: the seq of a new message is never below the journal's next seq and grows with every
 * append (holes are allowed); a message record with a lower seq is one that is appended again
 * (moved): same origin, counted once, and it may use the reserve.
 *
 * Knows nothing of messages' states, sockets or services. All functions but journal_verify,
 * journal_notes and journal_acknowledge_loss are for one thread. */
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

/* Called once by journal_open, before the first record: the ledger of the header where replay
 * begins (zero in a new journal): all totals up to there, but DEAD is 0, since whatever lies dead
 * is replayed with its parked record. */
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

/* Called for every intact record from the oldest segment with survivors on, oldest first, with the
 * place where it lies now. A done record may name a message that is not replayed: its segment left
 * (seq <= base last_seq: accepted counts it already) or its bytes are lost (seq > last_seq: count
 * it as accepted too). At the end come made-up done records with OUTCOME_DAMAGED and place.segment
 * 0, one for every message that was lost and of which no later record knows more. */
typedef void journal_replay_fn(void *arg, const struct record *r, struct place place);

struct journal_opened {
    struct uuid uuid; /* = the broker's uuid, made with the journal */
    uint64_t epoch;   /* raised and synced by this open */
    uint64_t next_seq;
    struct ledger ledger; /* what begin was told */
    uint64_t torn_bytes;  /* cut from the tail, copied to .torn */
    uint64_t
        damaged_messages; /* bytes set aside to .corrupt: messages lost, not yet acknowledged */
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

/* Copies one record (origin set) into the gathering batch; the crc is set in that copy only. Done,
 * parked and note records and moved messages may use the reserve (two segments, and a quarter of a
 * batch); new messages get JOURNAL_FULL or JOURNAL_BUSY before that. JOURNAL_BUSY also when the
 * batch reached the end of its segment: hand over. -EMSGSIZE: longer than journal_record_max. */
int journal_append(struct journal *j, const uint8_t *record, uint32_t length,
                   struct place *ret_place);
uint32_t journal_record_max(const struct journal *j); /* the longest record that fits a batch */
/* May n messages of so many bytes come in now? JOURNAL_OK, JOURNAL_FULL or JOURNAL_BUSY. messages
 * 0: bytes of done, parked and note records, which may use the reserve; after JOURNAL_OK these
 * appends do not fail. */
int journal_room(struct journal *j, size_t messages, uint64_t bytes);
/* End of a turn: hands the gathered batch, if there is one, to the writer if that is free. Done
 * records alone may wait for company: call it when journal_gathered_messages or on an idle flush.
 * ledger: totals of all that was appended until now, neither less nor more. A header begun by a
 * batch carries the totals from before that batch: those given when the batch before was taken. */
void journal_hand_over(struct journal *j, const struct ledger *ledger);
bool journal_gathered_messages(
    const struct journal *j); /* the gathering batch holds something that must not wait */
bool journal_gathered_anything(const struct journal *j);

/* Reads the eventfd; *ret_durable_seq: every message with seq <= it is on disk. */
int journal_turn(struct journal *j, uint64_t *ret_durable_seq);
int journal_error(const struct journal *j);              /* errno of the failure */
const char *journal_error_text(const struct journal *j); /* names file and call */

/* Copies the record's bytes out of memory (not yet written) or file; the crc is checked and 0 in
 * the copy, as on the wire. 0, or JOURNAL_FAILED (these bytes can't be had; does not last). */
int journal_read(struct journal *j, struct place place, uint8_t *ret_bytes);
/* n places into one buffer one behind the other; neighbours on disk are read with one call. */
int journal_read_many(struct journal *j, const struct place *places, size_t n, uint8_t *ret_bytes);

/* The message at this place is finished (or was moved): its segment holds one survivor fewer. Call
 * it after its done record (or its new copy) was appended, not before. */
void journal_release(struct journal *j, struct place place);
/* The message at this place lives: told after journal_open for each survivor, before the first
 * hand-over. journal_append of a message retains by itself. */
void journal_retain(struct journal *j, struct place place);

/* Is the head to be emptied by moving its survivors? Then journal_head_next walks its message
 * records (one a call): for each that is alive at exactly that place, append it again (kills and
 * attempt set in its header; a dead letter with a parked record behind it), then release the old
 * place. */
bool journal_wants_move(const struct journal *j);
int journal_head_next(struct journal *j, uint8_t *buf, size_t buf_size, struct record *ret_record,
                      struct place *ret_place); /* 0, or 1 at the end of the head */

struct journal_figures {
    uint64_t bytes, live_bytes, free_bytes_until_full;
    uint32_t segments, spare_segments;
    uint64_t batches, syncs; /* handed over; synced */
    uint64_t sync_us_total, sync_us_max, messages, appended_bytes;
    uint64_t damaged_messages;
    bool full;
};
void journal_figures(struct journal *j, struct journal_figures *ret);

struct journal_epoch {
    uint64_t epoch, first_seq, last_seq;
};
/* Epochs of the past and the last seq found of each; newest last. Returns how many. */
size_t journal_epochs(const struct journal *j, const struct journal_epoch **ret);

/* Walks the done records of all segments on disk, kept ones too (for reconcile), at most limit a
 * call. The cursor is a position, 0 at the beginning; *ret_cursor continues behind the last one
 * returned. service, scope and body of ret are NULL. */
size_t journal_done_after(struct journal *j, uint64_t cursor, struct record *ret, size_t limit,
                          uint64_t *ret_cursor);

/* Messages lost to damage and not yet acknowledged. */
struct journal_loss {
    uint64_t first_seq, last_seq, messages; /* so many of the seqs in that range */
};
size_t journal_losses(struct journal *j, const struct journal_loss **ret);

/* Reads a folder without changing it (works while a broker runs, up to its durable mark) and
 * reports every segment and every fault (file, offset, rule) on out, as text or JSON Lines. Returns
 * 0 intact, 1 faults found, negative errno. */
int journal_verify(const char *dir, bool json, FILE *out);
/* The notes of reports that are still in the folder, oldest first, beside a running broker too: one
 * JSON object a line, {"epoch", "seq", "finished_us", "note": hex}; epoch and seq name a message of
 * the report. 0, JOURNAL_FOREIGN or -errno. */
int journal_notes(const char *dir, FILE *out);
/* Writes down that the damage is known and accepted (journal acknowledge-loss). */
int journal_acknowledge_loss(const char *dir, const char *who);

#endif
