/* The life of a connection. Nothing is freed while a callback of it runs: closing only marks, and
 * libuv calls back when the handle is gone. */
#include "client/edge/connection_inner.h"

#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/error.h"
#include "client/edge/dispatch.h"
#include "client/edge/message_pool.h"
#include "client/edge/request.h"

#define LINGER_BYTES_MAX ((size_t)4 << 20)

/* What could not be written at once. */
struct tail {
    uv_write_t write;
    struct connection *connection;
    uint8_t data[];
};

static void connection_feed(struct connection *c, const uint8_t *data, size_t size);
static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf);
static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf);

/* ---- closing -----------------------------------------------------------------------------------
 */

static void
on_closed(uv_handle_t *handle)
{
    struct connection *c = handle->data;
    struct edge *e = c->edge;

    if (c->prev != NULL)
        c->prev->next = c->next;
    else
        e->connections = c->next;
    if (c->next != NULL)
        c->next->prev = c->prev;
    limit_give(&e->open);
    free(c);
}

void
connection_close(struct connection *c)
{
    struct request *q = c->request;

    if (c->state == CONNECTION_CLOSING)
        return;
    c->state = CONNECTION_CLOSING;
    ticket_stop(&c->ticket);
    if (!c->feeding) /* else the feeder gives it back: the handler may still look at it */
        message_give(c->edge, &c->reader.message);
    buf_deinit(&c->pending);
    c->request = NULL;
    uv_close((uv_handle_t *)&c->tcp, on_closed);
    if (q != NULL) {
        metric_add(&c->edge->metrics, METRIC_ABANDONED, 1);
        q->connection = NULL;
        ticket_stop(&q->ticket);
        sluice_assert(q->kind != NULL);
        q->kind->abandoned(q);
    }
}

/* Says that no more comes and reads on for a while: closing with unread input would make the
 * kernel reset the connection and the answer might be lost. */
static void
connection_linger(struct connection *c)
{
    uv_os_fd_t fd;

    c->state = CONNECTION_LINGERING;
    ticket_start(&c->edge->lingering, &c->ticket, c->edge->now_us);
    buf_trim(&c->pending, 0);
    if (uv_fileno((uv_handle_t *)&c->tcp, &fd) == 0)
        shutdown(fd, SHUT_WR);
    if (c->paused) {
        c->paused = false;
        uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read);
    }
}

/* ---- writing -----------------------------------------------------------------------------------
 */

/* The answer is out. */
static void
connection_answered(struct connection *c)
{
    if (c->linger_after && !c->ended) {
        connection_linger(c);
        return;
    }
    if (c->close_after || (c->edge->draining && !c->feeding)) {
        connection_close(c);
        return;
    }
    c->state = CONNECTION_IDLE;
    ticket_start(&c->edge->idle, &c->ticket, c->edge->now_us);
    if (c->feeding)
        return; /* the feeder goes on by itself */
    if (c->pending.size > 0) {
        struct buf pending = c->pending;
        buf_init(&c->pending, PENDING_MAX);
        connection_feed(c, pending.data, pending.size);
        buf_deinit(&pending);
    } else {
        connection_resume(c); /* what was kept ended with the request just answered */
    }
    /* What is left of a request whose sender has ended will never be whole. */
    if (c->ended && (c->state == CONNECTION_IDLE || c->state == CONNECTION_READING))
        connection_close(c);
}

static void
on_written(uv_write_t *write, int status)
{
    struct tail *t = write->data;
    struct connection *c = t->connection;

    free(t);
    if (c->state != CONNECTION_WRITING)
        return;
    c->edge->now_us = clock_mono_us();
    if (status < 0)
        connection_close(c);
    else
        connection_answered(c);
}

/* Writes what it can now. Returns true if that was all; else the rest is under way, or it failed
 * and the connection is closing. */
static bool
connection_write(struct connection *c, const struct buf *bytes)
{
    uv_stream_t *stream = (uv_stream_t *)&c->tcp;
    uv_buf_t buf = {.base = (char *)bytes->data, .len = bytes->size};

    int n = uv_try_write(stream, &buf, 1);
    if (n < 0 && n != UV_EAGAIN) {
        connection_close(c);
        return false;
    }
    size_t done = n > 0 ? (size_t)n : 0, left = bytes->size - done;
    if (left == 0)
        return true;

    struct tail *t = mem_new(1, sizeof(*t) + left);
    memcpy(t->data, bytes->data + done, left);
    t->write.data = t;
    t->connection = c;
    uv_buf_t rest = {.base = (char *)t->data, .len = left};
    if (uv_write(&t->write, stream, &rest, 1, on_written) < 0) {
        free(t);
        connection_close(c);
        return false;
    }
    c->state = CONNECTION_WRITING;
    ticket_start(&c->edge->reading, &c->ticket, c->edge->now_us);
    return false;
}

