/* The connections: what the brokers say, whom credit is given to, which leases are extended. Run by
 * whichever thread has the lock of hands_inner.h. */
#include "workers/runtime/hands.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/lifecycle.h"
#include "base/log.h"
#include "schemas/wire/record.h"
#include "workers/runtime/hands_inner.h"

#define BYE_WAIT_US (2 * US_PER_S)
#define ROUNDS_MAX 4
#define SIGNALS_US (100 * US_PER_MS) /* at the latest in so often a signal is looked for */

/* As much as was asked for? Walks the records' lengths. */
static bool
batch_is_full(const struct hands_options *o, const struct service_batch *b)
{
    size_t at = 0;
    uint32_t n = 0;

    for (; b->size - at >= RECORD_HEADER_BYTES; n++) {
        uint32_t length = le32_get(b->data + at);
        if (length < RECORD_HEADER_BYTES || length > b->size - at)
            break; /* the service will say what is wrong with it */
        at += length;
    }
    return n >= o->batch_messages || b->size > o->batch_bytes / 2;
}

/* ---- what libsluice tells, inside hands_turn ---- */

static void
on_connected(void *arg, const uint8_t broker[16], uint64_t epoch, int64_t lease_us)
{
    struct link *l = arg;

    l->connected = true;
    l->lease_us = lease_us;
    memcpy(l->broker.bytes, broker, sizeof(l->broker.bytes));
    log_event(EVENT_BROKER_CONNECTED, LOG_U("broker", l->number), LOG_U("epoch", epoch));
}

static void
on_disconnected(void *arg)
{
    struct link *l = arg;
    struct hands *h = l->hands;

    l->connected = false;
    l->generation++;
    if (h->has_waiting[l->number]) {
        sluice_batch_free(h->waiting[l->number].memory);
        h->has_waiting[l->number] = false;
    }
    log_event(EVENT_BROKER_LOST, LOG_U("broker", l->number));
}

static void
on_deliver(void *arg, uint64_t lease, struct sluice_batch *batch)
{
    struct link *l = arg;
    struct hands *h = l->hands;

    l->credit = false;
    int64_t now_us = clock_mono_us();
    if (l->extend_at_us <= now_us) /* none is held; else the next one comes early enough */
        l->extend_at_us = now_us + l->lease_us / 3;
    if (h->has_waiting[l->number] || !h->ready || h->drain) {
        sluice_batch_free(batch);
        sluice_worker_return(l->worker, lease);
        return;
    }
    struct hold *w = &h->waiting[l->number];
    *w = (struct hold){
        .memory = batch, .link = l->number, .lease = lease, .generation = l->generation};
    w->batch.data = sluice_batch_data(batch, &w->batch.size);
    w->batch.broker = l->broker;
    w->is_full = batch_is_full(&h->options, &w->batch);
    h->has_waiting[l->number] = true;
}

static void
drain_begin(struct hands *h)
{
    if (h->drain)
        return;
    h->drain = true;
    log_event(EVENT_DRAINING);
    lifecycle_notify_stopping();
}

static void
on_drain(void *arg)
{
    struct link *l = arg;

    drain_begin(l->hands);
}

static void
on_fault(void *arg, const char *code, size_t code_len, const char *detail, size_t detail_len)
{
    struct link *l = arg;
    char why[256];

    snprintf(why, sizeof(why), "%.*s: %.*s", (int)code_len, code, (int)detail_len, detail);
    log_event(EVENT_BROKER_FAULT, LOG_U("broker", l->number), LOG_S("why", why));
}

/* ---- a turn ---- */

bool
hands_credit(struct hands *h)
{
    bool open = h->ready && !h->drain && !h->stop, busy = h->holding, sent = false;

    for (unsigned i = 0; i < h->n_links; i++)
        busy = busy || (h->has_waiting[i] && i != h->current.link);
    for (unsigned i = 0; i < h->n_links; i++) {
        struct link *l = &h->links[i];
        bool ahead = i == h->current.link && h->current.is_full;
        bool want = open && !h->has_waiting[i] && (!busy || ahead);
        if (want == l->credit)
            continue;
        sluice_worker_pull(l->worker, want ? h->options.batch_messages : 0,
                           want ? h->options.batch_bytes : 0);
        l->credit = want;
        sent = true;
    }
    return sent;
}

