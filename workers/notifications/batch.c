/* The order inside a batch is kept as far as it matters: alerts are planned before people's acts on
 * them are done, because an act may stand behind its alert in the same batch. */
#include "workers/notifications/batch.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "schemas/wire/entry.h"
#include "schemas/wire/message.h"
#include "schemas/wire/mp.h"
#include "workers/notifications/message.h"
#include "workers/notifications/plan.h"

#define PLAIN_MAX ((size_t)64 << 20)
#define PLAIN_KEPT ((size_t)1 << 20)
#define OPENED_MAX ((size_t)1 << 20)
#define PAYLOAD_MAX 128
#define JOBS_STEP 256

struct job {
    struct record record;
    struct notice notice;
    struct alert_found found; /* what planning goes by; points into texts or is constant */
    char *texts;
    bool is_found;
    uint8_t outcome; /* OUTCOME_NONE: to be done; RETRY, where nothing is decided */
    uint8_t payload[PAYLOAD_MAX];
    size_t payload_len;
};

struct batch {
    const struct seal_keys *keys;
    struct buf plain, opened;
    struct job *jobs;
    struct uuid *ids;
    size_t n, cap;
    struct uuid broker;
    struct alert_plan plan;
};

static void
jobs_clear(struct batch *b)
{
    while (b->n > 0)
        free(b->jobs[--b->n].texts);
}

struct batch *
batch_new(const struct seal_keys *keys)
{
    struct batch *b = mem_new(1, sizeof(*b));

    b->keys = keys;
    buf_init(&b->plain, PLAIN_MAX);
    buf_init(&b->opened, OPENED_MAX);
    alert_plan_init(&b->plan);
    return b;
}

void
batch_free(struct batch *b)
{
    if (b == NULL)
        return;
    buf_deinit(&b->plain);
    buf_deinit(&b->opened);
    jobs_clear(b);
    alert_plan_deinit(&b->plan);
    free(b->jobs);
    free(b->ids);
    free(b);
}

/* ---- opening ---- */

static void
job_dead(struct job *j, const char *rule)
{
    log_event(EVENT_MESSAGE_DEAD, LOG_S("rule", rule));
    j->outcome = OUTCOME_DEAD;
}

static void
job_open(struct batch *b, struct job *j)
{
    const struct record *r = &j->record;
    struct seal_context context = {.service = r->service,
                                   .service_len = r->service_len,
                                   .scope = r->scope,
                                   .scope_len = r->scope_len,
                                   .id = r->id};

    switch (seal_open(b->keys, &context, r->body, r->body_len, &b->opened)) {
    case SEAL_OK:
        break;
    case SEAL_UNKNOWN_KEY:
        j->outcome = OUTCOME_RETRY;
        return;
    default:
        job_dead(j, "seal");
        return;
    }
    const uint8_t *at = b->plain.data + b->plain.size;
    int full = buf_append(&b->plain, b->opened.data, b->opened.size); /* reserved */
    sluice_assert(full == BUF_OK);
    if (notice_read(at, b->opened.size, r, &j->notice) != NOTICE_OK)
        job_dead(j, "body");
}

static void
batch_read(struct batch *b, const struct service_batch *in)
{
    size_t at = 0;
    uint8_t *p;

    jobs_clear(b);
    b->broker = in->broker;
    buf_trim(&b->plain, PLAIN_KEPT);
    while (at < in->size) {
        if (b->n == b->cap) {
            b->cap += JOBS_STEP;
            b->jobs = mem_grow(b->jobs, b->cap, sizeof(*b->jobs));
            b->ids = mem_grow(b->ids, b->cap, sizeof(*b->ids));
        }
        struct job *j = &b->jobs[b->n];
        memset(j, 0, sizeof(*j));
        if (record_read(in->data + at, in->size - at, &j->record) != RECORD_OK)
            break; /* what follows can't be found: its lease ends */
        at += j->record.length;
        b->n++;
    }
    /* From here on it never moves: a body opened is shorter than its record. */
    int full = buf_reserve(&b->plain, in->size + 1, &p);
    sluice_assert(full == BUF_OK); /* batches are far below */
    for (size_t i = 0; i < b->n; i++)
        job_open(b, &b->jobs[i]);
}

/* ---- alerts ---- */