void
connection_answer(struct connection *c, const struct buf *bytes, bool close, bool lingers)
{
    c->request = NULL;
    c->close_after = close;
    c->linger_after = lingers;
    if (connection_write(c, bytes))
        connection_answered(c);
}

/* ---- reading -----------------------------------------------------------------------------------
 */

/* Answers a request that is not read to its end, and closes. */
static void
connection_refuse(struct connection *c, enum problem p, const struct route_match *match)
{
    struct request *q = request_new(c->edge, c, c->reader.message);

    metric_add(&c->edge->metrics, METRIC_REQUESTS, 1);
    ticket_stop(&c->ticket);
    c->state = CONNECTION_WORKING;
    c->request = q;
    q->keep_alive = false;
    q->lingers = true;
    dispatch_refuse(q, p, match);
    request_free(q);
}

/* What the head says, found once while one piece of input is fed: most requests come in one. */
struct look {
    bool taken;
    enum problem problem;
    struct route_match match;
};

static void
connection_look(struct connection *c, struct look *look)
{
    if (!look->taken)
        look->problem = dispatch_look(c->edge, c->reader.message, c->port, &look->match);
    look->taken = true;
}

/* The head is there and a body follows: is it worth reading? */
static void
connection_head_came(struct connection *c, bool body_begun, struct look *look)
{
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct http_message *m = c->reader.message;
    size_t len;
    bool expects = http_header(m, HTTP_HEADER_EXPECT, &len) != NULL && m->minor == 1;

    connection_look(c, look);
    if (look->problem == PROBLEM_NONE) {
        m->discards = look->match.route == NULL || !route_takes_body(look->match.route);
        if (expects && !body_begun) {
            uv_buf_t buf = {.base = (char *)go_on, .len = sizeof(go_on) - 1};
            if (uv_try_write((uv_stream_t *)&c->tcp, &buf, 1) != (int)buf.len)
                connection_close(c);
        }
    } else if (!expects && !m->chunked && m->content_length <= DISPATCH_DISCARD_MAX) {
        m->discards = true; /* cheap to read; the connection can stay */
    } else {
        connection_refuse(c, look->problem, &look->match);
    }
}

static void
connection_request_came(struct connection *c, struct look *look)
{
    struct http_message *m = c->reader.message;
    struct request *q = request_new(c->edge, c, m);

    metric_add(&c->edge->metrics, METRIC_REQUESTS, 1);
    ticket_stop(&c->ticket);
    c->state = CONNECTION_WORKING;
    c->request = q;
    connection_look(c, look);
    dispatch_run(q, m, look->problem, &look->match);
    look->taken = false;
    message_give(c->edge, &c->reader.message);
}

static void
connection_pause(struct connection *c)
{
    if (!c->paused) {
        c->paused = true;
        uv_read_stop((uv_stream_t *)&c->tcp);
    }
}

void
connection_resume(struct connection *c)
{
    if (c->paused && !c->ended) {
        c->paused = false;
        uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read);
    }
}

/* One step of the reader. Returns the bytes used. */
static size_t
connection_step(struct connection *c, const uint8_t *data, size_t size, struct look *look)
{
    struct edge *e = c->edge;
    size_t used = 0;

    if (c->state == CONNECTION_IDLE) {
        http_reader_begin(&c->reader, message_take(e), e->max_body_bytes);
        c->state = CONNECTION_READING;
        ticket_start(&e->reading, &c->ticket, e->now_us);
    }
    switch (http_reader_feed(&c->reader, data, size, &used)) {
    case HTTP_FEED_MORE:
        break;
    case HTTP_FEED_HEAD:
        connection_head_came(c, used < size, look);
        break;
    case HTTP_FEED_DONE:
        connection_request_came(c, look);
        break;
    case HTTP_FEED_BAD: {
        struct route_match none = {0};
        connection_refuse(c, c->reader.message->wrong, &none);
        break;
    }
    }
    return used;
}

static void
connection_feed(struct connection *c, const uint8_t *data, size_t size)
{
    struct look look;

    look.taken = false;
    c->feeding = true;
    while (size > 0 && (c->state == CONNECTION_IDLE || c->state == CONNECTION_READING)) {
        size_t used = connection_step(c, data, size, &look);
        data += used;
        size -= used;
    }
    c->feeding = false;
    switch (c->state) {
    case CONNECTION_READING:
        http_reader_settle(&c->reader);
        connection_resume(c);
        break;
    case CONNECTION_IDLE:
        connection_resume(c);
        break;
    case CONNECTION_WORKING:
    case CONNECTION_WRITING:
        message_give(c->edge, &c->reader.message);
        /* Reading stops before the bound can be passed by one more read. */
        if (size > 0)
            buf_append(&c->pending, data, size);
        if (c->pending.size > PENDING_MAX - EDGE_READ_BYTES)
            connection_pause(c);
        break;
    case CONNECTION_STREAMING:
        connection_resume(c);
        message_give(c->edge, &c->reader.message);
        break;
    case CONNECTION_LINGERING:
    case CONNECTION_CLOSING:
        message_give(c->edge, &c->reader.message);
        break;
    }
}

