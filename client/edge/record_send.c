/* Also a broker that is lost only just is given records: they wait for it to come back. */
#include "client/edge/record_send.h"

#include <string.h>

#include "client/edge/submission_wait.h"

enum problem
record_send(struct request *q, const struct record_target *to, const struct buf *plain)
{
    struct edge *e = q->edge;
    struct seal_context ctx = {.service = to->service,
                               .service_len = strlen(to->service),
                               .scope = to->scope,
                               .scope_len = to->scope_len,
                               .id = to->id};
    struct sluice_message message = {.flags = submission_wait_is_async(q) ? SLUICE_ACCEPT_NOW : 0,
                                     .service = ctx.service,
                                     .service_len = ctx.service_len,
                                     .scope = ctx.scope,
                                     .scope_len = ctx.scope_len,
                                     .received_us = q->received_us,
                                     .body_bytes = plain->size + SEAL_OVERHEAD_BYTES};
    uint8_t *body;

    struct broker *b = brokers_next_or_lost(&e->brokers);
    if (b == NULL)
        return PROBLEM_UNAVAILABLE;
    memcpy(message.id, to->id.bytes, sizeof(message.id));
    switch (broker_reserve(b, &message, q, &body, &q->counter)) {
    case SLUICE_OK:
        break;
    case SLUICE_TOO_LARGE:
        return PROBLEM_TOO_LARGE;
    default:
        return PROBLEM_UNAVAILABLE;
    }
    seal_close(e->seal_keys, &ctx, plain->data, plain->size, body);
    return PROBLEM_NONE;
}
