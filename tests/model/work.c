/* Commands: workers come and go, pull, report, extend, return. */
#include "base/error.h"
#include "tests/model/model.h"

struct ref_worker *
model_worker(struct model *m)
{
    struct ref_worker *w = &m->ref.workers[model_draw(m, REF_WORKERS)];

    return w->used ? w : NULL;
}

void
model_ready(struct model *m)
{
    uint32_t i = (uint32_t)model_draw(m, REF_WORKERS);
    struct ref_worker *w = &m->ref.workers[i];
    char name[8] = {'w', (char)('0' + i)};
    bool again = w->used && model_draw(m, 3) != 0;
    uint32_t service = again ? w->service : i % REF_SERVICES;

    if (w->used && !w->draining && model_draw(m, 10) != 0)
        return;
    if (w->used && !again)
        ref_worker_end(&m->ref, w, true);
    if (!again) {
        m->worker_incarnations[i]++;
        *w = (struct ref_worker){.since_us = m->ref.now_us, .service = service, .used = true};
    }
    w->handle = CORE_NOBODY;
    uint32_t handle =
        core_worker_ready(m->core, name, 2, m->worker_incarnations[i], service, m->ref.now_us);
    ref_check(&m->ref, handle != CORE_NOBODY);
    w->credit = 0;
    w->heard_us = m->ref.now_us;
    model_effects(m);
    w->handle = handle;
}

void
model_pull(struct model *m, struct ref_worker *w)
{
    w->credit = (uint32_t)model_draw(m, model_draw(m, 4) == 0 ? 3 : 24);
    w->credit_bytes = 200 + model_draw(m, 4000);
    w->heard_us = m->ref.now_us;
    core_worker_pull(m->core, w->handle, w->credit, w->credit_bytes, m->ref.now_us);
}

static void
ref_outcome(struct model *m, struct ref_message *msg, uint8_t outcome)
{
    static const int64_t delays_us[] = {100000, 200000, 400000, 800000, 1600000, 3200000, 5000000};

    if (outcome == OUTCOME_RETRY && !msg->is_volatile) {
        msg->state = MESSAGE_DELAYED;
        msg->due_us = m->ref.now_us + delays_us[msg->attempt > 7 ? 6 : msg->attempt - 1];
    } else if (outcome == OUTCOME_DEAD && !msg->is_volatile) {
        msg->state = MESSAGE_PARKED;
    } else {
        msg->live = false;
    }
}

static void
report_one(struct model *m, struct ref_worker *w, unsigned i, struct ref_message *msg)
{
    static const uint8_t outcomes[] = {
        OUTCOME_STORED,   OUTCOME_STORED,    OUTCOME_STORED,    OUTCOME_STORED,
        OUTCOME_STORED,   OUTCOME_STORED,    OUTCOME_DUPLICATE, OUTCOME_CONFLICT,
        OUTCOME_REJECTED, OUTCOME_HELD,      OUTCOME_RETRY,     OUTCOME_DEAD,
        OUTCOME_ANSWERED, OUTCOME_DISCARDED, OUTCOME_EXPIRED,   77};
    uint8_t outcome = outcomes[model_draw(m, sizeof(outcomes))];
    uint64_t epoch = msg->epoch - (model_draw(m, 30) == 0);
    uint32_t lease = w->leases[i] + (model_draw(m, 30) == 0 ? 1000 : 0);
    bool fits = outcome <= OUTCOME_DEAD || (outcome == OUTCOME_ANSWERED && msg->is_volatile);
    bool right = fits && epoch == msg->epoch && lease == w->leases[i];
    bool left = false;

    w->heard_us = m->ref.now_us;
    bool done = core_report(m->core, w->handle, lease, epoch, msg->seq, outcome, m->ref.now_us);
    ref_check(&m->ref, done == right);
    if (lease == w->leases[i] && w->held[i]) {
        w->held[i] = false;
        w->deadline_us[i] = m->ref.now_us + m->ref.limits.lease_us;
    }
    m->stale += !right;
    if (!right)
        return;
    ref_outcome(m, msg, outcome);
    for (size_t k = 0; k < m->ref.n; k++)
        left |= m->ref.messages[k].live && m->ref.messages[k].state == MESSAGE_LEASED &&
                m->ref.messages[k].lease == lease;
    if (!left)
        ref_lease_end(&m->ref, w, i, false);
}

