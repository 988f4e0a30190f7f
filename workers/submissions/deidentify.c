/* Keys are asked for once a batch and subject, and forgotten with it: an erasure must be noticed.
 */
#include "workers/submissions/deidentify.h"

#include <sodium.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/error.h"
#include "questionnaire/identifiers.h"
#include "schemas/wire/mp.h"
#include "store/json_text.h"

#define ANSWERS_MAX ((size_t)64 << 20)

struct taking {
    struct batch *b;
    struct job *j;
    int32_t revision;
    bool full;
};

/* A text as it stands, anything else as JSON. */
static struct slice
value_text(struct taking *t, const struct identifier *found)
{
    struct mp_cursor at = {found->value, found->value + found->size}, peek = at;
    struct mp_value v;
    struct slice text = {NULL, 0};
    struct buf json;

    if (mp_next(&peek, &v) == MP_OK && v.type == MP_STR)
        return arena_keep(&t->b->arena, v.at, v.len);
    buf_init(&json, IDENTITY_VALUE_MAX);
    if (json_text_write(&json, &at) == BUF_OK)
        text = arena_keep(&t->b->arena, json.data, json.size);
    if (json.data != NULL)
        sodium_memzero(json.data, json.cap);
    buf_deinit(&json);
    return text;
}

static void
identifier_found(void *arg, const struct identifier *found)
{
    struct taking *t = arg;
    struct identified *x = arena_new(&t->b->arena, sizeof(*x));

    x->value = value_text(t, found);
    if (x->value.at == NULL || x->value.len > IDENTITY_VALUE_MAX) {
        t->full = true;
        return;
    }
    x->row = (struct identifier_row){
        .study = t->j->row.study,
        .subject = t->j->subject,
        .kind = {found->kind, strlen(found->kind)},
        .link_id = {found->link_id, strlen(found->link_id)},
        .submission = t->j->record.id,
        .revision = t->revision,
        .place = (int32_t)found->place,
    };
    x->next = t->j->identifiers;
    t->j->identifiers = x;
}

static int
year_of(int64_t wall_us)
{
    time_t s = (time_t)(wall_us / US_PER_S);
    struct tm tm;

    return gmtime_r(&s, &tm) != NULL ? tm.tm_year + 1900 : 1970;
}

/* What was typed before submission names the person no less. */
static int
edits_take(struct batch *b, struct job *j)
{
    struct slice *edits = &j->extra.device_edits;
    struct buf out;

    if (edits->at == NULL)
        return BUF_OK;
    buf_init(&out, ANSWERS_MAX);
    int full = identifiers_edits(j->form->compiled, edits->at, edits->len, &out);
    if (full == BUF_OK)
        *edits = arena_keep(&b->arena, out.data, out.size);
    buf_deinit(&out);
    return full;
}

bool
deidentify_job(struct batch *b, struct job *j, int32_t revision)
{
    struct taking t = {.b = b, .j = j, .revision = revision};
    struct buf out;

    j->identifiers = NULL;
    if (!j->form->identifies)
        return true;
    buf_init(&out, ANSWERS_MAX);
    int full = identifiers_take(j->form->compiled, j->answers.at, j->answers.len,
                                year_of(j->row.authored_us), identifier_found, &t, &out);
    if (full == BUF_OK)
        j->row.answers = arena_keep(&b->arena, out.data, out.size);
    buf_deinit(&out);
    full |= edits_take(b, j);
    return full == BUF_OK && !t.full;
}

/* The keys of the subject met last: a batch's jobs of one subject often stand together. */
struct keys {
    struct slice study, subject;
    struct identity_subject subject_key, study_key;
    bool study_known;
};

static bool
slice_equal(struct slice a, struct slice b)
{
    return a.at != NULL && b.at != NULL && a.len == b.len && memcmp(a.at, b.at, a.len) == 0;
}

static int
keys_get(struct keys *k, struct store *s, const struct identity_wrap *wrap, const struct job *j)
{
    int n = STORE_OK;

    if (!k->study_known || !slice_equal(k->study, j->row.study)) {
        n = identity_study_key(s, wrap, j->row.study, &k->study_key);
        k->study_known = n == STORE_OK;
        k->subject = (struct slice){NULL, 0};
    }
    if (n == STORE_OK && !slice_equal(k->subject, j->subject)) {
        n = identity_subject_key(s, wrap, j->row.study, j->subject, &k->subject_key);
        k->subject = n == STORE_OK ? j->subject : (struct slice){NULL, 0};
    }
    k->study = j->row.study;
    return n;
}

static bool
job_seal(struct batch *b, struct job *j, const struct keys *k)
{
    struct buf sealed;
    bool good = true;

    buf_init(&sealed, IDENTITY_VALUE_MAX + IDENTITY_OVERHEAD);
    for (struct identified *x = j->identifiers; x != NULL && good; x = x->next) {
        buf_clear(&sealed);
        good = identity_value_seal(&k->subject_key, j->row.study, j->subject, x->row.kind, x->value,
                                   &sealed) == BUF_OK;
        if (good)
            x->row.value_sealed = arena_keep(&b->arena, sealed.data, sealed.size);
        identity_blind_index(&k->study_key, x->row.kind, x->value, x->row.blind_index);
    }
    buf_deinit(&sealed);
    return good;
}

int
deidentify_seal(struct batch *b, struct store *s, const struct identity_wrap *wrap)
{
    struct keys keys = {0};
    int n = STORE_OK;

    for (size_t i = 0; i < b->n && n == STORE_OK; i++) {
        struct job *j = &b->jobs[i];
        if (j->outcome != OUTCOME_NONE || !j->valid || j->identifiers == NULL)
            continue;
        if (wrap == NULL) {
            j->identifiers = NULL;
            continue;
        }
        n = keys_get(&keys, s, wrap, j);
        if (n == IDENTITY_ERASED) {
            j->erased_since = true;
            n = STORE_OK;
        } else if (n == STORE_OK && !job_seal(b, j, &keys)) {
            n = STORE_RETRY;
        } else if (n == IDENTITY_NO_KEY || n == IDENTITY_DAMAGED) {
            /* Another worker may have the key, or an operator brings it; the others don't wait. */
            j->outcome = OUTCOME_RETRY;
            n = STORE_OK;
        }
    }
    sodium_memzero(&keys, sizeof(keys));
    return n;
}
