/* The fixture: real files, no mocks. */
#include "tests/unit/broker/journal/fixture.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "tests/unit/broker/journal/files.h"

#define RECORD_BYTES_MAX (1u << 20)
#define MOVE_ROOM 6000 /* the longest message of the tests with small segments */
#define STUCK_MS 20000 /* a wait this long is a failure */

void
fixture_init(struct fixture *f)
{
    *f = (struct fixture){
        .limits = {.segment_bytes = 64 * 1024,
                   .max_bytes = 64 * 64 * 1024,
                   .keep_bytes = 0,
                   .keep_us = 0,
                   .batch_bytes = 16 * 1024},
        .next_seq = 1,
        .strict = true,
    };
    folder_make(f->dir, sizeof(f->dir));
}

void
fixture_deinit(struct fixture *f)
{
    fixture_close(f);
    folder_remove_all(f->dir);
    free(f->known);
    free(f->unsettled);
    free(f->why);
}

int
fixture_setup(void **state)
{
    static struct fixture f;

    fixture_init(&f);
    *state = &f;
    return 0;
}

int
fixture_teardown(void **state)
{
    fixture_deinit(*state);
    return 0;
}

static struct known *
known_at(struct fixture *f, uint64_t seq)
{
    if (seq >= f->n_known) {
        size_t n = (size_t)seq * 2 + 64;
        f->known = mem_grow(f->known, n, sizeof(*f->known));
        memset(f->known + f->n_known, 0, (n - f->n_known) * sizeof(*f->known));
        f->n_known = n;
    }
    return &f->known[seq];
}

static size_t
record_make(uint8_t kind, uint64_t epoch, uint64_t seq, uint32_t body_bytes, uint8_t attempt,
            uint8_t *ret_bytes, size_t size)
{
    static uint8_t body[RECORD_BYTES_MAX];
    struct buf b = {.data = ret_bytes, .cap = size, .ceiling = size};
    struct record r = {.kind = kind,
                       .attempt = attempt,
                       .epoch = epoch,
                       .seq = seq,
                       .incarnation = 7,
                       .counter = seq,
                       .service = "submissions",
                       .service_len = 11,
                       .scope = "NCT007",
                       .scope_len = 6,
                       .body = body,
                       .body_len = body_bytes};

    sluice_assert(body_bytes <= sizeof(body));
    for (uint32_t i = 0; i < body_bytes; i++)
        body[i] = (uint8_t)(seq * 31 + i * 7 + (i >> 8));
    memcpy(r.id.bytes, &seq, sizeof(seq));
    sluice_assert(record_write(&b, &r) == BUF_OK);
    return b.size;
}

size_t
fixture_record(const struct fixture *f, uint64_t seq, uint8_t *ret_bytes, size_t size)
{
    const struct known *k = &f->known[seq];

    return record_make(RECORD_MESSAGE, k->epoch, seq, k->body_bytes, 1, ret_bytes, size);
}

static void
replay_begin(void *arg, const struct ledger *base)
{
    struct fixture *f = arg;

    f->base = f->ledger = *base;
}

/* The books, as the core keeps them: every seq is accepted once and finished once. */
static void
replay_done_count(struct fixture *f, const struct record *r)
{
    struct known *k = known_at(f, r->seq);

    if (r->seq != 0 && k->finished)
        return;
    f->ledger.by_outcome[r->attempt]++;
    if (!k->seen && r->seq > f->base.last_seq)
        f->ledger.accepted++;
    if (r->seq > f->ledger.last_seq)
        f->ledger.last_seq = r->seq;
    k->finished = true;
}

