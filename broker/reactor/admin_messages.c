/* Verbs about single messages: peek, trace, live, done, dead, requeue, discard. Never a
 * body, but for "sealed", whose answer only a key opens. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "broker/reactor/admin.h"

static const char *const state_texts[MESSAGE_STATES] = {[MESSAGE_READY] = "ready",
                                                        [MESSAGE_DELAYED] = "delayed",
                                                        [MESSAGE_LEASED] = "leased",
                                                        [MESSAGE_PARKED] = "dead"};

const char *
admin_state_text(enum message_state state)
{
    return (unsigned)state < MESSAGE_STATES && state_texts[state] != NULL ? state_texts[state] : "";
}

const char *
admin_dead_reason(const struct broker *b, const struct message_view *v)
{
    return v->kills >= b->limits.max_kills ? "killed its workers" : "reported dead";
}

static void
row_message(struct broker *b, struct reply *reply, const struct message_view *v,
            const struct record *r)
{
    struct service_view service;
    bool dead = v->state == MESSAGE_PARKED;
    struct buf *row = reply_row(reply, dead ? 12 : 11);

    if (!core_service_view(b->core, v->service, b->now_us, &service))
        service.name = "";
    mp_put_cstr(row, "id");
    mp_put_bin(row, r->id.bytes, sizeof(r->id.bytes));
    row_texts(row, "scope", r->scope, r->scope_len);
    row_text(row, "service", service.name);
    row_uint(row, "epoch", v->epoch);
    row_uint(row, "seq", v->seq);
    row_text(row, "state", admin_state_text(v->state));
    row_uint(row, "attempt", v->attempt);
    row_uint(row, "kills", v->kills);
    row_uint(row, "age_us", (uint64_t)v->age_us);
    row_uint(row, "bytes", r->length);
    row_uint(row, "accepted_us", (uint64_t)r->accepted_us);
    if (dead)
        row_text(row, "reason", admin_dead_reason(b, v));
}

static void
row_live(struct broker *b, struct reply *reply, const struct message_view *v,
         const struct record *r)
{
    struct buf *row = reply_row(reply, 5);

    (void)b;
    row_uint(row, "epoch", v->epoch);
    row_uint(row, "seq", v->seq);
    row_texts(row, "scope", r->scope, r->scope_len);
    mp_put_cstr(row, "id");
    mp_put_bin(row, r->id.bytes, sizeof(r->id.bytes));
    row_text(row, "state", admin_state_text(v->state));
}

typedef void row_fn(struct broker *b, struct reply *reply, const struct message_view *v,
                    const struct record *r);

static enum admin_status
messages_list(struct broker *b, const struct message *request, struct reply *reply,
              uint32_t service, enum message_state state, row_fn *row)
{
    uint64_t limit = request_uint(request, "limit", 100, ADMIN_PAGE_MAX);
    uint64_t after = request_uint(request, "after", 0, UINT64_MAX);
    uint32_t *messages = mem_new(ADMIN_PAGE_MAX + 1, sizeof(*messages));
    struct message_view view;
    struct record r;

    size_t n = core_list(b->core, service, state, after, messages, limit + 1);
    for (size_t i = 0; i < n && i < limit && b->fatal == 0; i++) {
        if (!core_view(b->core, messages[i], b->now_us, &view) || !broker_record(b, &view, &r))
            continue;
        row(b, reply, &view, &r);
        reply->next = view.seq;
    }
    reply->more = n > limit;
    free(messages);
    return ADMIN_OK;
}

enum admin_status
admin_peek(struct broker *b, const struct message *request, struct reply *reply)
{
    uint32_t service;

    if (!request_service(b, request, &service)) {
        reply->detail = "no such service";
        return ADMIN_NOT_FOUND;
    }
    return messages_list(b, request, reply, service, MESSAGE_STATES, row_message);
}

enum admin_status
admin_live(struct broker *b, const struct message *request, struct reply *reply)
{
    return messages_list(b, request, reply, CORE_NOBODY, MESSAGE_STATES, row_live);
}

enum admin_status
admin_dead(struct broker *b, const struct message *request, struct reply *reply)
{
    uint32_t service;

    if (!request_service(b, request, &service)) {
        reply->detail = "no such service";
        return ADMIN_NOT_FOUND;
    }
    return messages_list(b, request, reply, service, MESSAGE_PARKED, row_message);
}

enum admin_status
admin_trace(struct broker *b, const struct message *request, struct reply *reply)
{
    uint32_t messages[ADMIN_PAGE_MAX];
    char scope[RECORD_SCOPE_MAX + 1];
    struct message_view view;
    const uint8_t *bytes;
    struct record r;
    struct uuid id;
    size_t len;

    if (!header_bin(request, "id", &bytes, &len) || len != sizeof(id.bytes)) {
        reply->detail = "id must be 16 bytes";
        return ADMIN_BAD_ARGUMENT;
    }
    memcpy(id.bytes, bytes, sizeof(id.bytes));
    bool scoped = header_text(request, "scope", scope, sizeof(scope));
    size_t n = core_find_id(b->core, &id, messages, ADMIN_PAGE_MAX);
    for (size_t i = 0; i < n && b->fatal == 0; i++) {
        if (!core_view(b->core, messages[i], b->now_us, &view) || !broker_record(b, &view, &r) ||
            !uuid_equal(&r.id, &id))
            continue;
        if (!scoped || (strlen(scope) == r.scope_len && memcmp(scope, r.scope, r.scope_len) == 0))
            row_message(b, reply, &view, &r);
    }
    if (reply->n_rows == 0)
        reply->detail = "no live or dead message has that id";
    return reply->n_rows > 0 ? ADMIN_OK : ADMIN_NOT_FOUND;
}

enum admin_status
admin_done(struct broker *b, const struct message *request, struct reply *reply)
{
    uint64_t limit = request_uint(request, "limit", 100, ADMIN_PAGE_MAX);
    uint64_t cursor = request_uint(request, "after", 0, UINT64_MAX);
    struct record *records = mem_new(ADMIN_PAGE_MAX, sizeof(*records));

    size_t n = journal_done_after(b->journal, cursor, records, limit, &cursor);
    for (size_t i = 0; i < n; i++) {
        const struct record *r = &records[i];
        const char *outcome = outcome_text(r->attempt);
        struct buf *row = reply_row(reply, 5);
        row_uint(row, "epoch", r->epoch);
        row_uint(row, "seq", r->seq);
        row_text(row, "outcome", outcome != NULL ? outcome : "");
        mp_put_cstr(row, "id");
        mp_put_bin(row, r->id.bytes, sizeof(r->id.bytes));
        row_uint(row, "finished_us", (uint64_t)r->accepted_us);
    }
    reply->next = cursor;
    reply->more = n == limit && n > 0;
    free(records);
    return ADMIN_OK;
}

enum admin_status
admin_sealed(struct broker *b, const struct message *request, struct reply *reply)
{
    struct message_view view;
    uint64_t epoch, seq;
    uint32_t message;
    struct record r;

    if (!header_uint(request, "epoch", &epoch) || !header_uint(request, "seq", &seq) || seq == 0) {
        reply->detail = "epoch and seq are needed";
        return ADMIN_BAD_ARGUMENT;
    }
    if (core_list(b->core, CORE_NOBODY, MESSAGE_PARKED, seq - 1, &message, 1) != 1 ||
        !core_view(b->core, message, b->now_us, &view) || view.epoch != epoch || view.seq != seq ||
        !broker_record(b, &view, &r)) {
        reply->detail = "no dead letter has that origin";
        return ADMIN_NOT_FOUND;
    }
    struct buf *row = reply_row(reply, 3);
    row_uint(row, "epoch", epoch);
    row_uint(row, "seq", seq);
    mp_put_cstr(row, "body");
    mp_put_bin(row, r.body, r.body_len);
    return ADMIN_OK;
}

static enum admin_status
dead_change(struct broker *b, const struct message *request, struct reply *reply, bool requeue)
{
    uint64_t epoch, seq;

    if (!header_uint(request, "epoch", &epoch) || !header_uint(request, "seq", &seq)) {
        reply->detail = "epoch and seq are needed";
        return ADMIN_BAD_ARGUMENT;
    }
    if (broker_room(b, 0, MARK_BYTES_MAX) != JOURNAL_OK) {
        reply->detail = "the journal is busy";
        return ADMIN_REFUSED;
    }
    bool changed = requeue ? core_requeue(b->core, epoch, seq, b->now_us)
                           : core_discard(b->core, epoch, seq, b->now_us);
    if (!changed) {
        reply->detail = "no dead letter has that origin";
        return ADMIN_NOT_FOUND;
    }
    struct buf *row = reply_row(reply, 3);
    row_uint(row, "epoch", epoch);
    row_uint(row, "seq", seq);
    row_text(row, "state", requeue ? "ready" : "discarded");
    return ADMIN_OK;
}

enum admin_status
admin_requeue(struct broker *b, const struct message *request, struct reply *reply)
{
    return dead_change(b, request, reply, true);
}

enum admin_status
admin_discard(struct broker *b, const struct message *request, struct reply *reply)
{
    return dead_change(b, request, reply, false);
}
