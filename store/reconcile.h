/* What reconcile asks the database, per broker: counts by kind, lists of origins, and whether ids
 * are stored. An origin range is inclusive; sequences run on across epochs. */
#ifndef SLUICE_STORE_RECONCILE_H
#define SLUICE_STORE_RECONCILE_H

#include <stdint.h>

#include "store/connection.h"
#include "store/submissions.h"

enum origin_kind { ORIGIN_STORED, ORIGIN_REJECTED, ORIGIN_CONFLICT, ORIGIN_HELD, ORIGIN_KINDS };
const char *origin_kind_text(enum origin_kind kind);

#define RECONCILE_TIMEOUT_US ((int64_t)600 * 1000000)

struct reconcile_row {
    uint64_t epoch, seq;
    enum origin_kind kind;
    struct uuid submission_id;
    char study[65];
};

/* Rows of this broker with first <= (epoch, seq) <= last, by kind. */
int store_reconcile_counts(struct store *s, const struct uuid *broker, uint64_t first_epoch,
                           uint64_t first_seq, uint64_t last_epoch, uint64_t last_seq,
                           uint64_t ret_counts[ORIGIN_KINDS]);
/* Every origin of this broker after (epoch, seq), ascending, streamed. A nonzero return ends it. */
int store_reconcile_origins(struct store *s, const struct uuid *broker, uint64_t after_epoch,
                            uint64_t after_seq,
                            int (*each)(void *arg, const struct reconcile_row *row), void *arg);
/* Origins that stand in both tables: there must be none. */
int store_reconcile_in_both(struct store *s, const struct uuid *broker,
                            int (*each)(void *arg, const struct reconcile_row *row), void *arg);
/* Which of these ids are stored; ret_stored has n places. */
int store_reconcile_ids(struct store *s, const struct submission_key *keys, size_t n,
                        bool *ret_stored);
/* Brokers that appear in either table. */
int store_reconcile_brokers(struct store *s, void (*each)(void *arg, const struct uuid *broker),
                            void *arg);

#endif
