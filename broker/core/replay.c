/* Replay and its end. A client that is named by replayed messages gets its entry, so that its
 * outcomes find it when it comes back. */
#include "broker/core/replay.h"

#include <stdlib.h>

#include "base/error.h"
#include "broker/core/finish.h"
#include "broker/core/state.h"

void
core_replay_begin(struct core *c, const struct ledger *base)
{
    sluice_assert(c->messages.n == 0 && c->replay == NULL);
    c->replay = mem_new(1, sizeof(*c->replay));
    msg_list_init(&c->replay->ready);
    c->replay->moved = NO_HANDLE;
    if (base != NULL)
        c->ledger = *base;
    c->ledger.by_outcome[OUTCOME_DEAD] =
        0; /* whatever lies dead is replayed with its parked record */
    c->replay->base_seq = c->ledger.last_seq;
}

static void
replay_seen(struct core *c, uint64_t seq)
{
    if (seq > c->replay->base_seq)
        c->ledger.accepted++;
    if (seq > c->ledger.last_seq)
        c->ledger.last_seq = seq;
}

/* Written again: the later place wins. A dead letter's does only with the parked record behind it:
 * if a crash tore that off, the old place must stay the one that is kept, with its parked record.
 */
static void
replay_moved(struct core *c, const struct record *r, uint32_t message, struct place place)
{
    struct msg *m = messages_at(&c->messages, message);

    m->kills = r->kills > m->kills ? r->kills : m->kills;
    m->attempt = r->attempt > 0 ? r->attempt : 1;
    if (m->state == MESSAGE_PARKED) {
        c->replay->moved = message;
        c->replay->moved_to = place;
    } else {
        m->place = place;
    }
}

static void
replay_message(struct core *c, const struct record *r, struct place place, int64_t now_us)
{
    uint32_t message = index_seq_find(&c->index, &c->messages, r->seq);

    if (seq_set_has(&c->replay->done, r->seq))
        return;
    if (message != NO_HANDLE) {
        replay_moved(c, r, message, place);
        return;
    }
    uint32_t service = core_service(c, r->service, r->service_len);
    sluice_assert(service != CORE_NOBODY && r->epoch <= UINT32_MAX);
    replay_seen(c, r->seq);
    message = message_enter(c, r, service, place);
    struct msg *m = messages_at(&c->messages, message);
    m->attempt = r->attempt > 0 ? r->attempt : 1; /* it may have been handed out */
    m->kills = r->kills;
    bool waits = (r->flags & RECORD_NO_OUTCOME) == 0 && r->incarnation != 0;
    client_take(c, waits ? clients_get(c, r->incarnation, now_us) : NO_HANDLE, message, false);
    message_move(c, message, MESSAGE_READY, 0);
}

static void
replay_done(struct core *c, const struct record *r, uint32_t message)
{
    if (r->attempt >= OUTCOME_LIMIT || seq_set_has(&c->replay->done, r->seq))
        return;
    seq_set_add(&c->replay->done, r->seq);
    c->ledger.by_outcome[r->attempt]++;
    if (message == NO_HANDLE) {
        replay_seen(c, r->seq);
        return;
    }
    if (messages_at(&c->messages, message)->state == MESSAGE_PARKED)
        c->ledger.by_outcome[OUTCOME_DEAD]--;
    else
        c->live--;
    finish_free(c, message);
}

static void
replay_park(struct core *c, uint32_t message, enum message_state to)
{
    struct msg *m = messages_at(&c->messages, message);

    if (m->state == to)
        return;
    if (to == MESSAGE_PARKED) {
        c->ledger.by_outcome[OUTCOME_DEAD]++;
        c->live--;
        client_leave(c, m);
    } else {
        c->ledger.by_outcome[OUTCOME_DEAD]--;
        c->live++;
    }
    message_move(c, message, to, 0);
}

void
core_replay(struct core *c, const struct record *r, struct place place, int64_t now_us)
{
    uint32_t message = index_seq_find(&c->index, &c->messages, r->seq);

    sluice_assert(c->replay != NULL);
    c->now_us = now_us;
    if (r->kind == RECORD_MESSAGE) {
        c->replay->moved = NO_HANDLE;
        replay_message(c, r, place, now_us);
        return;
    }
    if (message != NO_HANDLE && messages_at(&c->messages, message)->epoch != r->epoch)
        message = NO_HANDLE;
    if (r->kind == RECORD_DONE)
        replay_done(c, r, message);
    else if (message == NO_HANDLE)
        return;
    else if (r->kind == RECORD_PARKED && message == c->replay->moved)
        messages_at(&c->messages, message)->place = c->replay->moved_to;
    else if (r->kind == RECORD_PARKED)
        replay_park(c, message, MESSAGE_PARKED);
    else if (r->kind == RECORD_UNPARKED)
        replay_park(c, message, MESSAGE_READY);
    if (message != NO_HANDLE && r->kind != RECORD_DONE && r->kills > 0)
        messages_at(&c->messages, message)->kills = r->kills;
}

void
core_replay_end(struct core *c, uint64_t epoch, uint64_t next_seq)
{
    struct replay *r = c->replay;

    sluice_assert(epoch > 0 && epoch <= UINT32_MAX && next_seq > c->ledger.last_seq);
    c->epoch = epoch;
    c->next_seq = next_seq;
    c->durable_seq = next_seq - 1;
    if (r == NULL)
        return;
    c->replay = NULL;
    for (uint32_t message = r->ready.head, next; message != NO_HANDLE; message = next) {
        struct msg *m = messages_at(&c->messages, message);
        next = m->next;
        if (m->kills > 0)
            m->flags |= RECORD_ALONE;
        queue_push(&c->messages,
                   (m->flags & RECORD_ALONE) != 0 ? &c->services[m->service].alone
                                                  : &c->services[m->service].ready,
                   message);
    }
    seq_set_deinit(&r->done);
    free(r);
}
