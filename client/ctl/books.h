/* The books of one broker: what its ledger says and what the database holds, compared (invariants
 * 11). No broker and no database in here: facts come in, faults go out.
 *
 * How a row's origin counts:
 *   unknown         of an epoch this broker never had, or past all it ever accepted: a fault
 *   unacknowledged  past what was found durable of a crashed epoch: nobody was told, listed, no
 * fault live, dead      not finished for the broker: says nothing yet settled         all others:
 * must match the ledger, kind by kind A message whose done record was lost with a damaged segment,
 * or a discarded dead letter, may have a row that the ledger does not count under its kind: so many
 * rows too many are allowed. A row too few never is. */
#ifndef SLUICE_CTL_BOOKS_H
#define SLUICE_CTL_BOOKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/uuid.h"
#include "schemas/wire/codes.h"
#include "store/reconcile.h"

#define BOOKS_LIVE_MAX ((size_t)16000000)
#define BOOKS_LISTED_MAX 100 /* unacknowledged rows listed one by one */
#define BOOKS_FAULTS_MAX 16
#define BOOKS_FAULT_SIZE 160

struct books_epoch {
    uint64_t epoch, last_seq;
};
struct books_live {
    uint64_t epoch, seq;
    bool dead;
};

struct books {
    struct uuid broker;
    /* the ledger */
    uint64_t epoch, last_seq, accepted, live, unacknowledged_damage;
    uint64_t by_outcome[OUTCOME_LIMIT];
    /* what is not finished: ascending by seq */
    struct books_live *lives;
    size_t n_lives, lives_cap;
    struct books_epoch *epochs; /* past ones, ascending */
    size_t n_epochs;
    /* the rows */
    uint64_t rows[ORIGIN_KINDS]; /* settled */
    uint64_t rows_live, rows_dead, rows_unacknowledged, rows_unknown, rows_twice;
    struct reconcile_row listed[BOOKS_LISTED_MAX]; /* unacknowledged ones */
    uint64_t last_row_epoch, last_row_seq;
    /* the duplicates */
    uint64_t duplicates, duplicates_not_stored;
    /* the verdict */
    char faults[BOOKS_FAULTS_MAX][BOOKS_FAULT_SIZE];
    size_t n_faults;
};

void books_init(struct books *b);
void books_deinit(struct books *b);
/* Ascending by seq. false: more than BOOKS_LIVE_MAX. */
bool books_live_add(struct books *b, uint64_t epoch, uint64_t seq, bool dead);
void books_epoch_add(struct books *b, uint64_t epoch, uint64_t last_seq);
/* Ascending by (epoch, seq), after ledger, live ones and epochs are known. */
void books_row_add(struct books *b, const struct reconcile_row *row);
/* Fills the faults. true: balanced. */
bool books_judge(struct books *b);

/* The sum the ledger must equal: counted outcomes and live. */
uint64_t books_sum(const struct books *b);
/* The ledger's column that rows of a kind stand for. */
enum outcome books_outcome_of(enum origin_kind kind);

#endif