/* Not ready or draining: what waits goes back at once, nobody's fault. */
static void
waiting_return(struct hands *h)
{
    if (h->ready && !h->drain && !h->stop)
        return;
    for (unsigned i = 0; i < h->n_links; i++) {
        struct hold *w = &h->waiting[i];
        if (!h->has_waiting[i])
            continue;
        h->has_waiting[i] = false;
        sluice_batch_free(w->memory);
        if (w->generation == h->links[i].generation)
            sluice_worker_return(h->links[i].worker, w->lease);
    }
}

static void
signals_heed(struct hands *h)
{
    switch (lifecycle_read()) {
    case LIFECYCLE_RUN:
        break;
    case LIFECYCLE_DRAIN:
        drain_begin(h);
        break;
    case LIFECYCLE_STOP:
        log_event(EVENT_STOPPED, LOG_I("code", EXIT_DONE));
        _exit(EXIT_DONE);
    }
}

static void
age_check(struct hands *h, int64_t now_us)
{
    int64_t age_us = h->holding ? now_us - h->current.taken_us : 0;

    if (age_us <= h->options.batch_timeout_us) {
        if (now_us >= h->alive_at_us && lifecycle_watchdog_us() > 0) {
            lifecycle_notify_alive();
            h->alive_at_us = now_us + US_PER_S / 2;
        }
        return;
    }
    log_event(EVENT_BATCH_HUNG, LOG_I("age_ms", age_us / US_PER_MS));
    log_event(EVENT_STOPPED, LOG_I("code", EXIT_TEMPFAIL));
    _exit(EXIT_TEMPFAIL);
}

/* Extends what is held. True if that was sent; *ret_next_us: when to come again. */
static bool
leases_extend(struct hands *h, int64_t now_us, int64_t *ret_next_us)
{
    bool sent = false;

    *ret_next_us = INT64_MAX;
    for (unsigned i = 0; i < h->n_links; i++) {
        struct link *l = &h->links[i];
        uint64_t leases[2];
        unsigned n = 0;
        if (h->holding && h->current.link == i && h->current.generation == l->generation)
            leases[n++] = h->current.lease;
        if (h->has_waiting[i])
            leases[n++] = h->waiting[i].lease;
        if (n == 0 || l->lease_us == 0)
            continue;
        if (now_us >= l->extend_at_us) {
            while (n > 0)
                sluice_worker_extend(l->worker, leases[--n]);
            l->extend_at_us = now_us + l->lease_us / 3;
            sent = true;
        }
        if (l->extend_at_us < *ret_next_us)
            *ret_next_us = l->extend_at_us;
    }
    return sent;
}

static int64_t
links_turn(struct hands *h, int64_t now_us)
{
    int64_t next_us = INT64_MAX;

    for (unsigned i = 0; i < h->n_links; i++) {
        int64_t at_us = sluice_worker_turn(h->links[i].worker, now_us);
        if (at_us < next_us)
            next_us = at_us;
    }
    return next_us;
}

int64_t
hands_turn(struct hands *h)
{
    int64_t now_us = clock_mono_us(), next_us, extend_us;
    unsigned rounds = 0;
    bool sent;

    age_check(h, now_us);
    if (now_us >= h->signals_at_us) { /* while batches wait already, nobody comes to hands_wait */
        signals_heed(h);
        h->signals_at_us = now_us + SIGNALS_US;
    }
    waiting_return(h);
    /* A turn may deliver, which changes who gets credit. */
    do {
        hands_credit(h);
        next_us = links_turn(h, now_us);
    } while (++rounds < ROUNDS_MAX && next_us <= now_us);
    sent = hands_credit(h);
    sent = leases_extend(h, now_us, &extend_us) || sent;
    if (sent) { /* sending may have taken news in */
        int64_t again_us = links_turn(h, now_us);
        next_us = again_us < next_us ? again_us : next_us;
    }
    return extend_us < next_us ? extend_us : next_us;
}

