/* A walk over (writer, batch, number). At each batch's end the head is computed from the MACs as
 * they stand, so that one fault is named once: a changed field by its row, a missing row by the
 * next batch's previous (or by an anchor, at the end). */
#include "store/audit_verify.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define VERIFY_TIMEOUT_US ((int64_t)3600 * 1000000)

static const char *const rules[AUDIT_FAULT_COUNT] = {
#define FAULT(NAME, rule, text) rule,
    AUDIT_FAULTS(FAULT)
#undef FAULT
};
static const char *const texts[AUDIT_FAULT_COUNT] = {
#define FAULT(NAME, rule, text) text,
    AUDIT_FAULTS(FAULT)
#undef FAULT
};

const char *
audit_fault_rule(enum audit_fault fault)
{
    return rules[fault];
}

const char *
audit_fault_text(enum audit_fault fault)
{
    return texts[fault];
}

struct walk {
    const struct audit_keys *keys;
    const struct audit_anchor *anchors;
    size_t n_anchors;
    bool *seen; /* per anchor: its writer is in the table */
    const struct audit_hearer *hearer;

    bool begun;
    const struct audit_key *key; /* of the chain being read; NULL: unknown */
    struct audit_told told;
    int64_t since_anchor;    /* rows after the last batch that an anchor named */
    struct audit_head *head; /* of the batch being read */
    struct uuid writer;
    int64_t batch;
    uint8_t before[AUDIT_MAC_BYTES];   /* computed head before this batch */
    uint8_t previous[AUDIT_MAC_BYTES]; /* as its first row has it */
};

static void
fault(struct walk *w, enum audit_fault kind, int64_t batch, int64_t number)
{
    w->hearer->fault(w->hearer->arg,
                     &(struct audit_finding){
                         .fault = kind, .writer = w->writer, .batch = batch, .number = number});
}

static int
anchor_compare(const void *x, const void *y)
{
    const struct audit_anchor *a = x, *b = y;
    int order = memcmp(a->writer.bytes, b->writer.bytes, sizeof(a->writer.bytes));

    return order != 0 ? order : a->batch < b->batch ? -1 : a->batch > b->batch;
}