void
model_report(struct model *m, struct ref_worker *w)
{
    uint64_t part = 1 + model_draw(m, 4); /* one in so many is left out */

    if (w->n_leases == 0)
        return;
    unsigned i = (unsigned)model_draw(m, w->n_leases);
    uint32_t lease = w->leases[i];
    for (size_t k = 0; k < m->ref.n; k++) {
        struct ref_message *msg = &m->ref.messages[k];
        if (!msg->live || msg->state != MESSAGE_LEASED || msg->lease != lease ||
            !core_is_durable(m->core, msg->seq) || (part > 1 && model_draw(m, part) == 0))
            continue;
        i = w->n_leases == 2 && w->leases[1] == lease ? 1 : 0;
        report_one(m, w, i, msg);
    }
    model_effects(m);
    if (model_draw(m, 2) == 0)
        model_pull(m, w);
}

void
model_lease(struct model *m, struct ref_worker *w)
{
    if (w->n_leases == 0)
        return;
    unsigned i = (unsigned)model_draw(m, w->n_leases);
    uint32_t lease = w->leases[i];
    struct ref_worker *other = model_worker(m);

    if (other != NULL && other != w) { /* not its own */
        other->heard_us = m->ref.now_us;
        ref_check(&m->ref, !core_lease_return(m->core, other->handle, lease, m->ref.now_us));
        ref_check(&m->ref, !core_lease_extend(m->core, other->handle, lease, m->ref.now_us));
    }
    switch (model_draw(m, 3)) {
    case 0:
        w->heard_us = m->ref.now_us;
        ref_check(&m->ref, core_lease_extend(m->core, w->handle, lease, m->ref.now_us));
        if (!w->held[i])
            w->deadline_us[i] = m->ref.now_us + m->ref.limits.lease_us;
        break;
    case 1:
        w->heard_us = m->ref.now_us;
        ref_check(&m->ref, core_lease_return(m->core, w->handle, lease, m->ref.now_us));
        ref_lease_end(&m->ref, w, i, false);
        break;
    default:
        core_lease_hold(m->core, lease);
        w->held[i] = true;
        break;
    }
    model_effects(m);
}

void
model_worker_end(struct model *m, struct ref_worker *w)
{
    switch (model_draw(m, 4)) {
    case 0:
        core_worker_bye(m->core, w->handle, m->ref.now_us);
        ref_worker_end(&m->ref, w, false);
        break;
    case 1:
        core_worker_gone(m->core, w->handle, m->ref.now_us);
        ref_worker_end(&m->ref, w, true);
        break;
    case 2:
        core_worker_void(m->core, w->handle, m->ref.now_us);
        while (w->n_leases > 0)
            ref_lease_end(&m->ref, w, w->n_leases - 1, false);
        break;
    default:
        core_worker_drain(m->core, w->handle);
        w->draining = true;
        break;
    }
    model_effects(m);
}

void
model_dispatch(struct model *m)
{
    struct reference *ref = &m->ref;

    core_dispatch(m->core, ref->now_us);
    model_effects(m);
    ref_dispatched(ref);
    ref_check(ref, !core_dispatch_wanted(m->core));
    struct ref_worker *w = model_worker(m);
    if (w == NULL || w->n_leases == 0 || model_draw(m, 8) != 0)
        return;
    unsigned i = w->n_leases - 1u; /* the newest could not be sent */
    bool fresh = w->deadline_us[i] == ref->now_us + ref->limits.lease_us && !w->held[i];
    if (!fresh || w->credit != 0)
        return;
    for (size_t k = 0; k < ref->n; k++)
        if (ref->messages[k].live && ref->messages[k].state == MESSAGE_LEASED &&
            ref->messages[k].lease == w->leases[i])
            ref->messages[k].attempt--;
    core_undeliver(m->core, w->leases[i], ref->now_us);
    ref_lease_end(ref, w, i, false);
    model_effects(m);
    ref_check(ref, w->n_leases > 0 || w->draining || ref->paused[w->service] ||
                       core_dispatch_wanted(m->core));
    model_pull(m, w); /* the credit is good again; this replaces it */
}
