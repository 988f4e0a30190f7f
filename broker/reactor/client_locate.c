/* LOCATE: is this id, or this receipt, still with the broker? */
#include <string.h>

#include "broker/reactor/commands.h"
#include "schemas/wire/mp.h"

#define CANDIDATES_MAX 64

struct location {
    struct message_view view;
    struct record record;
};

/* The first match: the same origin if one is asked for, else the newest of that id and scope. */
static bool
message_locate(struct broker *b, const struct uuid *id, const char *scope, size_t scope_len,
               bool has_origin, uint64_t epoch, uint64_t seq, struct location *ret)
{
    uint32_t messages[CANDIDATES_MAX];
    size_t n = core_find_id(b->core, id, messages, CANDIDATES_MAX);
    bool found = false;

    for (size_t i = 0; i < n; i++) {
        struct location l;
        if (!core_view(b->core, messages[i], b->now_us, &l.view))
            continue;
        if (has_origin && (l.view.epoch != epoch || l.view.seq != seq))
            continue;
        if (found && l.view.seq < ret->view.seq)
            continue;
        if (!broker_record(b, &l.view, &l.record) || !uuid_equal(&l.record.id, id) ||
            l.record.scope_len != scope_len || memcmp(l.record.scope, scope, scope_len) != 0)
            continue;
        *ret = l;
        found = true;
    }
    return found;
}

static void
located_send(struct broker *b, struct peer *peer, uint64_t query, const struct location *l)
{
    struct buf *h = send_header(b, l != NULL ? 6 : 2);

    mp_put_cstr(h, "query");
    mp_put_uint(h, query);
    mp_put_cstr(h, "state");
    if (l == NULL) {
        mp_put_cstr(h, "absent");
    } else {
        mp_put_cstr(h, l->view.state == MESSAGE_PARKED ? "dead" : "live");
        mp_put_cstr(h, "epoch");
        mp_put_uint(h, l->view.epoch);
        mp_put_cstr(h, "seq");
        mp_put_uint(h, l->view.seq);
        mp_put_cstr(h, "accepted_us");
        mp_put_int(h, l->record.accepted_us);
        mp_put_cstr(h, "attempts");
        mp_put_uint(h, l->view.attempt);
    }
    if (send_peer(b, peer, COMMAND_LOCATED, NULL) == MESSAGE_GONE)
        peer_lost(b, peer);
}

void
handle_LOCATE(struct broker *b, const struct sender *from, struct message *m)
{
    uint64_t query, epoch = 0, seq = 0;
    size_t header_size, id_len, scope_len;
    const uint8_t *header = message_frame(m, 2, &header_size), *id_bytes;
    const char *scope;
    struct uuid id;
    struct location l;

    if (!header_uint(m, "query", &query) || !header_bin(m, "id", &id_bytes, &id_len) ||
        id_len != sizeof(id.bytes) ||
        !mp_find_str(header, header_size, "scope", &scope, &scope_len)) {
        send_error(b, from, "header", "LOCATE needs query, scope, id");
        return;
    }
    memcpy(id.bytes, id_bytes, sizeof(id.bytes));
    bool has_origin = header_uint(m, "epoch", &epoch) && header_uint(m, "seq", &seq);
    bool found = message_locate(b, &id, scope, scope_len, has_origin, epoch, seq, &l);
    if (b->fatal == 0)
        located_send(b, from->peer, query, found ? &l : NULL);
}
