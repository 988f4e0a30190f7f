/* Results wait in memory until PostgreSQL has taken them; while it is away nothing new is claimed,
 * so they are never more than the transfers. */
#include "workers/notifications/delivery.h"

#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "workers/notifications/outlet.h"
#include "workers/notifications/retry.h"
#include "workers/notifications/transfers.h"

#define HOLD_STATEMENTS 2 /* a claim outlives its attempt by so many statement timeouts */
#define REST_US US_PER_S

struct settings {
    int64_t timeout_us, hold_us, pause_min_us, pause_max_us;
    int attempts;
    unsigned in_flight, per_recipient;
};

/* One attempt under way. */
struct attempt {
    struct uuid id;
    struct recipient *recipient; /* NULL: not of the study file any more */
    char *study, *name;
    enum alert_channel channel;
    int number;
    int64_t raised_us;
    bool is_canary;
};

/* Its end, until it is recorded. */
struct ended {
    struct delivery_result result;
    char note[TRANSFER_NOTE_SIZE];
};

struct delivery {
    struct store *store;
    struct recipients *recipients;
    struct settings settings;
    struct outlet *outlet;
    struct transfers *transfers;
    struct attempt **attempts;
    size_t n_attempts;
    struct ended *ended;
    size_t n_ended;
    struct delivery_target *targets;
    bool stirred;          /* look for work */
    int64_t due_us;        /* when something becomes due */
    int64_t rest_until_us; /* PostgreSQL did not want it just now */
};

/* ---- ends ---- */

static void
attempt_free(struct delivery *d, struct attempt *a)
{
    size_t i = 0;

    while (d->attempts[i] != a)
        i++;
    d->attempts[i] = d->attempts[--d->n_attempts];
    if (a->recipient != NULL)
        a->recipient->in_flight[a->channel]--;
    free(a->study);
    free(a->name);
    free(a);
}

static void
attempt_end(struct delivery *d, struct attempt *a, enum attempt_verdict verdict, int64_t asked_us,
            const char *note)
{
    bool last = verdict == ATTEMPT_AGAIN && a->number >= d->settings.attempts;
    struct ended *e = &d->ended[d->n_ended++];

    *e = (struct ended){.result = {.id = a->id, .attempt = a->number, .state = "failed"}};
    snprintf(e->note, sizeof(e->note), "%s", note);
    switch (verdict) {
    case ATTEMPT_DELIVERED:
        e->result.state = "delivered";
        if (a->is_canary)
            log_event(EVENT_CANARY_DELIVERED,
                      LOG_I("latency_ms", (clock_wall_us() - a->raised_us) / US_PER_MS));
        break;
    case ATTEMPT_AGAIN:
        if (last)
            break;
        e->result.state = "pending";
        e->result.delay_us =
            attempt_pause_us(a->number, d->settings.pause_min_us, d->settings.pause_max_us,
                             asked_us, randombytes_random());
        break;
    case ATTEMPT_GONE:
        e->result.gone = true;
        log_event(EVENT_RECIPIENT_GONE, LOG_S("study", a->study), LOG_S("recipient", a->name),
                  LOG_S("channel", alert_channel_text(a->channel)));
        break;
    case ATTEMPT_FINAL:
        break;
    }
    if (strcmp(e->result.state, "failed") == 0)
        log_event(EVENT_ALERT_UNDELIVERED, LOG_S("study", a->study), LOG_S("recipient", a->name),
                  LOG_S("channel", alert_channel_text(a->channel)), LOG_I("attempt", a->number),
                  LOG_S("why", note));
    attempt_free(d, a);
}

static void
transfer_ended(void *arg, const struct transfer_end *end)
{
    struct delivery *d = arg;
    struct attempt *a = end->owner;
    enum attempt_verdict v = a->channel == CHANNEL_EMAIL ? attempt_judge_smtp(end->done, end->code)
                                                         : attempt_judge_http(end->code);

    attempt_end(d, a, v, end->retry_after_us, end->note);
}

