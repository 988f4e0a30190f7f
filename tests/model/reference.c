/* The naive reference. */
#include "tests/model/reference.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"

void
ref_failed(const struct reference *ref, const char *expr, const char *file, int line)
{
    fprintf(stderr, "%s:%d: %s is not so (seed %lu, step %lu; run: model_core SEED)\n", file, line,
            expr, (unsigned long)ref->seed, (unsigned long)ref->step);
    abort();
}

struct ref_message *
ref_add(struct reference *ref)
{
    if (ref->n == ref->cap) {
        ref->cap = ref->cap == 0 ? 256 : ref->cap * 2;
        ref->messages = mem_grow(ref->messages, ref->cap, sizeof(*ref->messages));
    }
    ref->messages[ref->n] = (struct ref_message){.live = true, .state = MESSAGE_READY};
    return &ref->messages[ref->n++];
}

struct ref_message *
ref_find(struct reference *ref, uint64_t epoch, uint64_t seq)
{
    for (size_t i = 0; i < ref->n; i++) {
        struct ref_message *m = &ref->messages[i];
        if (m->live && m->epoch == epoch && m->seq == seq)
            return m;
    }
    return NULL;
}

struct ref_worker *
ref_worker_of(struct reference *ref, uint32_t handle)
{
    for (int i = 0; i < REF_WORKERS; i++)
        if (ref->workers[i].used && ref->workers[i].handle == handle)
            return &ref->workers[i];
    return NULL;
}

static void
message_died(struct reference *ref, struct ref_message *m, bool alone)
{
    if (m->is_volatile) {
        m->live = false;
        return;
    }
    m->alone = true;
    m->state = MESSAGE_READY;
    if (alone && m->durable_us != 0 && ++m->kills >= ref->limits.max_kills)
        m->state = MESSAGE_PARKED;
}

void
ref_lease_end(struct reference *ref, struct ref_worker *w, unsigned i, bool died)
{
    for (size_t k = 0; k < ref->n; k++) {
        struct ref_message *m = &ref->messages[k];
        if (!m->live || m->state != MESSAGE_LEASED || m->lease != w->leases[i])
            continue;
        if (died)
            message_died(ref, m, w->lease_alone[i]);
        else
            m->state = MESSAGE_READY;
    }
    if (i == 0) {
        w->leases[0] = w->leases[1];
        w->lease_alone[0] = w->lease_alone[1];
        w->deadline_us[0] = w->deadline_us[1];
        w->held[0] = w->held[1];
    }
    w->n_leases--;
    w->since_us = ref->now_us;
}

void
ref_worker_end(struct reference *ref, struct ref_worker *w, bool died)
{
    while (w->n_leases > 0)
        ref_lease_end(ref, w, w->n_leases - 1, died);
    w->used = false;
}

static struct ref_message *
lowest(struct reference *ref, uint32_t service, bool alone, bool is_volatile)
{
    struct ref_message *best = NULL;

    for (size_t i = 0; i < ref->n; i++) {
        struct ref_message *m = &ref->messages[i];
        if (m->live && m->state == MESSAGE_READY && m->service == service && m->alone == alone &&
            m->is_volatile == is_volatile && (best == NULL || m->seq < best->seq))
            best = m;
    }
    return best;
}

static void
waiting(struct reference *ref, uint32_t service, uint32_t *ret_n, uint64_t *ret_bytes)
{
    *ret_n = 0;
    *ret_bytes = 0;
    for (size_t i = 0; i < ref->n; i++) {
        struct ref_message *m = &ref->messages[i];
        if (!m->live || m->state != MESSAGE_READY || m->service != service || m->alone)
            continue;
        ++*ret_n;
        if (!m->is_volatile)
            *ret_bytes += m->length;
    }
}

static bool
alone_is_next(struct reference *ref, uint32_t service)
{
    struct ref_message *alone = lowest(ref, service, true, false);
    struct ref_message *other = lowest(ref, service, false, false);

    if (alone == NULL || (ref->last_alone[service] && lowest(ref, service, false, true) != NULL))
        return false;
    return other == NULL || alone->seq < other->seq;
}

/* Who may get a batch now: the idle one longest idle, else a busy one for whom a full batch waits.
 */
static bool
may_get(struct reference *ref, const struct ref_worker *w)
{
    uint32_t n;
    uint64_t bytes;

    if (!w->used || w->draining || w->credit == 0 || ref->paused[w->service])
        return false;
    if (w->n_leases == 0) {
        for (int i = 0; i < REF_WORKERS; i++) {
            const struct ref_worker *o = &ref->workers[i];
            if (o->used && !o->draining && o->credit > 0 && o->n_leases == 0 &&
                o->service == w->service && o->since_us < w->since_us)
                return false;
        }
        waiting(ref, w->service, &n, &bytes);
        return n > 0 || lowest(ref, w->service, true, false) != NULL;
    }
    if (w->n_leases == 2 || w->lease_alone[0] || lowest(ref, w->service, true, false) != NULL)
        return false;
    for (int i = 0; i < REF_WORKERS; i++) {
        const struct ref_worker *o = &ref->workers[i];
        if (o->used && !o->draining && o->credit > 0 && o->n_leases == 0 &&
            o->service == w->service)
            return false;
    }
    waiting(ref, w->service, &n, &bytes);
    return n > 0 && (n >= w->credit || bytes >= w->credit_bytes);
}

