/* Asking and opening; what is asked and what becomes of the reply is the caller's. */
#include "client/edge/question.h"

#include <string.h>

#include "base/clock.h"
#include "client/edge/edge.h"
#include "client/edge/request.h"

bool
question_ask(struct request *q, struct question *x, const uint8_t *plain, size_t size)
{
    struct edge *e = q->edge;
    struct seal_context ctx = {.service = QUESTION_SERVICE,
                               .service_len = sizeof(QUESTION_SERVICE) - 1,
                               .scope = x->scope,
                               .scope_len = strlen(x->scope)};
    uint8_t *body;

    struct broker *b = x->brokers_tried < e->brokers.n ? brokers_next(&e->brokers) : NULL;
    x->brokers_tried++;
    if (b == NULL)
        return false;
    uuid_random(&ctx.id);
    x->id = ctx.id;
    struct sluice_message message = {.flags = SLUICE_VOLATILE,
                                     .service = ctx.service,
                                     .service_len = ctx.service_len,
                                     .scope = ctx.scope,
                                     .scope_len = ctx.scope_len,
                                     .received_us = clock_wall_us(),
                                     .body_bytes = size + SEAL_OVERHEAD_BYTES};
    memcpy(message.id, ctx.id.bytes, sizeof(message.id));
    if (broker_reserve(b, &message, q, &body, &q->counter) != SLUICE_OK)
        return false;
    seal_close(e->seal_keys, &ctx, plain, size, body);
    return true;
}

bool
question_open(const struct edge *e, const struct question *x, const uint8_t *sealed, size_t size,
              struct buf *plain)
{
    struct seal_context ctx = {.service = QUESTION_REPLY_SERVICE,
                               .service_len = sizeof(QUESTION_REPLY_SERVICE) - 1,
                               .scope = x->scope,
                               .scope_len = strlen(x->scope),
                               .id = x->id};

    return seal_open(e->seal_keys, &ctx, sealed, size, plain) == SEAL_OK &&
           mp_check(plain->data, plain->size, QUESTION_NODES_MAX) == MP_OK;
}
