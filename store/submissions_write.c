/* The batch statement. Its text is made from submission_columns.def; there are two variants, with
 * and without the columns that few rows fill. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "store/array.h"
#include "store/json_text.h"
#include "store/submissions.h"

#define SQL_SIZE 4096
#define JSONB_VERSION "\x01"

enum column {
#define COLUMN(name, oid, type, hot) COLUMN_##name,
#include "store/submission_columns.def"
#undef COLUMN
    COLUMN_COUNT
};

static const struct {
    const char *name, *type;
    enum store_oid oid;
    bool hot;
} columns[] = {
#define COLUMN(name, oid, type, hot) [COLUMN_##name] = {#name, type, OID_##oid, hot},
#include "store/submission_columns.def"
#undef COLUMN
};

/* In the order of the arrays in the statement. */
enum rejection_column {
    REJECTION_EPOCH,
    REJECTION_SEQ,
    REJECTION_KIND,
    REJECTION_STUDY,
    REJECTION_ID,
    REJECTION_SUBJECT,
    REJECTION_QUESTIONNAIRE,
    REJECTION_VERSION,
    REJECTION_REASONS,
    REJECTION_SEALED,
    REJECTION_HASH,
    REJECTION_RECEIVED,
    REJECTION_ACCEPTED,
    REJECTION_COUNT
};
static const enum store_oid rejection_oids[REJECTION_COUNT] = {
    OID_INT8, OID_INT8,  OID_TEXT,  OID_TEXT,  OID_UUID,        OID_TEXT,        OID_TEXT,
    OID_TEXT, OID_JSONB, OID_BYTEA, OID_BYTEA, OID_TIMESTAMPTZ, OID_TIMESTAMPTZ,
};
#define REJECTIONS_SQL                                                                             \
    "WITH r AS (INSERT INTO sluice.rejections (broker, epoch, seq, kind, study, submission_id,"    \
    " subject_id, questionnaire, version, reasons, sealed, content_hash, received_at,"             \
    " accepted_at) SELECT $1::uuid, * FROM unnest($3::int8[], $4::int8[], $5::text[], $6::text[]," \
    " $7::uuid[], $8::text[], $9::text[], $10::text[], $11::jsonb[], $12::bytea[], $13::bytea[],"  \
    " $14::timestamptz[], $15::timestamptz[]) ON CONFLICT DO NOTHING) "
#define FIRST_COLUMN_PARAM 16

struct submissions_writer {
    struct array columns[COLUMN_COUNT];
    struct array rejections[REJECTION_COUNT];
    char hot_sql[SQL_SIZE], full_sql[SQL_SIZE];
    struct store_statement hot, full;
};

static void
sql_make(char *sql, bool full)
{
    char names[SQL_SIZE] = "", arrays[SQL_SIZE] = "";
    size_t n_names = 0, n_arrays = 0;
    int param = FIRST_COLUMN_PARAM;

    for (size_t c = 0; c < COLUMN_COUNT; c++) {
        if (!columns[c].hot && !full)
            continue;
        const char *comma = c > 0 ? ", " : "";
        n_names +=
            (size_t)snprintf(names + n_names, SQL_SIZE - n_names, "%s%s", comma, columns[c].name);
        n_arrays += (size_t)snprintf(arrays + n_arrays, SQL_SIZE - n_arrays, "%s$%d::%s[]", comma,
                                     param++, columns[c].type);
    }
    int n = snprintf(sql, SQL_SIZE,
                     REJECTIONS_SQL "INSERT INTO sluice.submissions (broker, hash_key, %s)"
                                    " SELECT $1::uuid, $2::int8, u.* FROM unnest(%s) AS u"
                                    " ON CONFLICT DO NOTHING"
                                    " RETURNING study, submission_id, stored_at",
                     names, arrays);
    sluice_assert(n > 0 && n < SQL_SIZE && n_names < SQL_SIZE && n_arrays < SQL_SIZE);
}

struct submissions_writer *
submissions_writer_new(size_t ceiling)
{
    struct submissions_writer *w = mem_new(1, sizeof(*w));

    for (size_t c = 0; c < COLUMN_COUNT; c++)
        array_init(&w->columns[c], ceiling);
    for (size_t c = 0; c < REJECTION_COUNT; c++)
        array_init(&w->rejections[c], ceiling);
    sql_make(w->hot_sql, false);
    sql_make(w->full_sql, true);
    w->hot = (struct store_statement){"submissions_write", w->hot_sql};
    w->full = (struct store_statement){"submissions_write_full", w->full_sql};
    return w;
}