bool
hands_wait(struct hands *h, int64_t until_us, int fd)
{
    struct pollfd fds[HANDS_BROKERS_MAX + 2];
    int64_t left_us = until_us - clock_mono_us();
    nfds_t n = 0;

    for (unsigned i = 0; i < h->n_links; i++)
        fds[n++] = (struct pollfd){.fd = sluice_worker_fd(h->links[i].worker), .events = POLLIN};
    fds[n++] = (struct pollfd){.fd = lifecycle_fd(), .events = POLLIN};
    fds[n++] = (struct pollfd){.fd = fd, .events = POLLIN};
    if (left_us > US_PER_S)
        left_us = US_PER_S; /* the age check and the watchdog */
    int ms = left_us <= 0 ? 0 : (int)((left_us + US_PER_MS - 1) / US_PER_MS);
    pthread_mutex_unlock(&h->lock);
    int r = poll(fds, n, ms);
    pthread_mutex_lock(&h->lock);
    if (r <= 0)
        return false;
    if (fds[n - 2].revents != 0)
        signals_heed(h);
    return fds[n - 1].revents != 0;
}

/* ---- making and ending ---- */

static int
links_make(struct hands *h)
{
    char *copy = mem_strdup(h->options.endpoints), *rest = NULL;
    int n = 0;

    for (char *e = strtok_r(copy, " \t", &rest); e != NULL && n == 0;
         e = strtok_r(NULL, " \t", &rest)) {
        if (h->n_links == HANDS_BROKERS_MAX) {
            n = -E2BIG;
            break;
        }
        struct link *l = &h->links[h->n_links];
        l->hands = h;
        l->number = h->n_links;
        struct sluice_worker_options options = {.endpoint = e,
                                                .name = h->options.name,
                                                .service = h->options.service,
                                                .version = SLUICE_VERSION};
        struct sluice_worker_events events = {.arg = l,
                                              .connected = on_connected,
                                              .disconnected = on_disconnected,
                                              .deliver = on_deliver,
                                              .drain = on_drain,
                                              .fault = on_fault};
        n = sluice_worker_new(&options, &events, &l->worker);
        if (n == 0)
            h->n_links++;
    }
    free(copy);
    return n == 0 && h->n_links == 0 ? -EINVAL : n;
}

static void
hands_destroy(struct hands *h)
{
    for (unsigned i = 0; i < h->n_links; i++) {
        if (h->has_waiting[i])
            sluice_batch_free(h->waiting[i].memory);
        sluice_worker_free(h->links[i].worker);
    }
    pthread_mutex_destroy(&h->lock);
    if (h->to_helper >= 0)
        close(h->to_helper);
    free(h);
}

int
hands_new(const struct hands_options *options, struct hands **ret_hands)
{
    struct hands *h = mem_new(1, sizeof(*h));

    h->options = *options;
    pthread_mutex_init(&h->lock, NULL);
    h->left_us = -US_PER_S; /* the main thread has much to do yet: the helper greets the brokers */
    h->to_helper = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int n = h->to_helper < 0 ? -errno : links_make(h);
    if (n == 0)
        n = -pthread_create(&h->thread, NULL, helper_run, h);
    if (n != 0) {
        hands_destroy(h);
        return n;
    }
    *ret_hands = h;
    return 0;
}

/* With the lock, like all that serves the connections. */
static void
links_bye(struct hands *h)
{
    int64_t until_us = clock_mono_us() + BYE_WAIT_US;

    waiting_return(h);
    for (unsigned i = 0; i < h->n_links; i++)
        sluice_worker_bye(h->links[i].worker);
    for (;;) {
        uint64_t queued = 0;
        int64_t now_us = clock_mono_us();
        int64_t next_us = links_turn(h, now_us);
        for (unsigned i = 0; i < h->n_links; i++)
            queued += sluice_worker_queued(h->links[i].worker);
        if (queued == 0 || now_us >= until_us)
            return;
        hands_wait(h, next_us < until_us ? next_us : until_us, -1);
    }
}

void
hands_free(struct hands *h)
{
    if (h == NULL)
        return;
    pthread_mutex_lock(&h->lock);
    h->stop = true;
    pthread_mutex_unlock(&h->lock);
    wake(h->to_helper);
    pthread_join(h->thread, NULL);
    pthread_mutex_lock(&h->lock);
    links_bye(h);
    pthread_mutex_unlock(&h->lock);
    hands_destroy(h);
}