static void
on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct connection *c = handle->data;

    (void)suggested;
    buf->base = (char *)c->edge->scratch.read;
    buf->len = sizeof(c->edge->scratch.read);
}

/* No more comes. What is in work is answered; the rest of a request will never be there. */
static void
connection_end(struct connection *c)
{
    c->ended = true;
    uv_read_stop((uv_stream_t *)&c->tcp);
    if (c->state == CONNECTION_WORKING || c->state == CONNECTION_WRITING)
        c->close_after = true;
    else
        connection_close(c);
}

static void
on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct connection *c = stream->data;

    if (n == 0)
        return;
    c->edge->now_us = clock_mono_us();
    if (n == UV_EOF) {
        connection_end(c);
    } else if (n < 0) {
        connection_close(c);
    } else if (c->state == CONNECTION_STREAMING) {
        return; /* nothing can be asked for behind an answer without an end */
    } else if (c->state == CONNECTION_LINGERING) {
        c->discarded += (size_t)n;
        if (c->discarded > LINGER_BYTES_MAX)
            connection_close(c);
    } else if (c->state == CONNECTION_WORKING || c->state == CONNECTION_WRITING) {
        buf_append(&c->pending, buf->base, (size_t)n);
        if (c->pending.size > PENDING_MAX - EDGE_READ_BYTES)
            connection_pause(c);
    } else {
        connection_feed(c, (const uint8_t *)buf->base, (size_t)n);
    }
}

/* ---- coming and going --------------------------------------------------------------------------
 */

static void
on_surplus_closed(uv_handle_t *handle)
{
    free(handle);
}

void
connection_accept(struct edge *e, uv_stream_t *listener, enum route_port port)
{
    struct connection *c = mem_new(1, sizeof(*c));
    bool room = limit_take(&e->open);

    uv_tcp_init(e->loop, &c->tcp);
    c->tcp.data = c;
    int r = uv_accept(listener, (uv_stream_t *)&c->tcp);
    if (r < 0 || !room) {
        if (room)
            limit_give(&e->open);
        else
            metric_add(&e->metrics, METRIC_CONNECTIONS_REFUSED, 1);
        uv_close((uv_handle_t *)&c->tcp, on_surplus_closed);
        return;
    }
    metric_add(&e->metrics, METRIC_CONNECTIONS_TOTAL, 1);
    c->edge = e;
    c->port = (uint8_t)port;
    buf_init(&c->pending, PENDING_MAX);
    http_reader_init(&c->reader);
    c->next = e->connections;
    if (c->next != NULL)
        c->next->prev = c;
    e->connections = c;
    uv_tcp_nodelay(&c->tcp, 1);
    ticket_start(&e->idle, &c->ticket, e->now_us);
    uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read);
}

static struct connection *
connection_of(struct ticket *t)
{
    return (struct connection *)(void *)((char *)t - offsetof(struct connection, ticket));
}

void
connections_expire(struct edge *e)
{
    static const struct route_match none;
    struct ticket *t;

    while ((t = ticket_pop_due(&e->idle, e->now_us)) != NULL) {
        metric_add(&e->metrics, METRIC_TIMEOUTS, 1);
        connection_close(connection_of(t));
    }
    while ((t = ticket_pop_due(&e->reading, e->now_us)) != NULL) {
        struct connection *c = connection_of(t);
        metric_add(&e->metrics, METRIC_TIMEOUTS, 1);
        if (c->state == CONNECTION_READING)
            connection_refuse(c, PROBLEM_TIMEOUT, &none);
        else
            connection_close(c);
        if (c->state != CONNECTION_READING)
            message_give(c->edge, &c->reader.message);
    }
    while ((t = ticket_pop_due(&e->lingering, e->now_us)) != NULL)
        connection_close(connection_of(t));
}

void
connections_drain(struct edge *e)
{
    for (struct connection *c = e->connections; c != NULL; c = c->next)
        if (c->state == CONNECTION_IDLE || c->state == CONNECTION_STREAMING)
            connection_close(c);
}

void
connections_stop(struct edge *e)
{
    for (struct connection *c = e->connections; c != NULL; c = c->next)
        connection_close(c);
}
