/* The service "notifications": durable messages in (an alert to deliver, what somebody did about
 * one), webhooks and mails out. A message is done once its plan stands in PostgreSQL; delivery,
 * escalation, canary and dead letters go on between batches, woken by sockets, by PostgreSQL's
 * notifications, and by deadlines that PostgreSQL told. */
#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "store/catalog.h"
#include "workers/notifications/batch.h"
#include "workers/notifications/canary.h"
#include "workers/notifications/dead_letters.h"
#include "workers/notifications/delivery.h"
#include "workers/notifications/plan.h"
#include "workers/runtime/service.h"

#define ESCALATIONS_AT_ONCE 64
#define PRUNE_AT_ONCE 1000
#define PRUNE_US (60 * US_PER_S)
#define LOOK_US (30 * US_PER_S) /* should a notification be lost with its connection */
#define REST_US US_PER_S
#define DRAIN_MAX_US (5 * US_PER_S)

struct notifications {
    struct store *store;
    struct recipients *recipients;
    struct delivery *delivery;
    struct batch *batch;
    struct audit_chain chain; /* of what people did */
    struct dead_letters *dead_letters;
    struct canary canary;
    struct alert_plan plan;
    int epoll;
    uint64_t generation; /* of the connection whose socket is in the epoll */
    int64_t stamp;       /* of the study files */
    int64_t look_us;     /* ask PostgreSQL what is due */
    int64_t escalate_us;
    int64_t prune_us, keep_us; /* look for what is finished longer ago than keep_us */
    int64_t drain_us;          /* how long what is out may take at the end */
};

/* ---- what both planning and escalating need ---- */

static int
refused(const struct notifications *s, int n)
{
    if (n != STORE_OK && n != STORE_RETRY)
        log_event(EVENT_NOTIFY_REFUSED, LOG_S("why", store_why(s->store)));
    return n;
}

struct gather {
    struct notifications *service;
    int full;
    size_t n;
};

static void
raised_take(void *arg, const struct alert_found *found)
{
    struct gather *g = arg;

    plan_alert(&g->service->plan, g->service->recipients, found, clock_wall_us(), &g->full);
}

/* Plans alerts that we raised ourselves. */
static int
raised_plan(struct notifications *s, const struct uuid *ids, size_t n)
{
    struct gather g = {.service = s};

    alert_plan_begin(&s->plan);
    int outcome = store_alerts_find(s->store, ids, n, raised_take, &g);
    if (outcome == STORE_OK)
        outcome = g.full == BUF_OK ? store_alerts_plan(s->store, &s->plan, NULL) : STORE_ROW;
    if (outcome == STORE_OK)
        delivery_stir(s->delivery);
    return refused(s, outcome);
}

/* ---- escalation ---- */

static void
due_take(void *arg, const struct escalation_due *due)
{
    struct gather *g = arg;

    plan_escalation(&g->service->plan, g->service->recipients, due, &g->full);
    g->n++;
}

static void
escalate(struct notifications *s, int64_t now_us)
{
    struct gather g = {.service = s};
    size_t escalated = 0, unheard = 0;

    alert_plan_begin(&s->plan);
    int n = store_escalations_find(s->store, ESCALATIONS_AT_ONCE, due_take, &g);
    if (n == STORE_OK && g.n > 0)
        n = store_escalations_apply(s->store, &s->plan, &escalated, &unheard);
    if (escalated > 0) {
        log_event(EVENT_ALERT_ESCALATED, LOG_U("alerts", escalated));
        delivery_stir(s->delivery);
    }
    if (unheard > 0)
        log_event(EVENT_ALERT_UNHEARD, LOG_U("alerts", unheard),
                  LOG_S("why", "nobody acknowledged them and no contact is left"));
    s->escalate_us = INT64_MAX;
    s->look_us = refused(s, n) == STORE_OK ? now_us : now_us + REST_US;
}

/* ---- dead letters ---- */

static bool
dead_take(void *arg, const struct dead_letter *list, size_t n)
{
    struct notifications *s = arg;
    struct alert_raise *raise = mem_new(n, sizeof(*raise));
    struct uuid *ids = mem_new(n, sizeof(*ids));
    size_t fresh = 0;

    for (size_t i = 0; i < n; i++) {
        ids[i] = list[i].alert;
        raise[i] = (struct alert_raise){.id = list[i].alert,
                                        .study = list[i].study,
                                        .kind = "unevaluated",
                                        .rule = "unevaluated",
                                        .severity = "urgent",
                                        .submission = &list[i].id};
    }
    bool taken = store_is_open(s->store) &&
                 refused(s, store_alerts_raise(s->store, raise, n, &fresh)) == STORE_OK &&
                 raised_plan(s, ids, n) == STORE_OK;
    if (fresh > 0)
        log_event(EVENT_DEAD_LETTER_ALERT, LOG_U("alerts", fresh));
    free(raise);
    free(ids);
    return taken;
}

