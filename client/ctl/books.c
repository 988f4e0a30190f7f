/* Counting rows against the ledger. */
#include "client/ctl/books.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

void
books_init(struct books *b)
{
    memset(b, 0, sizeof(*b));
}

void
books_deinit(struct books *b)
{
    free(b->lives);
    free(b->epochs);
    books_init(b);
}

bool
books_live_add(struct books *b, uint64_t epoch, uint64_t seq, bool dead)
{
    if (b->n_lives == BOOKS_LIVE_MAX)
        return false;
    if (b->n_lives == b->lives_cap) {
        b->lives_cap = b->lives_cap > 0 ? b->lives_cap * 2 : 1024;
        b->lives = mem_grow(b->lives, b->lives_cap, sizeof(*b->lives));
    }
    b->lives[b->n_lives++] = (struct books_live){epoch, seq, dead};
    return true;
}

void
books_epoch_add(struct books *b, uint64_t epoch, uint64_t last_seq)
{
    b->epochs = mem_grow(b->epochs, b->n_epochs + 1, sizeof(*b->epochs));
    b->epochs[b->n_epochs++] = (struct books_epoch){epoch, last_seq};
}

static int
live_compare(const void *key, const void *live)
{
    uint64_t seq = *(const uint64_t *)key, other = ((const struct books_live *)live)->seq;

    return seq < other ? -1 : seq > other;
}

/* Seqs run on over the epochs, so one seq is live once at most. */
static const struct books_live *
live_find(const struct books *b, uint64_t epoch, uint64_t seq)
{
    const struct books_live *live =
        b->n_lives > 0 ? bsearch(&seq, b->lives, b->n_lives, sizeof(*b->lives), live_compare)
                       : NULL;

    return live != NULL && live->epoch == epoch ? live : NULL;
}

static bool
origin_is_unacknowledged(const struct books *b, uint64_t epoch, uint64_t seq)
{
    if (epoch >= b->epoch)
        return false;
    for (size_t i = 0; i < b->n_epochs; i++) {
        if (b->epochs[i].epoch == epoch)
            return seq > b->epochs[i].last_seq;
    }
    return false; /* so long ago that the broker no longer keeps the epoch */
}

void
books_row_add(struct books *b, const struct reconcile_row *row)
{
    bool again = row->epoch == b->last_row_epoch && row->seq == b->last_row_seq;

    b->last_row_epoch = row->epoch;
    b->last_row_seq = row->seq;
    if (again) {
        b->rows_twice++;
        return;
    }
    if (row->epoch == 0 || row->epoch > b->epoch ||
        (row->epoch == b->epoch && row->seq > b->last_seq)) {
        b->rows_unknown++;
        return;
    }
    if (origin_is_unacknowledged(b, row->epoch, row->seq)) {
        if (b->rows_unacknowledged < BOOKS_LISTED_MAX)
            b->listed[b->rows_unacknowledged] = *row;
        b->rows_unacknowledged++;
        return;
    }
    const struct books_live *live = live_find(b, row->epoch, row->seq);
    if (live == NULL)
        b->rows[row->kind]++;
    else if (live->dead)
        b->rows_dead++;
    else
        b->rows_live++;
}

enum outcome
books_outcome_of(enum origin_kind kind)
{
    switch (kind) {
    case ORIGIN_STORED:
        return OUTCOME_STORED;
    case ORIGIN_REJECTED:
        return OUTCOME_REJECTED;
    case ORIGIN_CONFLICT:
        return OUTCOME_CONFLICT;
    case ORIGIN_HELD:
        return OUTCOME_HELD;
    case ORIGIN_KINDS:
        break;
    }
    return OUTCOME_NONE;
}

uint64_t
books_sum(const struct books *b)
{
    uint64_t sum = b->live;

    for (unsigned o = 0; o < OUTCOME_LIMIT; o++)
        sum += outcome_is_counted(o) ? b->by_outcome[o] : 0;
    return sum;
}

static void __attribute__((format(printf, 2, 3))) fault_add(struct books *b, const char *fmt, ...)
{
    va_list ap;

    if (b->n_faults == BOOKS_FAULTS_MAX)
        return;
    va_start(ap, fmt);
    vsnprintf(b->faults[b->n_faults++], BOOKS_FAULT_SIZE, fmt, ap);
    va_end(ap);
}

static void
rows_judge(struct books *b)
{
    uint64_t too_many = 0;

    for (int k = 0; k < ORIGIN_KINDS; k++) {
        uint64_t wanted = b->by_outcome[books_outcome_of((enum origin_kind)k)];
        if (b->rows[k] < wanted)
            fault_add(b, "%" PRIu64 " %s by the ledger but %" PRIu64 " rows", wanted,
                      origin_kind_text((enum origin_kind)k), b->rows[k]);
        else
            too_many += b->rows[k] - wanted;
    }
    if (too_many > b->by_outcome[OUTCOME_DAMAGED] + b->by_outcome[OUTCOME_DISCARDED])
        fault_add(b, "%" PRIu64 " rows more than the ledger knows of", too_many);
}

bool
books_judge(struct books *b)
{
    b->n_faults = 0;
    if (books_sum(b) != b->accepted)
        fault_add(b, "accepted %" PRIu64 " but its parts add up to %" PRIu64, b->accepted,
                  books_sum(b));
    rows_judge(b);
    if (b->rows_twice > 0)
        fault_add(b, "%" PRIu64 " origins have more than one row", b->rows_twice);
    if (b->rows_unknown > 0)
        fault_add(b, "%" PRIu64 " rows of origins this broker never gave", b->rows_unknown);
    if (b->duplicates_not_stored > 0)
        fault_add(b, "%" PRIu64 " duplicates of what is not stored", b->duplicates_not_stored);
    if (b->unacknowledged_damage > 0)
        fault_add(b,
                  "%" PRIu64 " messages lost to damage and not acknowledged"
                  " (sluicectl journal acknowledge-loss)",
                  b->unacknowledged_damage);
    return b->n_faults == 0;
}