static void
replay_record(void *arg, const struct record *r, struct place place)
{
    struct fixture *f = arg;
    static uint8_t expected[RECORD_BYTES_MAX + 1024];

    if (r->kind == RECORD_DONE) {
        replay_done_count(f, r);
        if (r->attempt == OUTCOME_DAMAGED) {
            f->replayed_damaged++;
            if (r->seq != 0)
                known_at(f, r->seq)->alive = false;
        } else {
            f->replayed_done++;
            known_at(f, r->seq)->replayed = false;
        }
        return;
    }
    if (r->kind != RECORD_MESSAGE) {
        f->replayed_other++;
        return;
    }
    f->replayed_messages++;
    struct known *k = known_at(f, r->seq);
    if (!k->seen && !k->finished && r->seq > f->base.last_seq)
        f->ledger.accepted++;
    if (r->seq > f->ledger.last_seq)
        f->ledger.last_seq = r->seq;
    k->seen = true;
    k->replayed = true;
    k->place = place;
    if (!f->strict)
        return;
    sluice_assert(k->epoch == r->epoch);
    size_t size = fixture_record(f, r->seq, expected, sizeof(expected));
    sluice_assert(size == r->length && r->body_len == k->body_bytes);
    sluice_assert(memcmp(expected + size - r->body_len, r->body, r->body_len) == 0);
}

static void
fixture_changed(struct fixture *f, uint64_t seq)
{
    known_at(f, seq)->settled = false;
    f->unsettled = mem_grow(f->unsettled, f->n_unsettled + 1, sizeof(*f->unsettled));
    f->unsettled[f->n_unsettled++] = seq;
}

static void
fixture_settled(struct fixture *f)
{
    for (size_t i = 0; i < f->n_unsettled; i++)
        known_at(f, f->unsettled[i])->settled = true;
    f->n_unsettled = 0;
}

/* A living message must have been replayed; a finished one that was replayed must have its done
 * record behind it, or its message would come alive again. What was not settled may be either way.
 */
static void
fixture_compare(struct fixture *f)
{
    for (uint64_t seq = 1; seq < f->next_seq; seq++) {
        struct known *k = known_at(f, seq);
        if (k->alive != k->replayed && k->settled) {
            fprintf(stderr, "seq %llu alive %d replayed %d\n", (unsigned long long)seq, k->alive,
                    k->replayed);
            sluice_assert(k->alive == k->replayed);
        }
        sluice_assert(!k->settled || seq < f->opened.next_seq);
        k->settled = true;
    }
    f->n_unsettled = 0;
}

int
fixture_open(struct fixture *f)
{
    f->limits.dir = f->dir;
    f->limits.begin = replay_begin;
    free(f->why);
    f->why = NULL;
    f->replayed_messages = f->replayed_done = f->replayed_damaged = f->replayed_other = 0;
    for (size_t i = 0; i < f->n_known; i++)
        f->known[i].replayed = f->known[i].seen = f->known[i].finished = false;
    int rc = journal_open(&f->limits, replay_record, f, &f->journal, &f->opened, &f->why);
    if (rc != 0)
        return rc;
    if (f->strict)
        fixture_compare(f);
    f->next_seq = f->opened.next_seq;
    for (uint64_t seq = 1; seq < f->n_known; seq++) {
        struct known *k = &f->known[seq];
        k->alive = k->replayed;
        if (k->alive)
            journal_retain(f->journal, k->place);
    }
    journal_hand_over(f->journal, &f->ledger);
    return 0;
}

void
fixture_close(struct fixture *f)
{
    journal_close(&f->journal);
}

void
fixture_kill(struct fixture *f)
{
    char copy[sizeof(f->dir)];

    folder_make(copy, sizeof(copy));
    folder_copy_all(f->dir, copy);
    journal_close(&f->journal);
    folder_remove_all(f->dir);
    memcpy(f->dir, copy, sizeof(copy));
}

static void
fixture_wait(struct fixture *f)
{
    struct pollfd p = {.fd = journal_fd(f->journal), .events = POLLIN};
    uint64_t durable;

    sluice_assert(poll(&p, 1, STUCK_MS) == 1);
    sluice_assert(journal_turn(f->journal, &durable) == JOURNAL_OK);
}

/* Appends; while the answer is BUSY, hands over and waits. */
static int
fixture_append(struct fixture *f, const uint8_t *record, uint32_t length, struct place *ret_place)
{
    for (;;) {
        int rc = journal_append(f->journal, record, length, ret_place);
        if (rc != JOURNAL_BUSY)
            return rc;
        journal_hand_over(f->journal, &f->ledger);
        fixture_wait(f);
    }
}

