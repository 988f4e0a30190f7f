/* Core decides, net does: one function per effect. Running an effect may make core add more (a
 * worker found gone, say); they are run in the same pass. */
#include "base/error.h"
#include "base/log.h"
#include "broker/reactor/broker.h"

typedef void effect_fn(struct broker *b, const struct effect *e);

static void
client_put(struct broker *b, const struct effect *e, enum entry_kind kind,
           const struct entry *entry)
{
    struct peer *peer = peers_of(b->peers, PEER_CLIENT, e->client);

    if (peer == NULL) {
        if (kind == ENTRY_KIND_OUTCOME && e->client != CORE_NOBODY)
            metrics_add(&b->metrics, METRIC_OUTCOMES_UNSENT, 1);
        return;
    }
    if (outbox_put(&peer->outbox, kind, entry) == OUTBOX_FULL) {
        metrics_add(&b->metrics, METRIC_CLIENTS_OVERRUN, 1);
        peer_lost(b, peer);
    }
}

static void
effect_deliver(struct broker *b, const struct effect *e)
{
    deliver_lease(b, e->worker, e->lease);
}

static void
effect_accepted(struct broker *b, const struct effect *e)
{
    struct entry entry = {.flags = e->stalled ? ENTRY_STALLED : 0,
                          .counter = e->counter,
                          .epoch = e->epoch,
                          .seq = e->seq,
                          .accepted_us = e->accepted_us};
    client_put(b, e, ENTRY_KIND_ACCEPTED, &entry);
}

static void
effect_flush_client(struct broker *b, const struct effect *e)
{
    struct peer *peer = peers_of(b->peers, PEER_CLIENT, e->client);

    if (peer != NULL)
        peer->outbox.dirty = true;
}

static void
effect_outcome(struct broker *b, const struct effect *e)
{
    struct entry entry = {.code = e->outcome,
                          .counter = e->counter,
                          .epoch = e->epoch,
                          .seq = e->seq,
                          .accepted_us = e->accepted_us,
                          .payload = b->reporting.payload,
                          .payload_len = b->reporting.payload_len};
    client_put(b, e, ENTRY_KIND_OUTCOME, &entry);
}

static void
effect_done(struct broker *b, const struct effect *e)
{
    mark_append(b, RECORD_DONE, e);
    journal_release(b->journal, e->place);
}

static void
effect_parked(struct broker *b, const struct effect *e)
{
    mark_append(b, RECORD_PARKED, e);
    log_event(EVENT_MESSAGE_PARKED, LOG_U("epoch", e->epoch), LOG_U("seq", e->seq),
              LOG_S("reason", e->reason != NULL ? e->reason : "reported"));
}

static void
effect_unparked(struct broker *b, const struct effect *e)
{
    mark_append(b, RECORD_UNPARKED, e);
}

static void
effect_note(struct broker *b, const struct effect *e)
{
    mark_append(b, RECORD_NOTE, e);
}

static void
effect_drop_body(struct broker *b, const struct effect *e)
{
    bodies_drop(b->bodies, e->place.offset);
}

static void
effect_worker_gone(struct broker *b, const struct effect *e)
{
    struct peer *peer = peers_of(b->peers, PEER_WORKER, e->worker);

    held_forget(&b->held, e->worker);
    if (peer == NULL)
        return;
    log_event(EVENT_WORKER_GONE, LOG_S("worker", peer->name), LOG_S("host", peer->host),
              LOG_U("pid", peer->pid));
    peers_forget(b->peers, peer);
}

/* A command without arguments. */
static void
worker_tell(struct broker *b, struct peer *worker, uint8_t command)
{
    send_header(b, 0);
    if (send_peer(b, worker, command, NULL) == MESSAGE_GONE)
        peer_lost(b, worker);
}

static void
effect_drain_worker(struct broker *b, const struct effect *e)
{
    struct peer *peer = peers_of(b->peers, PEER_WORKER, e->worker);

    if (peer != NULL)
        worker_tell(b, peer, COMMAND_DRAIN);
}

static void
effect_reset_worker(struct broker *b, const struct effect *e)
{
    struct peer *peer = peers_of(b->peers, PEER_WORKER, e->worker);

    if (peer == NULL)
        return;
    log_event(EVENT_LEASE_EXPIRED, LOG_S("worker", peer->name), LOG_S("host", peer->host),
              LOG_U("pid", peer->pid));
    worker_tell(b, peer, COMMAND_RESET);
}

static effect_fn *const effect_fns[] = {
    [EFFECT_DELIVER] = effect_deliver,
    [EFFECT_ACCEPTED] = effect_accepted,
    [EFFECT_FLUSH_CLIENT] = effect_flush_client,
    [EFFECT_OUTCOME] = effect_outcome,
    [EFFECT_DONE] = effect_done,
    [EFFECT_PARKED] = effect_parked,
    [EFFECT_UNPARKED] = effect_unparked,
    [EFFECT_NOTE] = effect_note,
    [EFFECT_DROP_BODY] = effect_drop_body,
    [EFFECT_WORKER_GONE] = effect_worker_gone,
    [EFFECT_DRAIN_WORKER] = effect_drain_worker,
    [EFFECT_RESET_WORKER] = effect_reset_worker,
};

void
effects_run(struct broker *b)
{
    size_t n;

    core_effects(b->core, &n);
    if (n == 0)
        return;
    for (size_t i = 0; i < n && b->fatal == 0; i++) {
        const struct effect e = core_effects(b->core, &n)[i]; /* a copy: the list may grow */
        sluice_assert((size_t)e.kind < ARRAY_LEN(effect_fns));
        effect_fns[e.kind](b, &e);
        core_effects(b->core, &n);
    }
    core_effects_clear(b->core);
}