static bool
is_alert_to_do(const struct job *j)
{
    return j->outcome == OUTCOME_NONE && !j->notice.is_action;
}

/* Copies texts into one block of the job's own; NULL stays NULL. */
static void
texts_keep(struct job *j, const char **const list[], size_t n)
{
    size_t size = 1;

    for (size_t i = 0; i < n; i++)
        size += *list[i] != NULL ? strlen(*list[i]) + 1 : 0;
    char *at = j->texts = mem_new(size, 1);
    for (size_t i = 0; i < n; i++) {
        if (*list[i] == NULL)
            continue;
        size_t len = strlen(*list[i]) + 1;
        memcpy(at, *list[i], len);
        *list[i] = at;
        at += len;
    }
}

static void
found_take(void *arg, const struct alert_found *f)
{
    struct batch *b = arg;

    for (size_t i = 0; i < b->n; i++) {
        struct job *j = &b->jobs[i];
        if (!is_alert_to_do(j) || j->is_found || !uuid_equal(&j->notice.alert, &f->id))
            continue;
        j->is_found = true;
        j->found = *f;
        const char **const list[] = {&j->found.study,     &j->found.rule, &j->found.severity,
                                     &j->found.state,     &j->found.kind, &j->found.site,
                                     &j->found.recipients};
        texts_keep(j, list, ARRAY_LEN(list));
    }
}

/* The texts of a message end where they end: as C strings, in a block of the job's own. */
static void
notice_keep(struct job *j, const char **const to[], const struct slice *from, size_t n)
{
    size_t size = 1;

    for (size_t i = 0; i < n; i++)
        size += from[i].len + 1;
    char *at = j->texts = mem_new(size, 1);
    for (size_t i = 0; i < n; i++) {
        *to[i] = NULL;
        if (from[i].at == NULL)
            continue;
        memcpy(at, from[i].at, from[i].len);
        *to[i] = at;
        at += from[i].len + 1;
    }
}

/* A row that is not there (a failover to a standby that lacked it): the message says enough. */
static int
alert_recreate(struct store *store, struct job *j)
{
    const struct notice *n = &j->notice;
    const struct slice from[] = {n->study, n->rule, n->severity, n->subject};
    struct alert_raise raise = {.id = n->alert,
                                .kind = "clinical",
                                .submission = n->has_submission ? &n->submission : NULL};
    const char **const to[] = {&raise.study, &raise.rule, &raise.severity, &raise.subject};

    notice_keep(j, to, from, ARRAY_LEN(from));
    j->found = (struct alert_found){.id = n->alert,
                                    .study = raise.study,
                                    .rule = raise.rule,
                                    .severity = raise.severity,
                                    .state = "open",
                                    .kind = raise.kind,
                                    .site = ""};
    j->is_found = true;
    return store_alerts_raise(store, &raise, 1, NULL);
}

static int
alerts_find(struct batch *b, struct store *store)
{
    size_t n = 0;

    for (size_t i = 0; i < b->n; i++) {
        if (is_alert_to_do(&b->jobs[i]))
            b->ids[n++] = b->jobs[i].notice.alert;
    }
    int outcome = n > 0 ? store_alerts_find(store, b->ids, n, found_take, b) : STORE_OK;
    for (size_t i = 0; i < b->n && outcome == STORE_OK; i++) {
        struct job *j = &b->jobs[i];
        if (!is_alert_to_do(j) || j->is_found)
            continue;
        outcome = alert_recreate(store, j);
        if (outcome == STORE_ROW) {
            job_dead(j, "body");
            outcome = STORE_OK;
        }
    }
    return outcome;
}

/* Plans jobs [from, to). STORE_ROW: one of them is refused. */
static int
alerts_plan(struct batch *b, struct store *store, const struct recipients *recipients, size_t from,
            size_t to)
{
    int full = BUF_OK;
    bool any = false;

    alert_plan_begin(&b->plan);
    for (size_t i = from; i < to; i++) {
        const struct job *j = &b->jobs[i];
        if (!is_alert_to_do(j))
            continue;
        any = true;
        plan_alert(&b->plan, recipients, &j->found, j->notice.raised_us, &full);
        full |= alert_plan_message(&b->plan, j->record.epoch, j->record.seq,
                                   (struct slice){j->record.scope, j->record.scope_len},
                                   &j->notice.alert);
    }
    if (!any)
        return STORE_OK;
    int n = full == BUF_OK ? store_alerts_plan(store, &b->plan, &b->broker) : STORE_ROW;
    for (size_t i = from; i < to && n == STORE_OK; i++) {
        if (is_alert_to_do(&b->jobs[i]))
            b->jobs[i].outcome = OUTCOME_STORED;
    }
    return n;
}

