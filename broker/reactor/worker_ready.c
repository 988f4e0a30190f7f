/* READY: a worker introduces itself for one service; BYE: it leaves. */
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "broker/reactor/commands.h"

struct introduction {
    char worker[PEER_TEXT_MAX], host[PEER_TEXT_MAX], version[PEER_TEXT_MAX];
    char service[RECORD_SERVICE_MAX + 1];
    uint64_t incarnation, pid;
    bool holds; /* who says nothing keeps its leases until they end */
};

static bool
introduction_read(const struct message *m, struct introduction *i)
{
    return header_text(m, "worker", i->worker, sizeof(i->worker)) &&
           header_uint(m, "incarnation", &i->incarnation) && i->incarnation != 0 &&
           header_text(m, "service", i->service, sizeof(i->service)) &&
           header_text(m, "host", i->host, sizeof(i->host)) && header_uint(m, "pid", &i->pid) &&
           header_text(m, "version", i->version, sizeof(i->version)) &&
           header_bool(m, "holds", true, &i->holds);
}

void
handle_READY(struct broker *b, const struct sender *from, struct message *m)
{
    struct introduction i;

    if (!introduction_read(m, &i)) {
        send_error(b, from, "header",
                   "READY needs worker, incarnation, service, host, pid, version; holds is a bool");
        return;
    }
    uint32_t service = core_service(b->core, i.service, strlen(i.service));
    if (service == CORE_NOBODY) {
        send_error(b, from, "state", "no such service can be made");
        return;
    }
    /* A connection that now speaks for another worker: the first one is gone. */
    if (from->peer != NULL &&
        (strcmp(from->peer->name, i.worker) != 0 || from->peer->incarnation != i.incarnation))
        peer_lost(b, from->peer);
    uint32_t handle =
        core_worker_ready(b->core, i.worker, strlen(i.worker), i.incarnation, service, b->now_us);
    effects_run(b); /* a replaced one goes first: it may have had the same handle */
    struct peer *peer = handle == CORE_NOBODY
                            ? NULL
                            : peers_bind(b->peers, PEER_WORKER, from->routing, from->routing_len,
                                         handle, i.incarnation, b->now_us);
    if (peer == NULL) {
        if (handle != CORE_NOBODY)
            core_worker_gone(b->core, handle, b->now_us);
        send_error(b, from, "state", "too many workers");
        return;
    }
    memcpy(peer->name, i.worker, sizeof(peer->name));
    memcpy(peer->host, i.host, sizeof(peer->host));
    memcpy(peer->version, i.version, sizeof(peer->version));
    peer->pid = i.pid;
    if (!i.holds) {
        core_worker_void(b->core, handle, b->now_us);
        effects_run(b);
    }
    log_event(EVENT_WORKER_READY, LOG_S("worker", peer->name), LOG_S("service", i.service),
              LOG_S("host", peer->host), LOG_U("pid", peer->pid));
    send_welcome(b, peer);
}

void
handle_BYE(struct broker *b, const struct sender *from, struct message *m)
{
    uint32_t handle = from->peer->handle;

    (void)m;
    log_event(EVENT_WORKER_BYE, LOG_S("worker", from->peer->name));
    peers_forget(b->peers, from->peer);
    held_forget(&b->held, handle);
    core_worker_bye(b->core, handle, b->now_us);
    effects_run(b);
}
