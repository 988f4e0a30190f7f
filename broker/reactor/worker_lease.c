/* PULL, EXTEND, RETURN: credit and leases. */
#include "broker/reactor/commands.h"

static bool
lease_read(const struct message *m, uint32_t *ret_lease)
{
    uint64_t lease;

    if (!header_uint(m, "lease", &lease) || lease > UINT32_MAX)
        return false;
    *ret_lease = (uint32_t)lease;
    return true;
}

void
handle_PULL(struct broker *b, const struct sender *from, struct message *m)
{
    uint64_t messages, bytes;

    if (!header_uint(m, "messages", &messages) || !header_uint(m, "bytes", &bytes) ||
        (messages > 0 && bytes == 0)) {
        send_error(b, from, "header", "PULL needs messages, bytes");
        return;
    }
    worker_pull(b, from->peer, messages, bytes);
}

/* Capped by what one message can carry and one report can name. */
void
worker_pull(struct broker *b, struct peer *worker, uint64_t messages, uint64_t bytes)
{
    if (messages > b->max_report_entries)
        messages = b->max_report_entries;
    if (bytes > PULL_BYTES_MAX)
        bytes = PULL_BYTES_MAX;
    core_worker_pull(b->core, worker->handle, (uint32_t)messages, bytes, b->now_us);
}

void
handle_EXTEND(struct broker *b, const struct sender *from, struct message *m)
{
    uint32_t lease;

    if (!lease_read(m, &lease))
        send_error(b, from, "header", "EXTEND needs lease");
    else if (!core_lease_extend(b->core, from->peer->handle, lease, b->now_us))
        send_error(b, from, "state", "no such lease");
}

void
handle_RETURN(struct broker *b, const struct sender *from, struct message *m)
{
    uint32_t lease;

    if (!lease_read(m, &lease))
        send_error(b, from, "header", "RETURN needs lease");
    else if (!core_lease_return(b->core, from->peer->handle, lease, b->now_us))
        send_error(b, from, "state", "no such lease");
    effects_run(b);
}