/* All together; if that is refused, one by one, and the bad one alone is dead. */
static int
alerts_do(struct batch *b, struct store *store, const struct recipients *recipients)
{
    int n = alerts_find(b, store);

    if (n == STORE_OK)
        n = alerts_plan(b, store, recipients, 0, b->n);
    if (n != STORE_ROW)
        return n;
    n = STORE_OK;
    for (size_t i = 0; i < b->n && n == STORE_OK; i++) {
        n = alerts_plan(b, store, recipients, i, i + 1);
        if (n == STORE_ROW) {
            log_event(EVENT_NOTIFY_REFUSED, LOG_S("why", store_why(store)));
            job_dead(&b->jobs[i], "body");
            n = STORE_OK;
        }
    }
    return n;
}

/* ---- acts ---- */

static void
acted_write(struct job *j, const struct alert_acted *acted)
{
    struct buf b;
    int full;

    buf_init(&b, sizeof(j->payload));
    j->outcome = acted->known ? OUTCOME_STORED : OUTCOME_REJECTED;
    if (acted->known)
        full = mp_put_map(&b, 1) | mp_put_cstr(&b, "state") | mp_put_cstr(&b, acted->state);
    else
        full = mp_put_map(&b, 3) | mp_put_cstr(&b, "http") | mp_put_uint(&b, 404) |
               mp_put_cstr(&b, "rule") | mp_put_cstr(&b, "unknown-alert") |
               mp_put_cstr(&b, "kept") | mp_put_bool(&b, false);
    sluice_assert(full == BUF_OK);
    memcpy(j->payload, b.data, b.size);
    j->payload_len = b.size;
    buf_deinit(&b);
}

static int
act_do(struct batch *b, struct store *store, struct audit_chain *chain, struct job *j)
{
    const struct notice *n = &j->notice;
    struct alert_acted acted;
    int outcome = store_alert_act(store, chain,
                                  &(struct alert_action){.broker = b->broker,
                                                         .alert = n->alert,
                                                         .epoch = j->record.epoch,
                                                         .seq = j->record.seq,
                                                         .study = n->study,
                                                         .actor = n->actor,
                                                         .role = n->role,
                                                         .organisation = n->organisation,
                                                         .note = n->note,
                                                         .closes = n->closes,
                                                         .at_us = n->at_us},
                                  &acted);

    if (outcome == STORE_OK)
        acted_write(j, &acted);
    if (outcome != STORE_ROW)
        return outcome;
    log_event(EVENT_NOTIFY_REFUSED, LOG_S("why", store_why(store)));
    job_dead(j, "body");
    return STORE_OK;
}

int
batch_do(struct batch *b, struct store *store, struct audit_chain *chain,
         const struct recipients *recipients, const struct service_batch *in, struct buf *entries,
         bool *ret_planned)
{
    batch_read(b, in);
    int n = alerts_do(b, store, recipients);
    *ret_planned = n == STORE_OK;
    for (size_t i = 0; i < b->n && n == STORE_OK; i++) {
        if (b->jobs[i].outcome == OUTCOME_NONE && b->jobs[i].notice.is_action)
            n = act_do(b, store, chain, &b->jobs[i]);
    }
    for (size_t i = 0; i < b->n && n != STORE_SCHEMA; i++) {
        const struct job *j = &b->jobs[i];
        struct entry e = {.code = j->outcome != OUTCOME_NONE ? j->outcome : OUTCOME_RETRY,
                          .epoch = j->record.epoch,
                          .seq = j->record.seq,
                          .payload = j->payload,
                          .payload_len = (uint32_t)j->payload_len};
        if (entry_write(entries, ENTRY_KIND_REPORT, &e) != BUF_OK)
            break;
    }
    return n == STORE_ROW || n == STORE_INVALID ? STORE_OK : n;
}
