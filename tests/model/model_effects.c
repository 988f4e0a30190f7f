/* What core decided is checked against the reference and carried out: on the tape, in the
 * reference. */
#include <string.h>

#include "tests/model/model.h"

uint64_t
model_draw(struct model *m, uint64_t below)
{
    m->random ^= m->random << 13;
    m->random ^= m->random >> 7;
    m->random ^= m->random << 17;
    return (m->random >> 11) % below;
}

struct ref_message *
model_message(struct reference *ref, uint64_t epoch, uint64_t seq)
{
    for (size_t i = ref->n; i-- > 0;)
        if (ref->messages[i].epoch == epoch && ref->messages[i].seq == seq)
            return &ref->messages[i];
    return NULL;
}

void
model_mark(struct model *m, uint8_t kind, const struct effect *e)
{
    struct record r = {.kind = kind,
                       .length = RECORD_HEADER_BYTES,
                       .epoch = e->epoch,
                       .seq = e->seq,
                       .attempt = e->outcome,
                       .kills = e->kills};
    tape_append(&m->tape, &r);
}

bool
model_service_is_dead(const struct reference *ref, uint32_t service)
{
    for (int i = 0; i < REF_WORKERS; i++)
        if (ref->workers[i].used && !ref->workers[i].draining && ref->workers[i].service == service)
            return ref->paused[service];
    return true;
}

static void
effect_entry(struct model *m, const struct effect *e)
{
    struct reference *ref = &m->ref;
    struct ref_message *msg = model_message(ref, e->epoch, e->seq);
    struct client_view v;

    ref_check(ref, msg != NULL);
    ref_check(ref, msg->is_volatile || msg->durable_us != 0);
    ref_check(ref, e->counter == msg->counter);
    if (e->client != CORE_NOBODY) {
        ref_check(ref, core_client_view(m->core, e->client, ref->now_us, &v));
        ref_check(ref, v.incarnation == msg->incarnation);
    }
    if (e->kind == EFFECT_ACCEPTED) {
        ref_check(ref, msg->live && msg->unannounced && !msg->is_volatile);
        ref_check(ref, e->stalled || !model_service_is_dead(ref, msg->service));
    } else {
        ref_check(ref, !msg->live || msg->state == MESSAGE_PARKED);
        ref_check(ref, e->client != CORE_NOBODY || msg->incarnation == 0 || msg->was_dead);
        m->outcomes++;
    }
    msg->unannounced = false;
    if (e->kind == EFFECT_OUTCOME && e->outcome == OUTCOME_DEAD)
        msg->was_dead =
            true; /* nobody waits for it; after a requeue and a restart that may be forgotten */
}

static void
effect_run(struct model *m, const struct effect *e)
{
    struct ref_message *msg = e->seq != 0 ? model_message(&m->ref, e->epoch, e->seq) : NULL;

    switch (e->kind) {
    case EFFECT_DELIVER:
        ref_deliver(&m->ref, m->core, e);
        m->deliveries++;
        break;
    case EFFECT_ACCEPTED:
    case EFFECT_OUTCOME:
        effect_entry(m, e);
        break;
    case EFFECT_DONE:
        ref_check(&m->ref, !msg->live && msg->durable_us != 0);
        model_mark(m, RECORD_DONE, e);
        break;
    case EFFECT_PARKED:
        ref_check(&m->ref, msg->state == MESSAGE_PARKED);
        model_mark(m, RECORD_PARKED, e);
        break;
    case EFFECT_UNPARKED:
        model_mark(m, RECORD_UNPARKED, e);
        break;
    case EFFECT_NOTE:
        ref_check(&m->ref, msg->kills == e->kills);
        model_mark(m, RECORD_NOTE, e);
        break;
    case EFFECT_DROP_BODY:
        ref_check(&m->ref, m->slots[e->place.offset]);
        m->slots[e->place.offset] = false;
        break;
    case EFFECT_WORKER_GONE:
        ref_check(&m->ref, ref_worker_of(&m->ref, e->worker) == NULL);
        break;
    case EFFECT_RESET_WORKER: /* one that fell silent in the same step may be gone already */
        ref_check(&m->ref, ref_worker_of(&m->ref, e->worker) == NULL ||
                               ref_worker_of(&m->ref, e->worker)->credit == 0);
        break;
    case EFFECT_FLUSH_CLIENT:
    case EFFECT_DRAIN_WORKER:
        break;
    }
}

void
model_effects(struct model *m)
{
    size_t n;
    const struct effect *list = core_effects(m->core, &n);

    for (size_t i = 0; i < n; i++)
        effect_run(m, &list[i]);
    core_effects_clear(m->core);
    const struct ledger *l = core_ledger(m->core);
    struct core_figures f;
    core_figures(m->core, &f);
    ref_check(&m->ref, l->accepted == ledger_outcomes(l) + f.live);
    tape_hand_over(&m->tape, l, SEGMENT_RECORDS);
}

void
model_ledger(struct model *m)
{
    struct ledger naive;
    uint64_t live;
    struct core_figures f;

    tape_count(&m->tape, &naive, &live);
    core_figures(m->core, &f);
    ref_check(&m->ref, f.live == live);
    ref_check(&m->ref, memcmp(&naive, core_ledger(m->core), sizeof(naive)) == 0);
}

/* What core_durable and core_tick must have announced. */
void
model_announced(struct model *m)
{
    const struct reference *ref = &m->ref;
    uint32_t window[REF_CLIENTS] = {0};

    for (size_t i = 0; i < ref->n; i++)
        for (int k = 0; k < REF_CLIENTS; k++)
            window[k] += ref->messages[i].live && ref->messages[i].unannounced &&
                         ref->messages[i].incarnation == m->incarnations[k];
    for (size_t i = 0; i < ref->n; i++) {
        const struct ref_message *msg = &ref->messages[i];
        if (!msg->live || !msg->unannounced || msg->is_volatile || msg->durable_us == 0)
            continue;
        ref_check(ref, !msg->accept_now && !model_service_is_dead(ref, msg->service));
        ref_check(ref, ref->now_us - msg->durable_us < ref->limits.heartbeat_us);
        for (int k = 0; k < REF_CLIENTS; k++)
            ref_check(ref, msg->incarnation != m->incarnations[k] ||
                               window[k] <= ref->limits.window_messages / 4);
    }
}
