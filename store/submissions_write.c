/* The batch statement. Its text is made from submission_columns.def, one variant for each shape of
 * batch met: what a batch does not need (rejections, rare columns, an array of equal values, a way
 * for long texts) costs PostgreSQL microseconds a row, so it is not in its statement. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "store/answers.h"
#include "store/array.h"
#include "store/json_text.h"
#include "store/submissions.h"

#define SQL_SIZE 4096
#define NAME_SIZE 32
#define JSONB_VERSION "\x01"

enum column {
#define COLUMN(name, oid, type, shape) COLUMN_##name,
#include "store/submission_columns.def"
#undef COLUMN
    COLUMN_COUNT
};
enum shape { SHAPE_EACH, SHAPE_SHARED, SHAPE_RARE };

static const struct {
    const char *name, *type;
    enum store_oid oid;
    enum shape shape;
} columns[] = {
#define COLUMN(name, oid, type, shape) [COLUMN_##name] = {#name, type, OID_##oid, SHAPE_##shape},
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
/* Who wakes up late may refuse what another attempt has stored meanwhile: no origin in both. */
#define REJECTIONS_SQL                                                                             \
    "WITH r AS (INSERT INTO sluice.rejections (broker, epoch, seq, kind, study, submission_id,"    \
    " subject_id, questionnaire, version, reasons, sealed, content_hash, received_at,"             \
    " accepted_at) SELECT $1::uuid, u.* FROM unnest($3::int8[], $4::int8[], $5::text[],"           \
    " $6::text[], $7::uuid[], $8::text[], $9::text[], $10::text[], $11::jsonb[], $12::bytea[],"    \
    " $13::bytea[], $14::timestamptz[], $15::timestamptz[]) AS u(epoch, seq, kind, study, id,"     \
    " subject, questionnaire, version, reasons, sealed, hash, received, accepted)"                 \
    " WHERE NOT EXISTS (SELECT FROM sluice.submissions s WHERE s.study = u.study"                  \
    " AND s.submission_id = u.id AND s.broker = $1::uuid AND s.epoch = u.epoch"                    \
    " AND s.seq = u.seq) ON CONFLICT DO NOTHING) "
#define FIRST_PARAM 3 /* after broker and hash key */

/* The shape of a batch: a bit for each thing it has. */
enum variant {
    VARIANT_REJECTIONS = 1, /* some */
    VARIANT_MIXED = 2,      /* SHARED columns that differ between rows */
    VARIANT_RARE = 4,       /* a row with RARE columns */
    VARIANT_LONG = 8,       /* a row whose long text goes beside its answers */
    VARIANT_COUNT = 16
};

struct submissions_writer {
    struct array columns[COLUMN_COUNT];
    struct array long_keys, long_texts;
    struct array rejections[REJECTION_COUNT];
    struct {
        char name[NAME_SIZE], sql[SQL_SIZE];
        struct store_statement statement;
    } variants[VARIANT_COUNT]; /* made when first met */
};

static bool
column_wanted(enum column c, unsigned variant)
{
    return columns[c].shape != SHAPE_RARE || (variant & VARIANT_RARE) != 0;
}

static bool
column_shared(enum column c, unsigned variant)
{
    return columns[c].shape == SHAPE_SHARED && (variant & VARIANT_MIXED) == 0;
}

/* Appends to a text of SQL_SIZE whose length is *n. */
static void __attribute__((format(printf, 3, 4)))
sql_add(char *sql, size_t *n, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int added = vsnprintf(sql + *n, SQL_SIZE - *n, format, args);
    va_end(args);
    sluice_assert(added >= 0 && *n + (size_t)added < SQL_SIZE);
    *n += (size_t)added;
}