/* The effect list may lag behind later commands of the turn; the model runs effects right after
 * each. */
void
ref_deliver(struct reference *ref, const struct core *c, const struct effect *e)
{
    struct ref_worker *w = ref_worker_of(ref, e->worker);
    const uint32_t *handles;
    size_t n = core_lease_messages(c, e->lease, &handles);
    uint64_t bytes = 0;
    struct message_view v;

    ref_check(ref, w != NULL && n > 0);
    ref_check(ref, may_get(ref, w));
    bool alone = alone_is_next(ref, w->service) && w->n_leases == 0;
    ref_check(ref, !alone || n == 1);
    for (size_t i = 0; i < n; i++) {
        struct ref_message *m =
            alone ? lowest(ref, w->service, true, false) : lowest(ref, w->service, false, true);
        if (m == NULL)
            m = lowest(ref, w->service, false, false);
        ref_check(ref, m != NULL && core_view(c, handles[i], ref->now_us, &v));
        ref_check(ref, v.epoch == m->epoch && v.seq == m->seq && v.lease == e->lease);
        m->handle = handles[i];
        m->state = MESSAGE_LEASED;
        m->lease = e->lease;
        m->attempt++;
        bytes += m->length;
        ref_check(ref, v.attempt == m->attempt && v.kills == m->kills);
    }
    ref_check(ref, n <= w->credit && (n == 1 || bytes <= w->credit_bytes));
    struct ref_message *more = lowest(ref, w->service, false, true);
    if (more == NULL)
        more = lowest(ref, w->service, false, false);
    if (!alone && more != NULL) /* all that waits, up to the credit */
        ref_check(ref, n == w->credit || bytes + more->length > w->credit_bytes);
    ref->last_alone[w->service] = alone;
    if (w->n_leases == 0)
        w->since_us = ref->now_us;
    w->leases[w->n_leases] = e->lease;
    w->lease_alone[w->n_leases] = alone;
    w->held[w->n_leases] = false;
    w->deadline_us[w->n_leases++] = ref->now_us + ref->limits.lease_us;
    w->credit = 0;
}

void
ref_dispatched(struct reference *ref)
{
    for (int i = 0; i < REF_WORKERS; i++)
        ref_check(ref, !may_get(ref, &ref->workers[i]));
}

void
ref_tick(struct reference *ref)
{
    for (int i = 0; i < REF_WORKERS; i++) {
        struct ref_worker *w = &ref->workers[i];
        for (unsigned k = 0; w->used && k < w->n_leases;) {
            if (!w->held[k] && w->deadline_us[k] <= ref->now_us) {
                w->credit = 0;
                ref_lease_end(ref, w, k, true);
            } else {
                k++;
            }
        }
    }
    for (int i = 0; i < REF_WORKERS; i++) {
        struct ref_worker *w = &ref->workers[i];
        if (w->used && ref->now_us - w->heard_us >= 3 * ref->limits.heartbeat_us)
            ref_worker_end(ref, w, true);
    }
    for (size_t i = 0; i < ref->n; i++) {
        struct ref_message *m = &ref->messages[i];
        if (m->live && m->state == MESSAGE_DELAYED && m->due_us <= ref->now_us)
            m->state = MESSAGE_READY;
        if (!m->live || !m->is_volatile || m->due_us > ref->now_us)
            continue;
        m->live = false;
        for (int k = 0; m->state == MESSAGE_LEASED && k < REF_WORKERS; k++) {
            struct ref_worker *w = &ref->workers[k];
            for (unsigned l = 0; w->used && l < w->n_leases; l++) {
                bool left = w->leases[l] != m->lease;
                for (size_t o = 0; !left && o < ref->n; o++)
                    left = ref->messages[o].live && ref->messages[o].state == MESSAGE_LEASED &&
                           ref->messages[o].lease == m->lease;
                if (!left)
                    ref_lease_end(ref, w, l, false);
            }
        }
    }
}

void
ref_sweep(struct reference *ref)
{
    size_t kept = 0;

    for (size_t i = 0; i < ref->n; i++)
        if (ref->messages[i].live)
            ref->messages[kept++] = ref->messages[i];
    ref->n = kept;
}

void
ref_compare(struct reference *ref, const struct core *c)
{
    struct core_figures f;
    uint32_t live = 0, dead = 0, volatiles = 0;
    struct message_view v;

    for (size_t i = 0; i < ref->n; i++) {
        const struct ref_message *m = &ref->messages[i];
        if (!m->live)
            continue;
        ref_check(ref, core_view(c, m->handle, ref->now_us, &v));
        ref_check(ref, v.epoch == m->epoch && v.seq == m->seq && v.counter == m->counter);
        ref_check(ref, v.state == m->state && v.service == m->service);
        ref_check(ref, v.attempt == m->attempt && v.kills == m->kills);
        ref_check(ref, m->state != MESSAGE_LEASED || v.lease == m->lease);
        ref_check(ref, ((v.flags & RECORD_ALONE) != 0) == m->alone);
        ref_check(ref, v.durable == (m->durable_us != 0 || m->is_volatile));
        volatiles += m->is_volatile;
        dead += m->state == MESSAGE_PARKED;
        live += !m->is_volatile && m->state != MESSAGE_PARKED;
    }
    core_figures(c, &f);
    ref_check(ref, f.live == live && f.parked == dead && f.volatiles == volatiles);
}
