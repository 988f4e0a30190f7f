/* Fills the parameters of the batch statement (submissions_sql.c) and reads its results. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "store/answers.h"
#include "store/array.h"
#include "store/identifiers_write.h"
#include "store/json_text.h"
#include "store/submissions.h"
#include "store/submissions_sign.h"
#include "store/submissions_sql.h"

#define NAME_SIZE 32
#define JSONB_VERSION "\x01"
#define ALERT_COLUMN 3     /* of the results */
#define MET_STATEMENTS 256 /* after a row was met; one in so many then tries without */
#define UNIQUE_VIOLATION "23505"

struct submissions_writer {
    struct array columns[COLUMN_COUNT];
    struct array long_keys, long_texts;
    struct buf beside; /* the long text of one row, as JSON */
    struct array rejections[REJECTION_COUNT];
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

    for (size_t c = 0; c < COLUMN_COUNT; c++)
        array_init(&w->columns[c], ceiling);
    array_init(&w->long_keys, ceiling);
    array_init(&w->long_texts, ceiling);
    buf_init(&w->beside, ceiling);
    for (size_t c = 0; c < REJECTION_COUNT; c++)
        array_init(&w->rejections[c], ceiling);
    w->identifiers = identifiers_writer_new(ceiling);
    w->alerts = alerts_writer_new(ceiling);
    return w;
}

void
submissions_writer_free(struct submissions_writer *w)
{
    if (w == NULL)
        return;
    for (size_t c = 0; c < COLUMN_COUNT; c++)
        array_deinit(&w->columns[c]);
    array_deinit(&w->long_keys);
    array_deinit(&w->long_texts);
    buf_deinit(&w->beside);
    for (size_t c = 0; c < REJECTION_COUNT; c++)
        array_deinit(&w->rejections[c]);
    for (size_t v = 0; v < VARIANT_COUNT; v++)
        free(w->variants[v].sql);
    identifiers_writer_free(w->identifiers);
    alerts_writer_free(w->alerts);
    free(w->stored);
    free(w);
}

static int
slice_add(struct array *a, struct slice v)
{
    return v.at != NULL ? array_add(a, v.at, v.len) : array_add_null(a);
}

static int
time_add(struct array *a, int64_t us)
{
    return us != TIME_NONE ? array_add_time(a, us) : array_add_null(a);
}

static int
jsonb_add(struct array *a, struct slice msgpack)
{
    struct mp_cursor at = {msgpack.at, (const uint8_t *)msgpack.at + msgpack.len};

    if (msgpack.at == NULL)
        return array_add_null(a);
    if (array_open(a) != BUF_OK || buf_append(&a->bytes, JSONB_VERSION, 1) != BUF_OK ||
        json_text_write(&a->bytes, &at) != BUF_OK)
        return BUF_FULL;
    array_close(a);
    return BUF_OK;
}

/* The JSON text of the element added last. */
static struct slice
jsonb_last(const struct array *a)
{
    size_t at = a->open_at + sizeof(uint32_t) + sizeof(JSONB_VERSION) - 1;

    return (struct slice){(const char *)a->bytes.data + at, a->bytes.size - at};
}

/* *ret_data: the text as it will stand in the row, in parts. */
static int
answers_add(struct submissions_writer *w, struct slice msgpack, bool *ret_long,
            struct audit_data *ret_data)
{
    struct array *a = &w->columns[COLUMN_answers];
    struct answers_beside beside;

    if (array_open(a) != BUF_OK || buf_append(&a->bytes, JSONB_VERSION, 1) != BUF_OK ||
        answers_write(&a->bytes, msgpack, &beside) != BUF_OK)
        return BUF_FULL;
    array_close(a);
    struct slice whole = jsonb_last(a);
    ret_data->answers[0] = whole;
    if (beside.key.at != NULL) {
        const char *hole = (const char *)a->bytes.data + beside.at;
        const char *after = hole + sizeof(ANSWERS_HOLE) - 1;
        buf_clear(&w->beside);
        if (json_text_string(&w->beside, beside.text.at, beside.text.len) != BUF_OK)
            return BUF_FULL;
        ret_data->answers[0].len = (size_t)(hole - (const char *)whole.at);
        ret_data->answers[1] = (struct slice){(const char *)w->beside.data, w->beside.size};
        ret_data->answers[2] =
            (struct slice){after, whole.len - (size_t)(after - (const char *)whole.at)};
        *ret_long = true;
    }
    return slice_add(&w->long_keys, beside.key) | slice_add(&w->long_texts, beside.text);
}