/* INSERT … (names) SELECT values FROM unnest(arrays) AS u(elements) … */
static void
sql_make(char *sql, unsigned variant)
{
    char names[SQL_SIZE] = "", values[SQL_SIZE] = "", arrays[SQL_SIZE] = "",
         elements[SQL_SIZE] = "";
    size_t n_names = 0, n_values = 0, n_arrays = 0, n_elements = 0, n = 0;
    bool long_texts = (variant & VARIANT_LONG) != 0;
    int param = FIRST_PARAM + ((variant & VARIANT_REJECTIONS) != 0 ? REJECTION_COUNT : 0);

    for (enum column c = 0; c < COLUMN_COUNT; c++) {
        const char *comma = n_elements > 0 ? ", " : "";
        if (!column_wanted(c, variant))
            continue;
        sql_add(names, &n_names, ", %s", columns[c].name);
        if (column_shared(c, variant)) {
            sql_add(values, &n_values, ", $%d::%s", param++, columns[c].type);
            continue;
        }
        if (c == COLUMN_answers && long_texts)
            sql_add(values, &n_values,
                    ", CASE WHEN u.long_key IS NULL THEN u.answers"
                    " ELSE jsonb_set(u.answers, ARRAY[u.long_key], to_jsonb(u.long_text), false)"
                    " END");
        else
            sql_add(values, &n_values, ", u.%s", columns[c].name);
        sql_add(arrays, &n_arrays, "%s$%d::%s[]", comma, param++, columns[c].type);
        sql_add(elements, &n_elements, "%s%s", comma, columns[c].name);
    }
    if (long_texts) {
        sql_add(arrays, &n_arrays, ", $%d::text[], $%d::text[]", param, param + 1);
        sql_add(elements, &n_elements, ", long_key, long_text");
    }
    sql_add(sql, &n,
            "%sINSERT INTO sluice.submissions (broker, hash_key%s) SELECT $1::uuid, $2::int8%s"
            " FROM unnest(%s) AS u(%s) ON CONFLICT DO NOTHING"
            " RETURNING study, submission_id, stored_at",
            (variant & VARIANT_REJECTIONS) != 0 ? REJECTIONS_SQL : "", names, values, arrays,
            elements);
}

static const struct store_statement *
variant_get(struct submissions_writer *w, unsigned variant)
{
    char *name = w->variants[variant].name, *sql = w->variants[variant].sql;

    if (*sql == '\0') {
        snprintf(name, NAME_SIZE, "submissions_write_%u", variant);
        sql_make(sql, variant);
        w->variants[variant].statement = (struct store_statement){name, sql};
    }
    return &w->variants[variant].statement;
}

