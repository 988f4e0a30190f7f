/* Long reads with their own time limit; memory stays flat. */
#include "store/reconcile.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"

static const char *const kinds[ORIGIN_KINDS] = {
    [ORIGIN_STORED] = "stored",
    [ORIGIN_REJECTED] = "rejected",
    [ORIGIN_CONFLICT] = "conflict",
    [ORIGIN_HELD] = "held",
};

static const struct store_statement counts = {
    "reconcile_counts",
    "SELECT kind, count(*) FROM sluice.origins WHERE broker = $1::uuid"
    " AND (epoch, seq) >= ($2::int8, $3::int8) AND (epoch, seq) <= ($4::int8, $5::int8)"
    " GROUP BY kind"};

#define ROW_COLUMNS "epoch, seq, kind, submission_id, study"
static const struct store_statement origins = {
    "reconcile_origins",
    "SELECT " ROW_COLUMNS " FROM sluice.origins"
    " WHERE broker = $1::uuid AND (epoch, seq) > ($2::int8, $3::int8) ORDER BY epoch, seq"};
static const struct store_statement in_both = {
    "reconcile_in_both",
    "SELECT r.epoch, r.seq, r.kind, r.submission_id, r.study FROM sluice.rejections r"
    " JOIN sluice.submissions s ON s.broker = r.broker AND s.epoch = r.epoch AND s.seq = r.seq"
    " WHERE r.broker = $1::uuid ORDER BY r.epoch, r.seq"};
static const struct store_statement brokers = {
    "reconcile_brokers", "SELECT DISTINCT broker FROM sluice.origins ORDER BY broker"};

const char *
origin_kind_text(enum origin_kind kind)
{
    return kinds[kind];
}

static enum origin_kind
kind_find(const char *text)
{
    for (int i = 0; i < ORIGIN_KINDS; i++) {
        if (strcmp(kinds[i], text) == 0)
            return (enum origin_kind)i;
    }
    sluice_assert(!"a kind that the table's check does not allow");
    return ORIGIN_STORED;
}

/* A bound past int8 means "all there is". */
static int64_t
clamp(uint64_t v)
{
    return v > INT64_MAX ? INT64_MAX : (int64_t)v;
}

struct counting {
    uint64_t *counts;
};

static int
count_take(void *arg, const PGresult *row)
{
    struct counting *c = arg;

    c->counts[kind_find(PQgetvalue(row, 0, 0))] = (uint64_t)store_get_bigint(row, 0, 1);
    return 0;
}

static int
rows_run(struct store *s, const struct store_statement *statement, const struct store_params *p,
         int (*each)(void *arg, const PGresult *row), void *arg)
{
    return store_run_long(s, statement, p, RECONCILE_TIMEOUT_US, each, arg);
}

int
store_reconcile_counts(struct store *s, const struct uuid *broker, uint64_t first_epoch,
                       uint64_t first_seq, uint64_t last_epoch, uint64_t last_seq,
                       uint64_t ret_counts[ORIGIN_KINDS])
{
    uint64_t found[ORIGIN_KINDS] = {0};
    struct counting counting = {found};
    struct store_params p = {0};

    store_param_uuid(&p, broker);
    store_param_bigint(&p, clamp(first_epoch));
    store_param_bigint(&p, clamp(first_seq));
    store_param_bigint(&p, clamp(last_epoch));
    store_param_bigint(&p, clamp(last_seq));
    int n = rows_run(s, &counts, &p, count_take, &counting);
    if (n == STORE_OK)
        memcpy(ret_counts, found, sizeof(found));
    return n;
}

struct listing {
    int (*each)(void *arg, const struct reconcile_row *row);
    void *arg;
};

static int
row_take(void *arg, const PGresult *r)
{
    const struct listing *l = arg;
    struct reconcile_row row = {
        .epoch = (uint64_t)store_get_bigint(r, 0, 0),
        .seq = (uint64_t)store_get_bigint(r, 0, 1),
        .kind = kind_find(PQgetvalue(r, 0, 2)),
        .submission_id = store_get_uuid(r, 0, 3),
    };

    snprintf(row.study, sizeof(row.study), "%s", PQgetvalue(r, 0, 4));
    return l->each(l->arg, &row);
}

int
store_reconcile_origins(struct store *s, const struct uuid *broker, uint64_t after_epoch,
                        uint64_t after_seq, int (*each)(void *arg, const struct reconcile_row *row),
                        void *arg)
{
    struct listing l = {each, arg};
    struct store_params p = {0};

    store_param_uuid(&p, broker);
    store_param_bigint(&p, clamp(after_epoch));
    store_param_bigint(&p, clamp(after_seq));
    return rows_run(s, &origins, &p, row_take, &l);
}

int
store_reconcile_in_both(struct store *s, const struct uuid *broker,
                        int (*each)(void *arg, const struct reconcile_row *row), void *arg)
{
    struct listing l = {each, arg};
    struct store_params p = {0};

    store_param_uuid(&p, broker);
    return rows_run(s, &in_both, &p, row_take, &l);
}

struct ids {
    const struct submission_key *keys;
    size_t n;
    bool *stored;
};

static void
id_take(void *arg, const struct submission_found *found)
{
    struct ids *ids = arg;

    for (size_t i = 0; i < ids->n; i++) {
        const struct submission_key *k = &ids->keys[i];
        if (uuid_equal(&k->id, &found->id) && k->study.len == found->study.len &&
            memcmp(k->study.at, found->study.at, k->study.len) == 0)
            ids->stored[i] = true;
    }
}

int
store_reconcile_ids(struct store *s, const struct submission_key *keys, size_t n, bool *ret_stored)
{
    enum { CHUNK = 256 }; /* keeps the search above small */
    int outcome = STORE_OK;

    memset(ret_stored, 0, n * sizeof(*ret_stored));
    for (size_t at = 0; at < n && outcome == STORE_OK; at += CHUNK) {
        struct ids ids = {keys + at, n - at < CHUNK ? n - at : CHUNK, ret_stored + at};
        outcome = submissions_find(s, ids.keys, ids.n, SUBMISSIONS_CURRENT, id_take, &ids);
    }
    return outcome;
}

struct broker_listing {
    void (*each)(void *arg, const struct uuid *broker);
    void *arg;
};

static int
broker_take(void *arg, const PGresult *r)
{
    const struct broker_listing *l = arg;
    struct uuid broker = store_get_uuid(r, 0, 0);

    l->each(l->arg, &broker);
    return 0;
}

int
store_reconcile_brokers(struct store *s, void (*each)(void *arg, const struct uuid *broker),
                        void *arg)
{
    struct broker_listing l = {each, arg};

    return rows_run(s, &brokers, NULL, broker_take, &l);
}