static int
json_add(struct array *a, struct slice json)
{
    if (array_open(a) != BUF_OK || buf_append(&a->bytes, JSONB_VERSION, 1) != BUF_OK ||
        buf_append(&a->bytes, json.at, json.len) != BUF_OK)
        return BUF_FULL;
    array_close(a);
    return BUF_OK;
}

static int
shared_add(struct array *c, const struct submission_row *r)
{
    return slice_add(&c[COLUMN_study], r->study) |
           slice_add(&c[COLUMN_questionnaire], r->questionnaire) |
           slice_add(&c[COLUMN_version], r->version) |
           array_add_bigint(&c[COLUMN_epoch], (int64_t)r->epoch);
}

static int
each_add(struct array *c, const struct submission_row *r)
{
    return array_add(&c[COLUMN_submission_id], r->id.bytes, sizeof(r->id.bytes)) |
           slice_add(&c[COLUMN_subject_id], r->subject) |
           array_add_time(&c[COLUMN_authored_at], r->authored_us) |
           array_add_time(&c[COLUMN_received_at], r->received_us) |
           array_add_time(&c[COLUMN_accepted_at], r->accepted_us) |
           array_add(&c[COLUMN_content_hash], r->content_hash, sizeof(r->content_hash)) |
           array_add_bigint(&c[COLUMN_seq], (int64_t)r->seq) |
           slice_add(&c[COLUMN_authored_zone], submission_zone(r)) |
           array_add_bigint(&c[COLUMN_audit_number], r->audit.number) |
           array_add(&c[COLUMN_audit_mac], r->audit.mac, sizeof(r->audit.mac)) |
           array_add(&c[COLUMN_data_mac], r->data_mac, sizeof(r->data_mac));
}

static int
extra_add(struct array *c, const struct submission_extra *e)
{
    static const struct submission_extra none = {
        .started_us = TIME_NONE, .sent_us = TIME_NONE, .skew_us = TIME_NONE};
    static const struct slice completed = {"completed", 9};

    if (e == NULL)
        e = &none;
    return slice_add(&c[COLUMN_status], e->status.at != NULL ? e->status : completed) |
           time_add(&c[COLUMN_started_at], e->started_us) |
           time_add(&c[COLUMN_sent_at], e->sent_us) |
           (e->skew_us != TIME_NONE ? array_add_bigint(&c[COLUMN_skew_s], e->skew_us)
                                    : array_add_null(&c[COLUMN_skew_s])) |
           slice_add(&c[COLUMN_flags], e->flags) | slice_add(&c[COLUMN_time_zone], e->time_zone) |
           slice_add(&c[COLUMN_visit], e->visit) | slice_add(&c[COLUMN_occasion], e->occasion) |
           slice_add(&c[COLUMN_language], e->language) |
           jsonb_add(&c[COLUMN_originator], e->originator) |
           jsonb_add(&c[COLUMN_device], e->device) |
           jsonb_add(&c[COLUMN_device_edits], e->device_edits) |
           jsonb_add(&c[COLUMN_normal], e->normal) | slice_add(&c[COLUMN_actor], e->actor) |
           slice_add(&c[COLUMN_role], e->role) |
           slice_add(&c[COLUMN_organisation], e->organisation);
}

static int
rejection_add(struct array *c, const struct rejection_row *r)
{
    return array_add_bigint(&c[REJECTION_EPOCH], (int64_t)r->epoch) |
           array_add_bigint(&c[REJECTION_SEQ], (int64_t)r->seq) |
           array_add(&c[REJECTION_KIND], r->kind, strlen(r->kind)) |
           slice_add(&c[REJECTION_STUDY], r->study) |
           array_add(&c[REJECTION_ID], r->id.bytes, sizeof(r->id.bytes)) |
           slice_add(&c[REJECTION_SUBJECT], r->subject) |
           slice_add(&c[REJECTION_QUESTIONNAIRE], r->questionnaire) |
           slice_add(&c[REJECTION_VERSION], r->version) |
           json_add(&c[REJECTION_REASONS], r->reasons) |
           slice_add(&c[REJECTION_SEALED], r->sealed) |
           slice_add(&c[REJECTION_HASH], r->content_hash) |
           array_add_time(&c[REJECTION_RECEIVED], r->received_us) |
           array_add_time(&c[REJECTION_ACCEPTED], r->accepted_us);
}