void
submissions_writer_free(struct submissions_writer *w)
{
    if (w == NULL)
        return;
    for (size_t c = 0; c < COLUMN_COUNT; c++)
        array_deinit(&w->columns[c]);
    for (size_t c = 0; c < REJECTION_COUNT; c++)
        array_deinit(&w->rejections[c]);
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
row_add(struct array *c, const struct submission_row *r)
{
    struct slice zone = {*r->authored_zone != '\0' ? r->authored_zone : NULL,
                         strlen(r->authored_zone)};

    return slice_add(&c[COLUMN_study], r->study) |
           array_add(&c[COLUMN_submission_id], r->id.bytes, sizeof(r->id.bytes)) |
           slice_add(&c[COLUMN_subject_id], r->subject) |
           slice_add(&c[COLUMN_questionnaire], r->questionnaire) |
           slice_add(&c[COLUMN_version], r->version) | jsonb_add(&c[COLUMN_answers], r->answers) |
           array_add_time(&c[COLUMN_authored_at], r->authored_us) |
           array_add_time(&c[COLUMN_received_at], r->received_us) |
           array_add_time(&c[COLUMN_accepted_at], r->accepted_us) |
           array_add(&c[COLUMN_content_hash], r->content_hash, sizeof(r->content_hash)) |
           array_add_bigint(&c[COLUMN_epoch], (int64_t)r->epoch) |
           array_add_bigint(&c[COLUMN_seq], (int64_t)r->seq) |
           slice_add(&c[COLUMN_authored_zone], zone);
}

static int
extra_add(struct array *c, const struct submission_extra *e)
{
    static const struct submission_extra none = {.started_us = TIME_NONE, .sent_us = TIME_NONE};
    static const struct slice completed = {"completed", 9};

    if (e == NULL)
        e = &none;
    return slice_add(&c[COLUMN_status], e->status.at != NULL ? e->status : completed) |
           time_add(&c[COLUMN_started_at], e->started_us) |
           time_add(&c[COLUMN_sent_at], e->sent_us) |
           slice_add(&c[COLUMN_time_zone], e->time_zone) | slice_add(&c[COLUMN_visit], e->visit) |
           slice_add(&c[COLUMN_occasion], e->occasion) |
           slice_add(&c[COLUMN_language], e->language) |
           jsonb_add(&c[COLUMN_originator], e->originator) |
           jsonb_add(&c[COLUMN_device], e->device) |
           jsonb_add(&c[COLUMN_device_edits], e->device_edits);
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

static int
params_fill(struct submissions_writer *w, struct submission_row *const *rows, size_t n_rows,
            const struct rejection_row *const *rejections, size_t n_rejections, bool full)
{
    int bad = BUF_OK;

    for (size_t c = 0; c < COLUMN_COUNT; c++)
        array_begin(&w->columns[c], columns[c].oid);
    for (size_t c = 0; c < REJECTION_COUNT; c++)
        array_begin(&w->rejections[c], rejection_oids[c]);
    for (size_t i = 0; i < n_rows && bad == BUF_OK; i++)
        bad = row_add(w->columns, rows[i]) | (full ? extra_add(w->columns, rows[i]->extra) : 0);
    for (size_t i = 0; i < n_rejections && bad == BUF_OK; i++)
        bad = rejection_add(w->rejections, rejections[i]);
    for (size_t c = 0; c < COLUMN_COUNT; c++)
        array_end(&w->columns[c]);
    for (size_t c = 0; c < REJECTION_COUNT; c++)
        array_end(&w->rejections[c]);
    return bad;
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
returned_take(const PGresult *r, struct submission_row *const *rows, size_t n_rows)
{
    for (int i = 0; i < PQntuples(r); i++) {
        struct submission_row key = {
            .study = {PQgetvalue(r, i, 0), (size_t)PQgetlength(r, i, 0)},
            .id = store_get_uuid(r, i, 1),
        };
        struct submission_row *row = row_find(rows, n_rows, &key);
        sluice_assert(row != NULL);
        row->inserted = true;
        row->stored_us = store_get_time(r, i, 2);
    }
}

int
submissions_write(struct submissions_writer *w, struct store *s, const struct uuid *broker,
                  uint32_t hash_key, struct submission_row *const *rows, size_t n_rows,
                  const struct rejection_row *const *rejections, size_t n_rejections)
{
    struct store_params p = {0};
    PGresult *r = NULL;
    bool full = false;

    for (size_t i = 0; i < n_rows; i++) {
        rows[i]->inserted = false;
        full = full || rows[i]->extra != NULL;
        sluice_assert(i == 0 || submission_row_compare(rows[i - 1], rows[i]) < 0);
    }
    if (params_fill(w, rows, n_rows, rejections, n_rejections, full) != BUF_OK)
        return SUBMISSIONS_FULL;
    store_param_uuid(&p, broker);
    store_param_bigint(&p, hash_key);
    for (size_t c = 0; c < REJECTION_COUNT; c++)
        store_param_bytes(&p, w->rejections[c].bytes.data, w->rejections[c].bytes.size);
    for (size_t c = 0; c < COLUMN_COUNT; c++) {
        if (columns[c].hot || full)
            store_param_bytes(&p, w->columns[c].bytes.data, w->columns[c].bytes.size);
    }
    int n = store_run(s, full ? &w->full : &w->hot, &p, &r);
    if (n != STORE_OK)
        return n;
    returned_take(r, rows, n_rows);
    PQclear(r);
    return STORE_OK;
}