/* First anchor of (writer, batch) or after. */
static size_t
anchor_find(const struct walk *w, const struct uuid *writer, int64_t batch)
{
    struct audit_anchor key = {.writer = *writer, .batch = batch};
    size_t low = 0, high = w->n_anchors;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (anchor_compare(&w->anchors[middle], &key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void
anchors_hold(struct walk *w)
{
    bool told = false;

    for (size_t i = anchor_find(w, &w->writer, w->batch);
         i < w->n_anchors && uuid_equal(&w->anchors[i].writer, &w->writer) &&
         w->anchors[i].batch == w->batch;
         i++) {
        w->told.anchored_batch = w->batch;
        w->since_anchor = 0;
        if (!told && w->key != NULL &&
            sodium_memcmp(w->anchors[i].head, w->before, AUDIT_MAC_BYTES) != 0) {
            fault(w, AUDIT_FAULT_ANCHOR, w->batch, w->anchors[i].number);
            told = true;
        }
    }
}

static void
batch_end(struct walk *w)
{
    if (w->head != NULL)
        audit_head_end(&w->head, w->before);
    memcpy(w->told.end.head, w->before, AUDIT_MAC_BYTES);
    w->told.end.batch = w->batch;
    w->told.batches++;
    anchors_hold(w);
}

static void
chain_end(struct walk *w)
{
    if (!w->begun)
        return;
    batch_end(w);
    size_t later = anchor_find(w, &w->writer, w->batch + 1);
    if (later < w->n_anchors && uuid_equal(&w->anchors[later].writer, &w->writer))
        fault(w, AUDIT_FAULT_TAIL, w->anchors[later].batch, w->anchors[later].number);
    for (size_t i = anchor_find(w, &w->writer, 0);
         i < w->n_anchors && uuid_equal(&w->anchors[i].writer, &w->writer); i++)
        w->seen[i] = true;
    w->told.unanchored = w->since_anchor;
    w->told.end.writer = w->writer;
    w->hearer->chain(w->hearer->arg, &w->told);
}

static void
chain_begin(struct walk *w, const struct uuid *writer, int64_t batch, const uint8_t *previous)
{
    uint8_t first[AUDIT_MAC_BYTES];

    chain_end(w);
    w->begun = true;
    w->writer = *writer;
    w->told = (struct audit_told){.first_us = INT64_MAX, .last_us = INT64_MIN};
    w->since_anchor = 0;
    w->key = NULL;
    for (size_t i = 0; i < w->keys->n && w->key == NULL; i++) {
        audit_head_first(&w->keys->list[i], writer, first);
        if (batch > 1 || sodium_memcmp(first, previous, AUDIT_MAC_BYTES) == 0)
            w->key = &w->keys->list[i];
    }
    if (batch > 1)
        fault(w, AUDIT_FAULT_START, batch, 0);
    else if (w->key == NULL)
        fault(w, AUDIT_FAULT_KEY, batch, 0);
    memcpy(w->before, previous, AUDIT_MAC_BYTES);
    w->batch = batch - 1;
}

static void
batch_begin(struct walk *w, int64_t batch, int64_t number, const uint8_t *previous)
{
    if (batch != w->batch + 1)
        fault(w, AUDIT_FAULT_BATCH, batch, number);
    else if (w->key != NULL && sodium_memcmp(w->before, previous, AUDIT_MAC_BYTES) != 0)
        fault(w, AUDIT_FAULT_LINK, batch, number);
    memcpy(w->before, previous, AUDIT_MAC_BYTES);
    memcpy(w->previous, previous, AUDIT_MAC_BYTES);
    w->batch = batch;
    w->head = w->key != NULL ? audit_head_begin(w->key, previous, batch) : NULL;
}

static void
row_check(struct walk *w, const PGresult *r, int64_t number, const uint8_t *mac)
{
    uint8_t expected[AUDIT_MAC_BYTES];
    struct audit_row row = {
        .number = number,
        .at_us = store_get_time(r, 0, 5),
        .actor = store_get_slice(r, 0, 6),
        .role = store_get_slice(r, 0, 7),
        .organisation = store_get_slice(r, 0, 8),
        .action = store_get_slice(r, 0, 9),
        .study = store_get_slice(r, 0, 10),
        .subject = store_get_slice(r, 0, 11),
        .has_submission = !PQgetisnull(r, 0, 12),
        .revision = PQgetisnull(r, 0, 13) ? 0 : store_get_int(r, 0, 13),
        .reason = store_get_slice(r, 0, 14),
        .detail = store_get_slice(r, 0, 15),
    };

    if (row.has_submission)
        row.submission = store_get_uuid(r, 0, 12);
    if (w->key != NULL) {
        audit_mac(w->key, &w->writer, &row, expected);
        if (sodium_memcmp(expected, mac, AUDIT_MAC_BYTES) != 0)
            fault(w, AUDIT_FAULT_CHANGED, w->batch, number);
    }
    if (row.at_us < w->told.first_us)
        w->told.first_us = row.at_us;
    if (row.at_us > w->told.last_us)
        w->told.last_us = row.at_us;
}

/* A MAC of another length than ours matches nothing, and must not be read past. */
static const uint8_t *
mac_get(const PGresult *r, int column)
{
    static const uint8_t none[AUDIT_MAC_BYTES];

    return PQgetlength(r, 0, column) == AUDIT_MAC_BYTES ? (const uint8_t *)PQgetvalue(r, 0, column)
                                                        : none;
}

static int
row_take(void *arg, const PGresult *r)
{
    struct walk *w = arg;
    struct uuid writer = store_get_uuid(r, 0, 0);
    int64_t number = store_get_bigint(r, 0, 1), batch = store_get_bigint(r, 0, 2);
    const uint8_t *previous = mac_get(r, 3), *mac = mac_get(r, 4);

    if (!w->begun || !uuid_equal(&writer, &w->writer)) {
        chain_begin(w, &writer, batch, previous);
        batch_begin(w, batch, number, previous);
    } else if (batch != w->batch) {
        batch_end(w);
        batch_begin(w, batch, number, previous);
    } else if (memcmp(previous, w->previous, AUDIT_MAC_BYTES) != 0) {
        fault(w, AUDIT_FAULT_CHANGED, batch, number);
    }
    row_check(w, r, number, mac);
    if (w->head != NULL)
        audit_head_add(w->head, mac);
    w->told.rows++;
    w->since_anchor++;
    if (number > w->told.end.number)
        w->told.end.number = number;
    return 0;
}

int
audit_verify(struct store *s, const struct audit_keys *keys, struct audit_anchor *anchors,
             size_t n_anchors, const struct audit_hearer *hearer)
{
    static const struct store_statement statement = {
        "audit_verify",
        "SELECT writer, number, batch, previous, mac, at, actor, role, organisation, action, study,"
        " subject_id, submission_id, revision, reason, detail FROM sluice.audit_events"
        " ORDER BY writer, batch, number"};
    struct walk w = {.keys = keys, .anchors = anchors, .n_anchors = n_anchors, .hearer = hearer};

    if (n_anchors > 0)
        qsort(anchors, n_anchors, sizeof(*anchors), anchor_compare);
    w.seen = mem_new(n_anchors + 1, sizeof(*w.seen));
    int n = store_run_long(s, &statement, NULL, VERIFY_TIMEOUT_US, row_take, &w);
    if (n == STORE_OK) {
        chain_end(&w);
        for (size_t i = 0; i < n_anchors; i++) {
            if (w.seen[i] || (i > 0 && uuid_equal(&anchors[i].writer, &anchors[i - 1].writer)))
                continue;
            w.writer = anchors[i].writer;
            fault(&w, AUDIT_FAULT_WRITER, anchors[i].batch, anchors[i].number);
        }
    } else if (w.head != NULL) {
        audit_head_end(&w.head, w.before);
    }
    free(w.seen);
    return n;
}
