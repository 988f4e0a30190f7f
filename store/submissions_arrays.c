/* A batch as arrays, each as its column wants it. */
#include "store/submissions_arrays.h"

#include <string.h>

#include "base/error.h"
#include "store/answers.h"
#include "store/json_text.h"
#include "store/submissions_sign.h"

#define JSONB_VERSION "\x01"

void
submissions_arrays_init(struct submissions_arrays *w, size_t ceiling)
{
    for (size_t c = 0; c < COLUMN_COUNT; c++)
        array_init(&w->columns[c], ceiling);
    buf_init(&w->beside, ceiling);
    for (size_t c = 0; c < REJECTION_COUNT; c++)
        array_init(&w->rejections[c], ceiling);
}

void
submissions_arrays_deinit(struct submissions_arrays *w)
{
    for (size_t c = 0; c < COLUMN_COUNT; c++)
        array_deinit(&w->columns[c]);
    buf_deinit(&w->beside);
    for (size_t c = 0; c < REJECTION_COUNT; c++)
        array_deinit(&w->rejections[c]);
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

static bool
slice_equal(struct slice a, struct slice b)
{
    return a.len == b.len && (a.at == b.at || memcmp(a.at, b.at, a.len) == 0);
}

/* *ret_data: the text as it will stand in the row, in parts. */
static int
answers_add(struct submissions_arrays *w, struct slice msgpack, unsigned *variant,
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
        if (w->long_key.at == NULL)
            w->long_key = beside.key;
        *variant |= VARIANT_LONG;
        if (!slice_equal(w->long_key, beside.key))
            *variant |= VARIANT_UNLIKE;
    }
    return slice_add(&w->columns[COLUMN_long_key], beside.key) |
           slice_add(&w->columns[COLUMN_long_text], beside.text);
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
           array_add(&c[COLUMN_data_mac], r->data_mac, sizeof(r->data_mac)) |
           slice_add(&c[COLUMN_detail], r->audit.detail);
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

unsigned
submissions_variant(const struct submissions_batch *b)
{
    unsigned variant = (b->n_rejections > 0 ? VARIANT_REJECTIONS : 0) |
                       (b->n_alerts > 0 ? VARIANT_ALERTS : 0) |
                       (b->n_identifiers > 0 ? VARIANT_IDENTITIES : 0);

    if (b->n_rows == 0) /* no row to take a shared value from */
        variant |= VARIANT_MIXED | VARIANT_UNLIKE;
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
        if (strcmp(a->authored_zone, r->authored_zone) != 0)
            variant |= VARIANT_UNLIKE;
    }
    return variant;
}

static void
arrays_begin(struct submissions_arrays *w)
{
    for (enum column c = 0; c < COLUMN_COUNT; c++)
        array_begin(&w->columns[c], column_oid(c));
    w->long_key = (struct slice){NULL, 0};
    for (enum rejection_column c = 0; c < REJECTION_COUNT; c++)
        array_begin(&w->rejections[c], rejection_oid(c));
}

static void
arrays_end(struct submissions_arrays *w)
{
    for (enum column c = 0; c < COLUMN_COUNT; c++)
        array_end(&w->columns[c]);
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
row_add(struct submissions_arrays *w, struct audit_chain *chain, struct submission_row *r,
        const struct submissions_batch *b, int64_t now_us, unsigned *variant)
{
    struct audit_data data = {.broker = *b->broker, .hash_key = b->hash_key};
    char detail[AUDIT_DETAIL_MAX];
    int bad = answers_add(w, r->answers, variant, &data);

    if (bad == BUF_OK && (*variant & VARIANT_SCORED) != 0)
        bad = jsonb_add(&w->columns[COLUMN_scores], r->scores);
    if (bad == BUF_OK && (*variant & VARIANT_RARE) != 0)
        bad = extra_add(w->columns, r->extra);
    if (bad != BUF_OK)
        return bad;
    if (r->scores.at != NULL)
        data.scores = jsonb_last(&w->columns[COLUMN_scores]);
    if (r->extra != NULL)
        extra_texts(w->columns, r->extra, &data);
    submission_row_sign(chain, r, now_us, &data, detail);
    bad = each_add(w->columns, r);
    r->audit.detail = (struct slice){NULL, 0}; /* it is on the stack */
    if ((*variant & VARIANT_MIXED) != 0)
        bad |= shared_add(w->columns, r);
    if ((*variant & VARIANT_SITED) != 0)
        bad |= slice_add(&w->columns[COLUMN_site_id], r->site);
    return bad;
}

int
submissions_arrays_fill(struct submissions_arrays *w, struct audit_chain *chain,
                        const struct submissions_batch *b, int64_t now_us, unsigned *variant)
{
    int bad = BUF_OK;

    arrays_begin(w);
    for (size_t i = 0; i < b->n_rows; i++)
        b->rows[i]->inserted = false;
    for (size_t i = 0; i < b->n_rows && bad == BUF_OK; i++) {
        sluice_assert(i == 0 || submission_row_compare(b->rows[i - 1], b->rows[i]) < 0);
        bad = row_add(w, chain, b->rows[i], b, now_us, variant);
    }
    for (size_t i = 0; i < b->n_rejections && bad == BUF_OK; i++)
        bad = rejection_add(w->rejections, b->rejections[i]);
    arrays_end(w);
    return bad;
}
