/* Records of one alert are the same at every attempt (their id is the alert's), so that the
 * receiver's idempotence makes one of them. */
#include "workers/submissions/tell.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "schemas/wire/mp.h"
#include "schemas/wire/seal.h"

#define NOTIFICATIONS "notifications"
#define BODY_MAX ((size_t)8192)
/* What a lost message raised is worth telling for so long (while it is open); the notifications
 * keep for longer what they have done, and so tell nobody twice. */
#define LOST_US (7 * 24 * 3600 * US_PER_S)

struct tell {
    const struct seal_keys *keys;
    struct alert_told *alerts;
    struct stream_alert *entries;
    size_t n, room;
    struct arena texts; /* of alerts found in the database */
    struct buf body;
};

struct tell *
tell_new(const struct seal_keys *keys)
{
    struct tell *t = mem_new(1, sizeof(*t));

    t->keys = keys;
    buf_init(&t->body, BODY_MAX);
    return t;
}

void
tell_free(struct tell *t)
{
    if (t == NULL)
        return;
    arena_deinit(&t->texts);
    buf_deinit(&t->body);
    free(t->alerts);
    free(t->entries);
    free(t);
}

static struct alert_told *
alert_add(struct tell *t)
{
    if (t->n == t->room) {
        t->room = t->room > 0 ? 2 * t->room : 64;
        t->alerts = mem_grow(t->alerts, t->room, sizeof(*t->alerts));
    }
    return &t->alerts[t->n++];
}

static void
raised_add(struct tell *t, const struct alert_row *row)
{
    *alert_add(t) = (struct alert_told){
        .id = row->id,
        .submission = row->submission,
        .study = row->study,
        .subject = row->subject,
        .rule = row->rule,
        .severity = row->severity,
        .provisional = row->provisional,
        .seq = row->seq_no,
        .raised_us = row->raised_us,
    };
}

static struct slice
keep(struct tell *t, struct slice text)
{
    return text.at != NULL ? arena_keep(&t->texts, text.at, text.len) : text;
}

static void
found_add(void *arg, const struct alert_told *found)
{
    struct tell *t = arg;
    struct alert_told *a = alert_add(t);

    *a = *found;
    a->study = keep(t, found->study);
    a->subject = keep(t, found->subject);
    a->rule = keep(t, found->rule);
    a->severity = keep(t, found->severity);
}

/* Decided before it was validated: an earlier attempt did it, and may not have told. */
static bool
was_recorded(const struct job *j)
{
    return j->record.attempt > 1 && j->outcome != OUTCOME_NONE && j->submission.at != NULL;
}

/* A refused form's alert that neither this message raised nor another one counts: an earlier
 * message of the same submission raised it, and may be gone without having told it (see
 * STORER_PAST). */
static bool
stands_already(const struct job *j)
{
    bool refused = j->outcome == OUTCOME_REJECTED || j->outcome == OUTCOME_HELD ||
                   j->outcome == OUTCOME_CONFLICT;

    for (const struct raised *x = j->alerts; x != NULL && refused; x = x->next)
        if (!x->row.raised && !x->row.counted)
            return true;
    return false;
}

int
tell_gather(struct tell *t, const struct batch *b, struct store *s)
{
    struct uuid *recorded = mem_new(2 * b->n + 1, sizeof(*recorded)), *lost = recorded + b->n;
    size_t n_recorded = 0, n_lost = 0;
    int outcome = STORE_OK;

    t->n = 0;
    arena_clear(&t->texts);
    for (size_t i = 0; i < b->n; i++) {
        const struct job *j = &b->jobs[i];
        if (was_recorded(j)) {
            recorded[n_recorded++] = j->record.id;
            continue;
        }
        if (j->untold || stands_already(j)) {
            lost[n_lost++] = j->record.id;
            continue;
        }
        for (const struct raised *x = j->alerts; x != NULL; x = x->next)
            if (x->row.raised)
                raised_add(t, &x->row);
    }
    if (n_recorded > 0)
        outcome = alerts_of_submissions(s, recorded, n_recorded, TIME_NONE, found_add, t);
    if (n_lost > 0 && outcome == STORE_OK)
        outcome = alerts_of_submissions(s, lost, n_lost, clock_wall_us() - LOST_US, found_add, t);
    free(recorded);
    return outcome;
}

