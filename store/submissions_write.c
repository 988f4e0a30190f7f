/* Fills the parameters of the batch statement (submissions_sql.c) and reads its results. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "store/identifiers_write.h"
#include "store/submissions.h"
#include "store/submissions_arrays.h"
#include "store/submissions_sign.h"

#define NAME_SIZE 32
#define ALERT_COLUMN 3     /* of the results */
#define MET_STATEMENTS 256 /* after a row was met; one in so many then tries without */
#define UNIQUE_VIOLATION "23505"

struct submissions_writer {
    struct submissions_arrays arrays;
    struct identifiers_writer *identifiers;
    struct alerts_writer *alerts;
    const struct audit_row **stored; /* rows of one statement that were inserted */
    unsigned met;                    /* so many statements more expect to meet rows */
    struct {
        char name[NAME_SIZE];
        char *sql;
        struct store_statement statement;
    } variants[VARIANT_COUNT]; /* made when first met */
};

static const struct store_statement *
variant_get(struct submissions_writer *w, unsigned variant)
{
    struct store_statement *s = &w->variants[variant].statement;

    if (s->sql == NULL) {
        snprintf(w->variants[variant].name, NAME_SIZE, "submissions_write_%u", variant);
        w->variants[variant].sql = submissions_sql_make(variant);
        *s = (struct store_statement){w->variants[variant].name, w->variants[variant].sql};
    }
    return s;
}

struct submissions_writer *
submissions_writer_new(size_t ceiling)
{
    struct submissions_writer *w = mem_new(1, sizeof(*w));

    submissions_arrays_init(&w->arrays, ceiling);
    w->identifiers = identifiers_writer_new(ceiling);
    w->alerts = alerts_writer_new(ceiling);
    return w;
}

void
submissions_writer_free(struct submissions_writer *w)
{
    if (w == NULL)
        return;
    submissions_arrays_deinit(&w->arrays);
    for (size_t v = 0; v < VARIANT_COUNT; v++)
        free(w->variants[v].sql);
    identifiers_writer_free(w->identifiers);
    alerts_writer_free(w->alerts);
    free(w->stored);
    free(w);
}

static void
shared_param(struct store_params *p, enum column c, const struct submissions_writer *w,
             const struct submission_row *r)
{
    if (c == COLUMN_epoch) {
        store_param_bigint(p, (int64_t)r->epoch);
        return;
    }
    struct slice text = c == COLUMN_study           ? r->study
                        : c == COLUMN_questionnaire ? r->questionnaire
                        : c == COLUMN_version       ? r->version
                        : c == COLUMN_authored_zone ? submission_zone(r)
                                                    : w->arrays.long_key;
    if (text.at != NULL)
        store_param_text(p, text.at, text.len);
    else
        store_param_null(p);
}

static void
array_param(struct store_params *p, const struct array *a)
{
    store_param_bytes(p, a->bytes.data, a->bytes.size);
}

/* The statement's parameters, all of them. */
static int
params_fill(struct store_params *p, struct submissions_writer *w, const struct audit_chain *chain,
            const struct submissions_batch *b, int64_t now_us, unsigned variant)
{
    store_param_uuid(p, b->broker);
    store_param_bigint(p, b->hash_key);
    store_param_uuid(p, &chain->writer);
    store_param_bigint(p, chain->batch);
    store_param_bytes(p, chain->head, sizeof(chain->head));
    store_param_time(p, now_us);
    sluice_assert(p->n + 1 == SUBMISSIONS_FIRST_PARAM);
    for (size_t c = 0; c < REJECTION_COUNT && (variant & VARIANT_REJECTIONS) != 0; c++)
        array_param(p, &w->arrays.rejections[c]);
    for (enum column c = 0; c < COLUMN_COUNT; c++) {
        if (!column_wanted(c, variant))
            continue;
        if (column_shared(c, variant))
            shared_param(p, c, w, b->rows[0]);
        else
            array_param(p, &w->arrays.columns[c]);
    }
    int full = BUF_OK;
    if (b->n_identifiers > 0)
        full = identifiers_params_fill(w->identifiers, b->identifiers, b->n_identifiers, p);
    if (full == BUF_OK && b->n_alerts > 0)
        full = alerts_params_fill(w->alerts, b->alerts, b->n_alerts, p);
    return full;
}