int
fixture_message(struct fixture *f, uint32_t body_bytes, uint64_t *ret_seq)
{
    static uint8_t bytes[RECORD_BYTES_MAX + 1024];
    uint64_t seq = f->next_seq;
    struct known *k = known_at(f, seq);
    struct place place;

    size_t size =
        record_make(RECORD_MESSAGE, f->opened.epoch, seq, body_bytes, 1, bytes, sizeof(bytes));
    int rc = fixture_append(f, bytes, (uint32_t)size, &place);
    if (rc != JOURNAL_OK)
        return rc;
    *k = (struct known){
        .epoch = f->opened.epoch, .place = place, .body_bytes = body_bytes, .alive = true};
    fixture_changed(f, seq);
    f->next_seq++;
    f->ledger.accepted++;
    f->ledger.last_seq = seq;
    if (ret_seq != NULL)
        *ret_seq = seq;
    return 0;
}

int
fixture_done(struct fixture *f, uint64_t seq, uint8_t outcome)
{
    uint8_t bytes[512];
    struct known *k = known_at(f, seq);
    struct place place;

    sluice_assert(k->alive);
    size_t size = record_make(RECORD_DONE, k->epoch, seq, 0, outcome, bytes, sizeof(bytes));
    int rc = fixture_append(f, bytes, (uint32_t)size, &place);
    if (rc != JOURNAL_OK)
        return rc;
    journal_release(f->journal, k->place);
    k->alive = false;
    fixture_changed(f, seq);
    f->ledger.by_outcome[outcome]++;
    return 0;
}

void
fixture_sync(struct fixture *f)
{
    struct journal_figures figures;
    uint64_t durable = 0;

    for (;;) {
        sluice_assert(journal_turn(f->journal, &durable) == JOURNAL_OK);
        journal_hand_over(f->journal, &f->ledger);
        journal_figures(f->journal, &figures);
        if (!journal_gathered_anything(f->journal) && figures.batches == figures.syncs)
            break;
        fixture_wait(f);
    }
    fixture_settled(f);
}

size_t
fixture_move(struct fixture *f)
{
    static uint8_t bytes[RECORD_BYTES_MAX + 1024];
    struct record r;
    struct place old, place;
    size_t moved = 0;

    while (journal_wants_move(f->journal)) {
        if (journal_room(f->journal, 0, MOVE_ROOM) != JOURNAL_OK) {
            fixture_sync(f);
            if (journal_room(f->journal, 0, MOVE_ROOM) != JOURNAL_OK)
                break; /* as the broker does: another time */
        }
        if (journal_head_next(f->journal, bytes, sizeof(bytes), &r, &old) == 1) {
            fixture_sync(f);
            continue;
        }
        struct known *k = known_at(f, r.seq);
        if (!k->alive || memcmp(&k->place, &old, sizeof(old)) != 0)
            continue;
        sluice_assert(fixture_append(f, bytes, r.length, &place) == JOURNAL_OK);
        journal_release(f->journal, old);
        k->place = place;
        moved++;
    }
    return moved;
}

void
fixture_check_bodies(struct fixture *f)
{
    static uint8_t expected[RECORD_BYTES_MAX + 1024], got[RECORD_BYTES_MAX + 1024];

    for (uint64_t seq = 1; seq < f->next_seq; seq++) {
        if (!f->known[seq].alive)
            continue;
        size_t size = fixture_record(f, seq, expected, sizeof(expected));
        sluice_assert(size == f->known[seq].place.length);
        int rc = journal_read(f->journal, f->known[seq].place, got);
        sluice_assert(rc == 0);
        sluice_assert(memcmp(expected, got, size) == 0);
    }
}

size_t
fixture_alive(const struct fixture *f)
{
    size_t n = 0;

    for (size_t i = 0; i < f->n_known; i++)
        n += f->known[i].alive;
    return n;
}
