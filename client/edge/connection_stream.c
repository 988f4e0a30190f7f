/* An answer without an end: what can't be written at once is copied and queued, up to a bound. What
 * the client sends meanwhile is thrown away. */
#include "client/edge/connection_inner.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "client/edge/request.h"

/* A piece that could not be written at once. */
struct piece {
    uv_write_t write;
    struct connection *connection;
    uint8_t data[];
};

static void
on_piece_written(uv_write_t *write, int status)
{
    struct piece *p = write->data;
    struct connection *c = p->connection;

    free(p);
    if (c->state != CONNECTION_STREAMING)
        return;
    c->edge->now_us = clock_mono_us();
    if (status < 0)
        connection_close(c);
}

size_t
connection_stream_pending(const struct connection *c)
{
    return uv_stream_get_write_queue_size((const uv_stream_t *)&c->tcp);
}

bool
connection_stream_send(struct connection *c, const uint8_t *data, size_t size)
{
    uv_stream_t *stream = (uv_stream_t *)&c->tcp;
    uv_buf_t buf = {.base = (char *)data, .len = size};
    int n = 0;

    sluice_assert(c->state == CONNECTION_STREAMING);
    if (connection_stream_pending(c) == 0)
        n = uv_try_write(stream, &buf, 1);
    if (n < 0 && n != UV_EAGAIN)
        return false;
    size_t done = n > 0 ? (size_t)n : 0, left = size - done;
    if (left == 0)
        return true;
    if (connection_stream_pending(c) + left > CONNECTION_STREAM_PENDING_MAX)
        return false;
    struct piece *p = mem_new(1, sizeof(*p) + left);
    memcpy(p->data, data + done, left);
    p->write.data = p;
    p->connection = c;
    uv_buf_t rest = {.base = (char *)p->data, .len = left};
    if (uv_write(&p->write, stream, &rest, 1, on_piece_written) == 0)
        return true;
    free(p);
    return false;
}

bool
connection_stream_begin(struct connection *c, const struct buf *head)
{
    sluice_assert(c->state == CONNECTION_WORKING);
    c->state = CONNECTION_STREAMING;
    buf_trim(&c->pending, 0);
    if (!c->feeding) /* else the feeder goes on by itself */
        connection_resume(c);
    return connection_stream_send(c, head->data, head->size);
}

void
connection_cut(struct connection *c)
{
    connection_close(c);
}