/* ---- between batches ---- */

static int
study_files_read(struct notifications *s)
{
    size_t forgotten = 0;
    int64_t stamp;
    int n = store_alert_studies_stamp(s->store, &stamp);

    if (n != STORE_OK || stamp == s->stamp)
        return n;
    n = recipients_read(s->recipients, s->store);
    if (n != STORE_OK)
        return n;
    delivery_rebind(s->delivery);
    n = store_deliveries_forget(s->store, &forgotten);
    if (n != STORE_OK)
        return n;
    if (forgotten > 0)
        log_event(EVENT_ALERT_UNDELIVERED, LOG_U("deliveries", forgotten),
                  LOG_S("why", "not in the study file any more"));
    s->stamp = stamp;
    return STORE_OK;
}

static void
notes_take(struct notifications *s, int64_t now_us)
{
    if (store_notifications(s->store) <= 0)
        return; /* none, or the connection is lost, which the loop sees */
    refused(s, study_files_read(s));
    delivery_stir(s->delivery);
    s->look_us = now_us;
}

static void
canary_raise(struct notifications *s, int64_t now_us)
{
    struct uuid alert;
    bool raised;

    if (refused(s, canary_turn(&s->canary, s->store, now_us, &raised, &alert)) == STORE_OK &&
        raised)
        raised_plan(s, &alert, 1);
}

static int64_t
later(int64_t now_us, int64_t in_us)
{
    return in_us < INT64_MAX - now_us ? now_us + in_us : INT64_MAX;
}

/* Asks PostgreSQL when what is next is due. */
static void
look(struct notifications *s)
{
    int64_t delivery_in_us, escalation_in_us;
    bool escalation_due;
    int n = store_alerts_due(s->store, &delivery_in_us, &escalation_in_us, &escalation_due);
    int64_t now_us = clock_mono_us();

    s->look_us = now_us + (refused(s, n) == STORE_OK ? LOOK_US : REST_US);
    if (n != STORE_OK)
        return;
    delivery_due(s->delivery, later(now_us, delivery_in_us));
    s->escalate_us = escalation_due ? now_us : later(now_us, escalation_in_us);
}

/* One small step a turn; a full one is followed by the next as soon as nothing else is to be done.
 */
static void
prune(struct notifications *s, int64_t now_us)
{
    struct alerts_pruned pruned = {0};

    s->prune_us = now_us + PRUNE_US;
    if (refused(s, store_alerts_prune(s->store, s->keep_us, PRUNE_AT_ONCE, &pruned)) != STORE_OK)
        return;
    if (pruned.messages == PRUNE_AT_ONCE || pruned.deliveries == PRUNE_AT_ONCE)
        s->prune_us = now_us;
    if (pruned.messages + pruned.deliveries > 0)
        log_event(EVENT_ALERTS_PRUNED, LOG_U("messages", pruned.messages),
                  LOG_U("deliveries", pruned.deliveries));
}

static void
notifications_idle(void *self, int64_t now_us)
{
    struct notifications *s = self;

    if (store_is_open(s->store))
        notes_take(s, now_us);
    if (store_is_open(s->store))
        canary_raise(s, now_us);
    dead_letters_turn(s->dead_letters, now_us);
    if (delivery_turn(s->delivery, now_us))
        s->look_us = now_us;
    if (store_is_open(s->store) && now_us >= s->look_us)
        look(s);
    if (store_is_open(s->store) && now_us >= s->escalate_us)
        escalate(s, now_us);
    if (store_is_open(s->store) && now_us >= s->prune_us)
        prune(s, now_us);
}

static int64_t
notifications_deadline(void *self)
{
    const struct notifications *s = self;
    int64_t at_us[] = {delivery_deadline(s->delivery),
                       canary_deadline(&s->canary),
                       dead_letters_deadline(s->dead_letters),
                       s->escalate_us,
                       s->look_us,
                       s->prune_us};
    int64_t first_us = at_us[0];

    for (size_t i = 1; i < ARRAY_LEN(at_us); i++)
        first_us = at_us[i] < first_us ? at_us[i] : first_us;
    return first_us;
}

/* ---- the service ---- */

