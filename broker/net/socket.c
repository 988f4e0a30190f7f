/* Making and closing the ROUTERs. The mode of an ipc socket comes from the umask at bind, so that
 * it is never open for longer than the mode says. */
#include "broker/net/socket.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <zmq.h>

#include "base/error.h"

#define SEND_FUSE 64 /* messages queued for one peer */
#define RECEIVE_FUSE                                                                               \
    32 /* messages of one peer not yet read: bounds what a hostile one makes us hold */
#define HANDSHAKE_MS 3000
#define BACKLOG 1024

static void
option_set(void *socket, int option, int value)
{
    int r = zmq_setsockopt(socket, option, &value, sizeof(value));
    sluice_assert(r == 0);
}

static int
router_open(void *context, const struct socket_options *options, mode_t mask, void **ret_router)
{
    void *socket = zmq_socket(context, ZMQ_ROUTER);

    if (socket == NULL)
        return -errno;
    option_set(socket, ZMQ_ROUTER_MANDATORY, 1);
    option_set(socket, ZMQ_LINGER, 0);
    option_set(socket, ZMQ_SNDHWM, SEND_FUSE);
    option_set(socket, ZMQ_RCVHWM, RECEIVE_FUSE);
    option_set(socket, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS);
    option_set(socket, ZMQ_HEARTBEAT_IVL, 0); /* libzmq's own can abort the process (traps.md) */
    option_set(socket, ZMQ_BACKLOG, BACKLOG);
    int r = zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &options->max_message_bytes,
                           sizeof(options->max_message_bytes));
    sluice_assert(r == 0);

    mode_t before = umask(mask);
    r = zmq_bind(socket, options->address) < 0 ? -errno : 0;
    umask(before);
    if (r < 0) {
        zmq_close(socket);
        return r;
    }
    *ret_router = socket;
    return 0;
}

static int
socket_fd(void *socket)
{
    int fd;
    size_t size = sizeof(fd);

    int r = zmq_getsockopt(socket, ZMQ_FD, &fd, &size);
    sluice_assert(r == 0);
    return fd;
}

int
sockets_open(struct sockets *s, const struct socket_options options[ENDPOINTS],
             const char **ret_failed)
{
    *s = (struct sockets){.context = zmq_ctx_new()};
    if (s->context == NULL)
        return -errno;
    for (int e = 0; e < ENDPOINTS; e++) {
        mode_t mask = e == ENDPOINT_ADMIN ? 0177 : 0117;
        int r = router_open(s->context, &options[e], mask, &s->router[e]);
        if (r < 0) {
            *ret_failed = options[e].address;
            sockets_close(s, 0);
            return r;
        }
        s->fd[e] = socket_fd(s->router[e]);
        s->stirred[e] = true;
    }
    return 0;
}

bool
socket_has_input(struct sockets *s, enum endpoint e)
{
    int events = 0;
    size_t size = sizeof(events);

    if (s->stirred[e] && zmq_getsockopt(s->router[e], ZMQ_EVENTS, &events, &size) == 0)
        s->stirred[e] = (events & ZMQ_POLLIN) != 0;
    return s->stirred[e];
}

void
sockets_close(struct sockets *s, int linger_ms)
{
    for (int e = 0; e < ENDPOINTS; e++) {
        if (s->router[e] == NULL)
            continue;
        option_set(s->router[e], ZMQ_LINGER, linger_ms);
        zmq_close(s->router[e]);
        s->router[e] = NULL;
    }
    if (s->context != NULL)
        zmq_ctx_term(s->context);
    s->context = NULL;
}