struct submissions_writer *
submissions_writer_new(size_t ceiling)
{
    struct submissions_writer *w = mem_new(1, sizeof(*w));

    for (size_t c = 0; c < COLUMN_COUNT; c++)
        array_init(&w->columns[c], ceiling);
    array_init(&w->long_keys, ceiling);
    array_init(&w->long_texts, ceiling);
    for (size_t c = 0; c < REJECTION_COUNT; c++)
        array_init(&w->rejections[c], ceiling);
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
answers_add(struct submissions_writer *w, struct slice msgpack, bool *ret_long)
{
    struct array *a = &w->columns[COLUMN_answers];
    struct slice key, text;

    if (array_open(a) != BUF_OK || buf_append(&a->bytes, JSONB_VERSION, 1) != BUF_OK ||
        answers_write(&a->bytes, msgpack, &key, &text) != BUF_OK)
        return BUF_FULL;
    array_close(a);
    *ret_long = *ret_long || key.at != NULL;
    return slice_add(&w->long_keys, key) | slice_add(&w->long_texts, text);
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
    struct slice zone = {*r->authored_zone != '\0' ? r->authored_zone : NULL,
                         strlen(r->authored_zone)};

    return array_add(&c[COLUMN_submission_id], r->id.bytes, sizeof(r->id.bytes)) |
           slice_add(&c[COLUMN_subject_id], r->subject) |
           array_add_time(&c[COLUMN_authored_at], r->authored_us) |
           array_add_time(&c[COLUMN_received_at], r->received_us) |
           array_add_time(&c[COLUMN_accepted_at], r->accepted_us) |
           array_add(&c[COLUMN_content_hash], r->content_hash, sizeof(r->content_hash)) |
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

static bool
slice_equal(struct slice a, struct slice b)
{
    return a.len == b.len && (a.at == b.at || memcmp(a.at, b.at, a.len) == 0);
}

static unsigned
variant_choose(struct submission_row *const *rows, size_t n_rows, size_t n_rejections)
{
    unsigned variant = n_rejections > 0 ? VARIANT_REJECTIONS : 0;

    if (n_rows == 0) /* no row to take a shared value from */
        variant |= VARIANT_MIXED;
    for (size_t i = 0; i < n_rows; i++) {
        const struct submission_row *a = rows[0], *b = rows[i];
        if (b->extra != NULL)
            variant |= VARIANT_RARE;
        if (a->epoch != b->epoch || !slice_equal(a->study, b->study) ||
            !slice_equal(a->questionnaire, b->questionnaire) ||
            !slice_equal(a->version, b->version))
            variant |= VARIANT_MIXED;
    }
    return variant;
}

/* Fills the arrays that the variant has; VARIANT_LONG is found out on the way. */
static int
arrays_fill(struct submissions_writer *w, struct submission_row *const *rows, size_t n_rows,
            const struct rejection_row *const *rejections, size_t n_rejections, unsigned *variant)
{
    bool long_texts = false;
    int bad = BUF_OK;

    for (enum column c = 0; c < COLUMN_COUNT; c++)
        array_begin(&w->columns[c], columns[c].oid);
    array_begin(&w->long_keys, OID_TEXT);
    array_begin(&w->long_texts, OID_TEXT);
    for (size_t c = 0; c < REJECTION_COUNT; c++)
        array_begin(&w->rejections[c], rejection_oids[c]);
    for (size_t i = 0; i < n_rows && bad == BUF_OK; i++) {
        bad = each_add(w->columns, rows[i]) | answers_add(w, rows[i]->answers, &long_texts);
        if ((*variant & VARIANT_MIXED) != 0)
            bad |= shared_add(w->columns, rows[i]);
        if ((*variant & VARIANT_RARE) != 0)
            bad |= extra_add(w->columns, rows[i]->extra);
    }
    for (size_t i = 0; i < n_rejections && bad == BUF_OK; i++)
        bad = rejection_add(w->rejections, rejections[i]);
    for (size_t c = 0; c < COLUMN_COUNT; c++)
        array_end(&w->columns[c]);
    array_end(&w->long_keys);
    array_end(&w->long_texts);
    for (size_t c = 0; c < REJECTION_COUNT; c++)
        array_end(&w->rejections[c]);
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

static void
params_fill(struct store_params *p, const struct submissions_writer *w, unsigned variant,
            struct submission_row *const *rows)
{
    for (size_t c = 0; c < REJECTION_COUNT && (variant & VARIANT_REJECTIONS) != 0; c++)
        array_param(p, &w->rejections[c]);
    for (enum column c = 0; c < COLUMN_COUNT; c++) {
        if (!column_wanted(c, variant))
            continue;
        if (column_shared(c, variant))
            shared_param(p, c, rows[0]);
        else
            array_param(p, &w->columns[c]);
    }
    if ((variant & VARIANT_LONG) != 0) {
        array_param(p, &w->long_keys);
        array_param(p, &w->long_texts);
    }
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
    unsigned variant = variant_choose(rows, n_rows, n_rejections);

    for (size_t i = 0; i < n_rows; i++) {
        rows[i]->inserted = false;
        sluice_assert(i == 0 || submission_row_compare(rows[i - 1], rows[i]) < 0);
    }
    if (arrays_fill(w, rows, n_rows, rejections, n_rejections, &variant) != BUF_OK)
        return SUBMISSIONS_FULL;
    store_param_uuid(&p, broker);
    store_param_bigint(&p, hash_key);
    params_fill(&p, w, variant, rows);
    int n = store_run(s, variant_get(w, variant), &p, &r);
    if (n != STORE_OK)
        return n;
    returned_take(r, rows, n_rows);
    PQclear(r);
    return STORE_OK;
}