static bool
slice_equal(struct slice a, struct slice b)
{
    return a.len == b.len && (a.at == b.at || memcmp(a.at, b.at, a.len) == 0);
}

static unsigned
variant_choose(const struct submissions_batch *b)
{
    unsigned variant = (b->n_rejections > 0 ? VARIANT_REJECTIONS : 0) |
                       (b->n_alerts > 0 ? VARIANT_ALERTS : 0) |
                       (b->n_identifiers > 0 ? VARIANT_IDENTITIES : 0);

    if (b->n_rows == 0) /* no row to take a shared value from */
        variant |= VARIANT_MIXED;
    for (size_t i = 0; i < b->n_rows; i++) {
        const struct submission_row *a = b->rows[0], *r = b->rows[i];
        if (r->extra != NULL)
            variant |= VARIANT_RARE;
        if (r->site.at != NULL)
            variant |= VARIANT_SITED;
        if (r->scores.at != NULL)
            variant |= VARIANT_SCORED;
        if (a->epoch != r->epoch || !slice_equal(a->study, r->study) ||
            !slice_equal(a->questionnaire, r->questionnaire) ||
            !slice_equal(a->version, r->version))
            variant |= VARIANT_MIXED;
    }
    return variant;
}

static void
arrays_begin(struct submissions_writer *w)
{
    for (enum column c = 0; c < COLUMN_COUNT; c++)
        array_begin(&w->columns[c], column_oid(c));
    array_begin(&w->long_keys, OID_TEXT);
    array_begin(&w->long_texts, OID_TEXT);
    for (enum rejection_column c = 0; c < REJECTION_COUNT; c++)
        array_begin(&w->rejections[c], rejection_oid(c));
}

static void
arrays_end(struct submissions_writer *w)
{
    for (enum column c = 0; c < COLUMN_COUNT; c++)
        array_end(&w->columns[c]);
    array_end(&w->long_keys);
    array_end(&w->long_texts);
    for (enum rejection_column c = 0; c < REJECTION_COUNT; c++)
        array_end(&w->rejections[c]);
}

/* The JSON of the extra that was added last. */
static void
extra_texts(const struct array *c, const struct submission_extra *e, struct audit_data *ret_data)
{
    if (e->originator.at != NULL)
        ret_data->originator = jsonb_last(&c[COLUMN_originator]);
    if (e->device.at != NULL)
        ret_data->device = jsonb_last(&c[COLUMN_device]);
    if (e->device_edits.at != NULL)
        ret_data->device_edits = jsonb_last(&c[COLUMN_device_edits]);
    if (e->normal.at != NULL)
        ret_data->normal = jsonb_last(&c[COLUMN_normal]);
}

/* A row's JSON goes first: it is part of what is signed. */
static int
row_add(struct submissions_writer *w, struct audit_chain *chain, struct submission_row *r,
        const struct submissions_batch *b, int64_t now_us, unsigned variant, bool *ret_long)
{
    struct audit_data data = {.broker = *b->broker, .hash_key = b->hash_key};
    int bad = answers_add(w, r->answers, ret_long, &data);

    if (bad == BUF_OK && (variant & VARIANT_SCORED) != 0)
        bad = jsonb_add(&w->columns[COLUMN_scores], r->scores);
    if (bad == BUF_OK && (variant & VARIANT_RARE) != 0)
        bad = extra_add(w->columns, r->extra);
    if (bad != BUF_OK)
        return bad;
    if (r->scores.at != NULL)
        data.scores = jsonb_last(&w->columns[COLUMN_scores]);
    if (r->extra != NULL)
        extra_texts(w->columns, r->extra, &data);
    submission_row_sign(chain, r, now_us, &data);
    bad = each_add(w->columns, r);
    if ((variant & VARIANT_MIXED) != 0)
        bad |= shared_add(w->columns, r);
    if ((variant & VARIANT_SITED) != 0)
        bad |= slice_add(&w->columns[COLUMN_site_id], r->site);
    return bad;
}

