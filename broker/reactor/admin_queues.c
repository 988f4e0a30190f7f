/* Verbs about who and what stands in line: queues, workers, clients, pause, resume, drain. */
#include <string.h>

#include "broker/reactor/admin.h"

enum admin_status
admin_queues(struct broker *b, const struct message *request, struct reply *reply)
{
    struct service_view v;

    (void)request;
    for (uint32_t s = 0; s < CORE_SERVICES_MAX; s++) {
        if (!core_service_view(b->core, s, b->now_us, &v))
            continue;
        struct buf *row = reply_row(reply, 12);
        row_text(row, "service", v.name);
        row_uint(row, "ready", v.ready);
        row_uint(row, "leased", v.leased);
        row_uint(row, "delayed", v.delayed);
        row_uint(row, "dead", v.parked);
        row_uint(row, "volatile", v.volatiles);
        row_uint(row, "oldest_us", (uint64_t)v.oldest_age_us);
        row_uint(row, "accepted", v.accepted);
        row_uint(row, "finished", v.finished);
        mp_put_cstr(row, "paused");
        mp_put_bool(row, v.paused);
        row_uint(row, "workers", v.workers);
        row_uint(row, "credit", v.credit);
    }
    return ADMIN_OK;
}

static const char *
worker_state(const struct worker_view *v)
{
    if (v->draining)
        return "draining";
    if (v->leases > 0)
        return "busy";
    return v->has_credit ? "idle" : "no-credit";
}

enum admin_status
admin_workers(struct broker *b, const struct message *request, struct reply *reply)
{
    struct service_view service;
    struct worker_view v;
    uint32_t cursor = 0;

    (void)request;
    for (struct peer *p; (p = peers_next(b->peers, &cursor)) != NULL;) {
        if (p->role != PEER_WORKER || !core_worker_view(b->core, p->handle, b->now_us, &v))
            continue;
        if (!core_service_view(b->core, v.service, b->now_us, &service))
            service.name = "";
        struct buf *row = reply_row(reply, 11);
        row_text(row, "worker", p->name);
        row_text(row, "service", service.name);
        row_text(row, "host", p->host);
        row_uint(row, "pid", p->pid);
        row_text(row, "version", p->version);
        row_text(row, "state", worker_state(&v));
        row_uint(row, "leases", v.leases);
        row_uint(row, "messages", v.messages);
        row_uint(row, "batches", v.batches);
        row_uint(row, "done", v.messages_done);
        row_uint(row, "last_heard_us", (uint64_t)v.heard_ago_us);
    }
    return ADMIN_OK;
}

enum admin_status
admin_clients(struct broker *b, const struct message *request, struct reply *reply)
{
    struct client_view v;
    uint32_t cursor = 0;

    (void)request;
    for (struct peer *p; (p = peers_next(b->peers, &cursor)) != NULL;) {
        if (p->role != PEER_CLIENT || !core_client_view(b->core, p->handle, b->now_us, &v))
            continue;
        struct buf *row = reply_row(reply, 5);
        row_uint(row, "incarnation", v.incarnation);
        row_text(row, "name", p->name);
        row_text(row, "version", p->version);
        row_uint(row, "in_flight", v.waiting);
        row_uint(row, "last_heard_us", (uint64_t)v.heard_ago_us);
    }
    return ADMIN_OK;
}

static enum admin_status
service_pause(struct broker *b, const struct message *request, struct reply *reply, bool paused)
{
    uint32_t service;

    if (!request_service(b, request, &service)) {
        reply->detail = "no such service";
        return ADMIN_NOT_FOUND;
    }
    if (service == CORE_NOBODY) {
        reply->detail = "service is missing";
        return ADMIN_BAD_ARGUMENT;
    }
    core_service_pause(b->core, service, paused);
    return ADMIN_OK;
}

enum admin_status
admin_pause(struct broker *b, const struct message *request, struct reply *reply)
{
    return service_pause(b, request, reply, true);
}

enum admin_status
admin_resume(struct broker *b, const struct message *request, struct reply *reply)
{
    return service_pause(b, request, reply, false);
}

enum admin_status
admin_drain(struct broker *b, const struct message *request, struct reply *reply)
{
    char name[PEER_TEXT_MAX];
    uint32_t cursor = 0;

    if (!header_text(request, "worker", name, sizeof(name))) {
        reply->detail = "worker is missing";
        return ADMIN_BAD_ARGUMENT;
    }
    for (struct peer *p; (p = peers_next(b->peers, &cursor)) != NULL;) {
        if (p->role != PEER_WORKER || strcmp(p->name, name) != 0)
            continue;
        core_worker_drain(b->core, p->handle);
        return ADMIN_OK;
    }
    reply->detail = "no such worker";
    return ADMIN_NOT_FOUND;
}
