/* A journal in a folder of its own, and a naive memory of what it should hold.
 *
 * The memory is the reference: messages by seq, alive or done. Every append and done goes through
 * the functions here, so that a replay can be compared with it. */
#ifndef SLUICE_TESTS_JOURNAL_FIXTURE_H
#define SLUICE_TESTS_JOURNAL_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/journal/journal.h"

struct known {
    uint64_t epoch;
    struct place place;
    uint32_t body_bytes;
    bool alive, replayed;
    bool seen, finished; /* by the last replay: its message, its done record */
    bool settled;        /* the last change is known to be durable */
};

struct fixture {
    char dir[256];
    struct journal_limits limits;
    struct journal *journal;
    struct journal_opened opened;
    char *why;
    struct ledger ledger; /* as the core would keep it */
    struct ledger base;
    struct known *known; /* index: seq */
    size_t n_known;
    uint64_t *unsettled; /* seqs changed since the last sync */
    size_t n_unsettled;
    uint64_t next_seq;
    /* what the last replay brought */
    uint64_t replayed_messages, replayed_done, replayed_damaged, replayed_other;
    bool strict; /* a replayed message must be known, with the right bytes */
};

/* A fresh folder under $TMPDIR; nothing is opened yet. */
void fixture_init(struct fixture *f);
void fixture_deinit(struct fixture *f);
/* The same for cmocka: *state is the fixture, one at a time. */
int fixture_setup(void **state);
int fixture_teardown(void **state);
/* The outcome of journal_open; after 0 survivors are retained and the reference compared if strict.
 */
int fixture_open(struct fixture *f);
void fixture_close(struct fixture *f);
/* What a killed process leaves: the folder is copied as it is, then the original is closed; the
 * copy becomes the fixture's folder. What was not settled may or may not be in it. */
void fixture_kill(struct fixture *f);

/* Appends a message with a body of so many bytes; hands over and waits as often as needed. Returns
 * the outcome of journal_append (FULL is returned, BUSY is waited out). */
int fixture_message(struct fixture *f, uint32_t body_bytes, uint64_t *ret_seq);
int fixture_done(struct fixture *f, uint64_t seq, uint8_t outcome);
/* Hands over until nothing is gathered and all is durable. */
void fixture_sync(struct fixture *f);
/* Moves survivors of the head while the journal wants it. Returns how many were moved. */
size_t fixture_move(struct fixture *f);
/* Reads every living message back and compares its bytes. */
void fixture_check_bodies(struct fixture *f);
/* Living messages in the reference. */
size_t fixture_alive(const struct fixture *f);
/* The bytes of a message as the reference knows them (crc 0). */
size_t fixture_record(const struct fixture *f, uint64_t seq, uint8_t *ret_bytes, size_t size);

#endif