/* Fills the arrays that the variant has; VARIANT_LONG is found out on the way. */
static int
arrays_fill(struct submissions_writer *w, struct audit_chain *chain,
            const struct submissions_batch *b, int64_t now_us, unsigned *variant)
{
    bool long_texts = false;
    int bad = BUF_OK;

    arrays_begin(w);
    for (size_t i = 0; i < b->n_rows; i++)
        b->rows[i]->inserted = false;
    for (size_t i = 0; i < b->n_rows && bad == BUF_OK; i++) {
        sluice_assert(i == 0 || submission_row_compare(b->rows[i - 1], b->rows[i]) < 0);
        bad = row_add(w, chain, b->rows[i], b, now_us, *variant, &long_texts);
    }
    for (size_t i = 0; i < b->n_rejections && bad == BUF_OK; i++)
        bad = rejection_add(w->rejections, b->rejections[i]);
    arrays_end(w);
    if (long_texts)
        *variant |= VARIANT_LONG;
    return bad;
}

static void
shared_param(struct store_params *p, enum column c, const struct submission_row *r)
{
    if (c == COLUMN_epoch) {
        store_param_bigint(p, (int64_t)r->epoch);
        return;
    }
    struct slice text = c == COLUMN_study           ? r->study
                        : c == COLUMN_questionnaire ? r->questionnaire
                                                    : r->version;
    store_param_text(p, text.at, text.len);
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
        array_param(p, &w->rejections[c]);
    for (enum column c = 0; c < COLUMN_COUNT; c++) {
        if (!column_wanted(c, variant))
            continue;
        if (column_shared(c, variant))
            shared_param(p, c, b->rows[0]);
        else
            array_param(p, &w->columns[c]);
    }
    if ((variant & VARIANT_LONG) != 0) {
        array_param(p, &w->long_keys);
        array_param(p, &w->long_texts);
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
returned_take(const PGresult *r, const struct submissions_batch *b)
{
    for (int i = 0; i < PQntuples(r); i++) {
        if (b->n_alerts > 0 && !PQgetisnull(r, i, ALERT_COLUMN)) {
            alert_result_take(b->alerts, b->n_alerts, r, i, ALERT_COLUMN);
            continue;
        }
        struct submission_row key = {
            .study = {PQgetvalue(r, i, 0), (size_t)PQgetlength(r, i, 0)},
            .id = store_get_uuid(r, i, 1),
        };
        struct submission_row *row = row_find(b->rows, b->n_rows, &key);
        sluice_assert(row != NULL);
        row->inserted = true;
        row->stored_us = store_get_time(r, i, 2);
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
statement_run(struct submissions_writer *w, struct store *s, const struct store_params *p,
              unsigned variant, PGresult **ret_result)
{
    if (w->met == 0) {
        int n = store_run(s, variant_get(w, variant), p, ret_result);
        if (n != STORE_ROW || strcmp(store_sqlstate(s), UNIQUE_VIOLATION) != 0)
            return n;
        w->met = MET_STATEMENTS;
    }
    w->met--;
    return store_run(s, variant_get(w, variant | VARIANT_MET), p, ret_result);
}

int
submissions_write(struct submissions_writer *w, struct store *s, struct audit_chain *chain,
                  const struct submissions_batch *b)
{
    struct store_params p = {0};
    PGresult *r = NULL;
    unsigned variant = variant_choose(b);
    int64_t now_us = clock_wall_us();

    if (arrays_fill(w, chain, b, now_us, &variant) != BUF_OK ||
        params_fill(&p, w, chain, b, now_us, variant) != BUF_OK)
        return SUBMISSIONS_FULL;
    int n = statement_run(w, s, &p, variant, &r);
    if (n == STORE_OK) {
        returned_take(r, b);
        PQclear(r);
        chain_advance(w, chain, b);
    } else if (n != STORE_ROW) {
        audit_chain_restart(chain);
    }
    return n;
}
