/* Reading and routing: a table from command to handler, made of commands.def. */
#include "broker/reactor/commands.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "schemas/wire/mp.h"

#define ON_client (1u << ENDPOINT_CLIENT)
#define ON_worker (1u << ENDPOINT_WORKER)
#define ON_admin (1u << ENDPOINT_ADMIN)
#define ON_inner (ON_worker | ON_admin)
#define ON_any (ON_client | ON_worker | ON_admin)

#define HANDLER_up(NAME) handle_##NAME
#define HANDLER_both(NAME) handle_##NAME
#define HANDLER_down(NAME) NULL

static const struct {
    command_fn *run; /* NULL: not for the broker */
    unsigned endpoints;
} commands[UINT8_MAX + 1] = {
#define COMMAND(NAME, code, text, endpoint, direction, meaning)                                    \
    [code] = {HANDLER_##direction(NAME), ON_##endpoint},
#include "schemas/wire/commands.def"
#undef COMMAND
};

static const enum peer_role endpoint_roles[] = {
    [ENDPOINT_CLIENT] = PEER_CLIENT, [ENDPOINT_WORKER] = PEER_WORKER};

bool
header_uint(const struct message *m, const char *key, uint64_t *ret)
{
    size_t size;
    const uint8_t *header = message_frame(m, 2, &size);

    return mp_find_uint(header, size, key, ret);
}

bool
header_bool(const struct message *m, const char *key, bool absent, bool *ret)
{
    size_t size;
    const uint8_t *header = message_frame(m, 2, &size);
    struct mp_value value;
    struct mp_cursor inside;

    *ret = absent;
    if (!mp_find(header, size, key, &value, &inside))
        return true;
    *ret = value.type == MP_BOOL && value.boolean;
    return value.type == MP_BOOL;
}

bool
header_text(const struct message *m, const char *key, char *ret_text, size_t size)
{
    size_t header_size, len;
    const uint8_t *header = message_frame(m, 2, &header_size);
    const char *text;

    if (!mp_find_str(header, header_size, key, &text, &len) || len == 0 || len >= size)
        return false;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return false;
    memcpy(ret_text, text, len);
    ret_text[len] = '\0';
    return true;
}

bool
header_bin(const struct message *m, const char *key, const uint8_t **ret, size_t *ret_len)
{
    size_t size;
    const uint8_t *header = message_frame(m, 2, &size);
    struct mp_value value;
    struct mp_cursor inside;

    if (!mp_find(header, size, key, &value, &inside) || value.type != MP_BIN)
        return false;
    *ret = value.at;
    *ret_len = value.len;
    return true;
}

void
handle_HEARTBEAT(struct broker *b, const struct sender *from, struct message *m)
{
    (void)m;
    /* Clients and workers were heard by being here. An admin has no state: it is answered at once.
     */
    if (from->endpoint == ENDPOINT_ADMIN)
        send_message(b, from->endpoint, from->routing, from->routing_len, COMMAND_HEARTBEAT,
                     send_header(b, 0), NULL, 0);
}

static bool
introduces(uint8_t command)
{
    return command == COMMAND_HELLO || command == COMMAND_READY || command == COMMAND_REQUEST;
}

static void
message_handle(struct broker *b, enum endpoint e, struct message *m)
{
    struct sender from = {
        .endpoint = e, .routing = zmq_msg_data(&m->peer), .routing_len = zmq_msg_size(&m->peer)};
    command_fn *run = commands[m->command].run;

    if (run == NULL || (commands[m->command].endpoints & 1u << e) == 0) {
        send_error(b, &from, "command", "not for this endpoint");
        return;
    }
    if (e != ENDPOINT_ADMIN)
        from.peer = peers_find(b->peers, endpoint_roles[e], from.routing, from.routing_len);
    if (from.peer == NULL && e != ENDPOINT_ADMIN && !introduces(m->command)) {
        send_reset(b, &from);
        return;
    }
    if (from.peer != NULL) {
        from.peer->heard_us = b->now_us;
        if (e == ENDPOINT_CLIENT)
            core_client_heard(b->core, from.peer->handle, b->now_us);
        else
            core_worker_heard(b->core, from.peer->handle, b->now_us);
    }
    run(b, &from, m);
}

static void
garbage_answer(struct broker *b, enum endpoint e, struct message *m)
{
    struct sender from = {
        .endpoint = e, .routing = zmq_msg_data(&m->peer), .routing_len = zmq_msg_size(&m->peer)};
    bool version = m->fault != NULL && strcmp(m->fault, "version") == 0;

    if (m->has_peer)
        send_error(b, &from, m->fault != NULL ? m->fault : "header",
                   version ? "versions: 1" : "malformed");
}

bool
commands_drain(struct broker *b, enum endpoint e, unsigned max_messages)
{
    struct message m;
    bool more = true;

    if (!b->sockets.stirred[e])
        return false;
    message_init(&m);
    for (unsigned i = 0; i < max_messages && more && b->fatal == 0; i++) {
        int r = message_receive(b->sockets.router[e], true, &m);
        switch (r) {
        case MESSAGE_OK:
            metrics_add(&b->metrics, METRIC_RECEIVED, 1);
            message_handle(b, e, &m);
            break;
        case MESSAGE_BAD:
            metrics_add(&b->metrics, METRIC_RECEIVED, 1);
            garbage_answer(b, e, &m);
            break;
        case MESSAGE_NONE:
            b->sockets.stirred[e] = false;
            more = false;
            break;
        default:
            broker_fail(b, EXIT_BUG, strerror(-r));
            break;
        }
        if (e == ENDPOINT_CLIENT && b->submit.active)
            break; /* the journal's writer is behind: push back */
    }
    message_clear(&m);
    return more;
}
