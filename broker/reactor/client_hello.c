/* HELLO: a client introduces its incarnation; the connection it came on gets its answers from now
 * on. */
#include <string.h>

#include "broker/reactor/commands.h"

void
handle_HELLO(struct broker *b, const struct sender *from, struct message *m)
{
    uint64_t incarnation;
    char name[PEER_TEXT_MAX], version[PEER_TEXT_MAX];

    if (!header_uint(m, "incarnation", &incarnation) || incarnation == 0 ||
        !header_text(m, "name", name, sizeof(name)) ||
        !header_text(m, "version", version, sizeof(version))) {
        send_error(b, from, "header", "HELLO needs incarnation, name, version");
        return;
    }
    peers_forget_silent(b); /* so that core and we forget the same ones */
    uint32_t handle = core_client_hello(b->core, incarnation, b->now_us);
    effects_run(b);
    struct peer *peer = handle == CORE_NOBODY
                            ? NULL
                            : peers_bind(b->peers, PEER_CLIENT, from->routing, from->routing_len,
                                         handle, incarnation, b->now_us);
    if (peer == NULL) {
        send_error(b, from, "state", "too many clients");
        return;
    }
    memcpy(peer->name, name, sizeof(name));
    memcpy(peer->version, version, sizeof(version));
    send_welcome(b, peer);
}