int
submission_row_compare(const struct submission_row *a, const struct submission_row *b)
{
    size_t n = a->study.len < b->study.len ? a->study.len : b->study.len;
    int order = n > 0 ? memcmp(a->study.at, b->study.at, n) : 0;

    if (order == 0 && a->study.len != b->study.len)
        order = a->study.len < b->study.len ? -1 : 1;
    return order != 0 ? order : memcmp(a->id.bytes, b->id.bytes, sizeof(a->id.bytes));
}

static struct submission_row *
row_find(struct submission_row *const *rows, size_t n, const struct submission_row *key)
{
    size_t low = 0, high = n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = submission_row_compare(rows[middle], key);
        if (order == 0)
            return rows[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static void
row_stored(struct submission_row *row, int64_t stored_us)
{
    row->inserted = true;
    row->stored_us = stored_us;
}

static void
returned_take(const PGresult *r, const struct submissions_batch *b)
{
    for (int i = 0; i < PQntuples(r); i++) {
        if (b->n_alerts > 0 && !PQgetisnull(r, i, ALERT_COLUMN)) {
            alert_result_take(b->alerts, b->n_alerts, r, i, ALERT_COLUMN);
            continue;
        }
        int64_t stored_us = store_get_time(r, i, 2);
        if (PQgetisnull(r, i, 0)) { /* an answer for all */
            for (size_t k = 0; k < b->n_rows; k++)
                row_stored(b->rows[k], stored_us);
            continue;
        }
        struct submission_row key = {
            .study = {PQgetvalue(r, i, 0), (size_t)PQgetlength(r, i, 0)},
            .id = store_get_uuid(r, i, 1),
        };
        struct submission_row *row = row_find(b->rows, b->n_rows, &key);
        sluice_assert(row != NULL);
        row_stored(row, stored_us);
    }
}

static void
chain_advance(struct submissions_writer *w, struct audit_chain *chain,
              const struct submissions_batch *b)
{
    size_t n = 0;

    w->stored = mem_grow(w->stored, b->n_rows + 1, sizeof(struct audit_row *));
    for (size_t i = 0; i < b->n_rows; i++)
        if (b->rows[i]->inserted)
            w->stored[n++] = &b->rows[i]->audit;
    audit_chain_advance(chain, w->stored, n);
}

/* Most batches meet no row that stands already, and looking for one before each insert, so that it
 * is no error, is a tenth of what PostgreSQL does for a row. So the statement goes without ON
 * CONFLICT until one is met; then it has written nothing and goes again with it, as do those that
 * follow: where duplicates come often, one statement in MET_STATEMENTS is run twice. */
static int
statement_run(struct submissions_writer *w, struct store *s, const struct audit_chain *chain,
              const struct submissions_batch *b, int64_t now_us, unsigned variant,
              PGresult **ret_result)
{
    struct store_params p = {0};

    if (w->met > 0) {
        w->met--;
        variant |= VARIANT_MET;
    }
    if (params_fill(&p, w, chain, b, now_us, variant) != BUF_OK)
        return SUBMISSIONS_FULL;
    int n = store_run(s, variant_get(w, variant), &p, ret_result);
    if (n != STORE_ROW || (variant & VARIANT_MET) != 0 ||
        strcmp(store_sqlstate(s), UNIQUE_VIOLATION) != 0)
        return n;
    w->met = MET_STATEMENTS;
    return statement_run(w, s, chain, b, now_us, variant, ret_result);
}

int
submissions_write(struct submissions_writer *w, struct store *s, struct audit_chain *chain,
                  const struct submissions_batch *b)
{
    PGresult *r = NULL;
    unsigned variant = submissions_variant(b);
    int64_t now_us = clock_wall_us();

    if (submissions_arrays_fill(&w->arrays, chain, b, now_us, &variant) != BUF_OK)
        return SUBMISSIONS_FULL;
    int n = statement_run(w, s, chain, b, now_us, variant, &r);
    if (n == STORE_OK) {
        returned_take(r, b);
        PQclear(r);
        chain_advance(w, chain, b);
    } else if (n != STORE_ROW && n != SUBMISSIONS_FULL) {
        audit_chain_restart(chain);
    }
    return n;
}