static int
notifications_batch(void *self, const struct service_batch *in, struct service_report *report)
{
    struct notifications *s = self;
    bool planned = false;

    int n = study_files_read(s); /* one that was loaded just now counts */
    if (n != STORE_OK)
        return refused(s, n);
    n = batch_do(s->batch, s->store, &s->chain, s->recipients, in, &report->entries, &planned);
    audit_note_write(&s->chain, &report->note);
    if (planned)
        delivery_stir(s->delivery);
    return refused(s, n);
}

static int
notifications_ready(void *self)
{
    struct notifications *s = self;
    struct epoll_event e = {.events = EPOLLIN};
    int fd = store_fd(s->store);

    if (s->generation == store_generation(s->store))
        return STORE_OK;
    int n = study_files_read(s);
    if (n != STORE_OK)
        return n;
    if (epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &e) != 0 && errno == EEXIST)
        epoll_ctl(s->epoll, EPOLL_CTL_MOD, fd, &e); /* the old one had the same number */
    s->generation = store_generation(s->store);
    delivery_stir(s->delivery);
    s->look_us = 0;
    return STORE_OK;
}

static int
notifications_wake_fd(void *self)
{
    return ((struct notifications *)self)->epoll;
}

static void
notifications_stop(void *self)
{
    struct notifications *s = self;

    if (s->delivery != NULL)
        delivery_drain(s->delivery, clock_mono_us() + s->drain_us);
    delivery_free(s->delivery);
    canary_deinit(&s->canary);
    dead_letters_free(s->dead_letters);
    batch_free(s->batch);
    recipients_free(s->recipients);
    alert_plan_deinit(&s->plan);
    sodium_memzero(&s->chain.key, sizeof(s->chain.key));
    if (s->epoll >= 0)
        close(s->epoll);
    free(s);
}

static bool
epoll_make(struct notifications *s)
{
    int fds[] = {delivery_fd(s->delivery), dead_letters_fd(s->dead_letters)};
    struct epoll_event e = {.events = EPOLLIN};

    s->epoll = epoll_create1(EPOLL_CLOEXEC);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        if (s->epoll < 0 || epoll_ctl(s->epoll, EPOLL_CTL_ADD, fds[i], &e) != 0) {
            log_event(EVENT_FATAL, LOG_S("why", strerror(errno)));
            return false;
        }
    }
    return true;
}

static bool
chain_open(struct notifications *s, const struct config *config)
{
    struct audit_keys keys;
    char *why = NULL;

    if (audit_keys_load(config_str(config, "worker", "audit_key_file"), &keys, &why) != 0) {
        log_event(EVENT_FATAL, LOG_S("why", why));
        free(why);
        return false;
    }
    audit_chain_init(&s->chain, &keys.list[0]);
    sodium_memzero(&keys, sizeof(keys));
    return true;
}

static void *
notifications_start(const struct service_env *env)
{
    const struct config *c = env->config;
    struct notifications *s = mem_new(1, sizeof(*s));

    s->store = env->store;
    s->epoll = -1;
    s->stamp = -1;
    s->escalate_us = INT64_MAX;
    s->keep_us = config_us(c, "worker", "notify_keep");
    s->drain_us = config_us(c, "worker", "notify_timeout");
    if (s->drain_us > DRAIN_MAX_US)
        s->drain_us = DRAIN_MAX_US;
    alert_plan_init(&s->plan);
    s->recipients = recipients_new();
    s->batch = batch_new(env->seal_keys);
    s->delivery = delivery_new(env, s->recipients);
    bool good = canary_init(&s->canary, config_us(c, "worker", "canary_interval"),
                            config_str(c, "worker", "client_endpoints"), env->seal_keys);
    if (!good)
        log_event(EVENT_FATAL, LOG_S("why", "worker/client_endpoints"));
    s->dead_letters =
        dead_letters_new(config_str(c, "worker", "broker_endpoints"),
                         config_us(c, "worker", "dead_letter_interval"), dead_take, s);
    if (s->dead_letters == NULL)
        log_event(EVENT_FATAL, LOG_S("why", "worker/broker_endpoints"));
    store_listen(s->store, CATALOG_CHANNEL);
    store_listen(s->store, ALERTS_CHANNEL);
    if (!chain_open(s, c) || !good || s->delivery == NULL || s->dead_letters == NULL ||
        !epoll_make(s)) {
        notifications_stop(s);
        return NULL;
    }
    return s;
}

const struct service notifications_service = {
    .name = "notifications",
    .start = notifications_start,
    .stop = notifications_stop,
    .ready = notifications_ready,
    .batch = notifications_batch,
    .idle = notifications_idle,
    .deadline = notifications_deadline,
    .wake_fd = notifications_wake_fd,
};