static int
results_record(struct delivery *d)
{
    struct delivery_result *list;

    if (d->n_ended == 0)
        return STORE_OK;
    list = mem_new(d->n_ended, sizeof(*list));
    for (size_t i = 0; i < d->n_ended; i++) {
        list[i] = d->ended[i].result;
        list[i].note = *d->ended[i].note != '\0' ? d->ended[i].note : NULL;
    }
    int n = store_deliveries_record(d->store, list, d->n_ended);
    free(list);
    if (n == STORE_RETRY)
        return n;
    /* Anything else says that this can never be recorded: the claims end by themselves. */
    d->n_ended = 0;
    d->stirred = true; /* places are free */
    return n;
}

/* ---- beginnings ---- */

static void
claimed_take(void *arg, const struct delivery_claimed *c)
{
    struct delivery *d = arg;
    struct attempt *a = mem_new(1, sizeof(*a));
    const char *why = NULL;

    *a = (struct attempt){.id = c->id,
                          .study = mem_strdup(c->study),
                          .name = mem_strdup(c->recipient),
                          .channel = c->channel,
                          .number = c->attempt,
                          .raised_us = c->raised_us,
                          .is_canary = strcmp(c->kind, "canary") == 0,
                          .recipient = recipients_find(d->recipients, c->study, c->recipient)};
    if (a->recipient != NULL)
        a->recipient->in_flight[a->channel]++;
    d->attempts[d->n_attempts++] = a;
    if (c->gone) {
        attempt_end(d, a, ATTEMPT_FINAL, 0, "recipient wants no more");
        return;
    }
    if (c->channel == CHANNEL_NONE) {
        attempt_end(d, a, ATTEMPT_DELIVERED, 0, "");
        return;
    }
    if (c->attempt > d->settings.attempts) { /* the last one was interrupted */
        attempt_end(d, a, ATTEMPT_FINAL, 0, "interrupted");
        return;
    }
    /* It was claimed for a target of ours: the recipient exists and has the channel. */
    sluice_assert(a->recipient != NULL && recipient_has(a->recipient, a->channel));
    if (!outlet_begin(d->outlet, d->transfers, a, a->recipient, c, &why))
        attempt_end(d, a, ATTEMPT_AGAIN, 0, why);
}

/* Whoever has a place free, and how many. */
static size_t
targets_list(struct delivery *d, struct delivery_target *list)
{
    size_t n_studies, n = 0;
    const struct study *studies = recipients_studies(d->recipients, &n_studies);

    for (size_t i = 0; i < n_studies; i++) {
        for (size_t k = 0; k < studies[i].n; k++) {
            const struct recipient *r = &studies[i].list[k];
            for (int c = 0; c < CHANNELS; c++) {
                if (recipient_has(r, (enum alert_channel)c) &&
                    r->in_flight[c] < d->settings.per_recipient)
                    list[n++] = (struct delivery_target){.study = r->study,
                                                         .recipient = r->name,
                                                         .channel = (enum alert_channel)c,
                                                         .free = d->settings.per_recipient -
                                                                 r->in_flight[c]};
            }
        }
    }
    return n;
}

static int
work_claim(struct delivery *d)
{
    unsigned free_places = d->settings.in_flight - (unsigned)d->n_attempts;

    d->stirred = false;
    if (free_places == 0)
        return STORE_OK; /* an end stirs again */
    size_t n = targets_list(d, d->targets);
    return store_deliveries_claim(d->store, d->targets, n, free_places, d->settings.hold_us,
                                  claimed_take, d);
}

/* ---- the outside ---- */

void
delivery_stir(struct delivery *d)
{
    d->stirred = true;
}

void
delivery_due(struct delivery *d, int64_t due_us)
{
    d->due_us = due_us;
}

int
delivery_fd(const struct delivery *d)
{
    return transfers_fd(d->transfers);
}

bool
delivery_turn(struct delivery *d, int64_t now_us)
{
    bool changed = false;

    transfers_turn(d->transfers, now_us);
    if (now_us < d->rest_until_us)
        return false;
    if (now_us >= d->due_us) {
        d->due_us = INT64_MAX;
        d->stirred = true;
    }
    /* What a claim ends at once (nobody, a missing secret) makes room for the next claim. */
    while (store_is_open(d->store) && (d->n_ended > 0 || d->stirred)) {
        int n = results_record(d);
        if (n == STORE_OK && d->stirred)
            n = work_claim(d);
        changed = true;
        if (n != STORE_OK) {
            d->stirred = true;
            d->rest_until_us = clock_mono_us() + REST_US;
            if (n != STORE_RETRY)
                log_event(EVENT_NOTIFY_REFUSED, LOG_S("why", store_why(d->store)));
            break;
        }
    }
    return changed;
}