static int
body_write(struct tell *t, const struct alert_told *a)
{
    struct buf *b = &t->body;

    buf_clear(b);
    int full = mp_put_map(b, 8) | mp_put_cstr(b, "kind") | mp_put_cstr(b, "alert") |
               mp_put_cstr(b, "alert_id") | mp_put_bin(b, a->id.bytes, sizeof(a->id.bytes)) |
               mp_put_cstr(b, "study") | mp_put_str(b, a->study.at, a->study.len) |
               mp_put_cstr(b, "subject") | mp_put_str(b, a->subject.at, a->subject.len) |
               mp_put_cstr(b, "rule") | mp_put_str(b, a->rule.at, a->rule.len) |
               mp_put_cstr(b, "severity") | mp_put_str(b, a->severity.at, a->severity.len) |
               mp_put_cstr(b, "submission_id") |
               mp_put_bin(b, a->submission.bytes, sizeof(a->submission.bytes)) |
               mp_put_cstr(b, "raised_us") | mp_put_int(b, a->raised_us);
    return full;
}

static int
followup_write(struct tell *t, const struct alert_told *a, struct buf *followups)
{
    uint8_t *sealed;

    if (body_write(t, a) != BUF_OK)
        return BUF_FULL;
    struct record r = {
        .kind = RECORD_MESSAGE,
        .flags = RECORD_NO_OUTCOME,
        .attempt = 1,
        .service = NOTIFICATIONS,
        .service_len = sizeof(NOTIFICATIONS) - 1,
        .scope = a->study.at,
        .scope_len = (uint8_t)a->study.len,
        .id = a->id,
        .received_us = clock_wall_us(),
        .body_len = (uint32_t)(t->body.size + SEAL_OVERHEAD_BYTES),
    };
    if (record_write_header(followups, &r, &sealed) != BUF_OK)
        return BUF_FULL;
    struct seal_context context = {.service = r.service,
                                   .service_len = r.service_len,
                                   .scope = r.scope,
                                   .scope_len = r.scope_len,
                                   .id = r.id};
    seal_close(t->keys, &context, t->body.data, t->body.size, sealed);
    return BUF_OK;
}

/* Whoever brought this alert comes again, and tells it then. */
static void
submission_again(struct batch *b, const struct alert_told *a)
{
    for (size_t i = 0; i < b->n; i++) {
        struct job *j = &b->jobs[i];
        if (!uuid_equal(&j->record.id, &a->submission))
            continue;
        j->outcome = OUTCOME_RETRY;
        j->payload_len = 0;
    }
}

void
tell_followups(struct tell *t, struct batch *b, struct buf *followups)
{
    bool full = false;
    size_t n = 0;

    for (size_t i = 0; i < t->n; i++) {
        full = full || followup_write(t, &t->alerts[i], followups) != BUF_OK;
        if (full)
            submission_again(b, &t->alerts[i]);
        else
            t->alerts[n++] = t->alerts[i];
    }
    t->n = n;
}

int
tell_stream(struct tell *t, struct cache *c)
{
    if (t->n == 0)
        return CACHE_IDLE;
    t->entries = mem_grow(t->entries, t->n, sizeof(*t->entries));
    for (size_t i = 0; i < t->n; i++) {
        const struct alert_told *a = &t->alerts[i];
        t->entries[i] = (struct stream_alert){
            .study = a->study,
            .subject = a->subject,
            .rule = a->rule,
            .severity = a->severity,
            .id = a->id,
            .seq = a->seq,
            .raised_us = a->raised_us,
            .provisional = a->provisional,
        };
    }
    return cache_alerts_push(c, t->entries, t->n);
}