int64_t
delivery_deadline(const struct delivery *d)
{
    int64_t at_us = transfers_deadline(d->transfers);
    int64_t work_us = d->stirred || d->n_ended > 0 ? 0 : d->due_us;

    if (work_us < d->rest_until_us)
        work_us = d->rest_until_us;
    return at_us < work_us ? at_us : work_us;
}

void
delivery_rebind(struct delivery *d)
{
    outlet_judge(d->outlet, d->recipients);
    for (size_t i = 0; i < d->n_attempts; i++) {
        struct attempt *a = d->attempts[i];
        a->recipient = recipients_find(d->recipients, a->study, a->name);
        if (a->recipient != NULL)
            a->recipient->in_flight[a->channel]++;
    }
    d->stirred = true;
}

static void
attempt_abandon(void *arg, void *owner)
{
    struct delivery *d = arg;
    struct attempt *a = owner;
    struct ended *e = &d->ended[d->n_ended++];

    *e = (struct ended){.result = {.id = a->id, .attempt = a->number, .state = "pending"},
                        .note = "interrupted"};
    attempt_free(d, a);
}

void
delivery_drain(struct delivery *d, int64_t until_us)
{
    for (;;) {
        int64_t now_us = clock_mono_us();
        transfers_turn(d->transfers, now_us);
        int64_t next_us = transfers_deadline(d->transfers);
        if (transfers_count(d->transfers) == 0 || now_us >= until_us)
            break;
        struct pollfd p = {.fd = transfers_fd(d->transfers), .events = POLLIN};
        int64_t left_us = (next_us < until_us ? next_us : until_us) - now_us;
        poll(&p, 1, left_us > 0 ? (int)(left_us / US_PER_MS + 1) : 0);
    }
    transfers_abandon(d->transfers, attempt_abandon, d);
    if (store_is_open(d->store))
        results_record(d);
}

/* ---- made of ---- */

static void
settings_read(struct settings *s, const struct config *c)
{
    *s = (struct settings){
        .timeout_us = config_us(c, "worker", "notify_timeout"),
        .pause_min_us = config_us(c, "worker", "notify_retry_min"),
        .pause_max_us = config_us(c, "worker", "notify_retry_max"),
        .attempts = (int)config_int(c, "worker", "notify_attempts"),
        .in_flight = (unsigned)config_int(c, "worker", "notify_in_flight"),
        .per_recipient = (unsigned)config_int(c, "worker", "notify_per_recipient"),
    };
    s->hold_us = s->timeout_us + HOLD_STATEMENTS * config_us(c, "worker", "statement_timeout");
}

struct delivery *
delivery_new(const struct service_env *env, struct recipients *recipients)
{
    struct delivery *d = mem_new(1, sizeof(*d));

    d->store = env->store;
    d->recipients = recipients;
    d->due_us = INT64_MAX;
    settings_read(&d->settings, env->config);
    d->outlet = outlet_new(env->config);
    if (d->outlet == NULL) {
        delivery_free(d);
        return NULL;
    }
    d->attempts = mem_new(d->settings.in_flight, sizeof(struct attempt *));
    d->targets = mem_new((size_t)(RECIPIENTS_MAX + 1) * CHANNELS, sizeof(*d->targets));
    d->ended = mem_new(d->settings.in_flight, sizeof(*d->ended));
    d->transfers = transfers_new(d->settings.in_flight, d->settings.timeout_us, transfer_ended, d);
    if (d->transfers == NULL) {
        log_event(EVENT_FATAL, LOG_S("why", "libcurl can't be used"));
        delivery_free(d);
        return NULL;
    }
    return d;
}

static void
owner_forget(void *arg, void *owner)
{
    attempt_free(arg, owner);
}

void
delivery_free(struct delivery *d)
{
    if (d == NULL)
        return;
    if (d->transfers != NULL)
        transfers_abandon(d->transfers, owner_forget, d);
    transfers_free(d->transfers);
    outlet_free(d->outlet);
    free(d->attempts);
    free(d->ended);
    free(d->targets);
    free(d);
}
