/* The connection's sockets and clocks. Nothing here blocks but link_deinit. */
#include "client/lib/link.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/error.h"
#include "schemas/wire/mp.h"

#define RECONNECT_MS 50
#define RECONNECT_MAX_MS 1000
#define HANDSHAKE_MS 3000
#define QUEUE_MESSAGES 10000 /* a fuse: credit keeps both sides far below */

static int
option_set(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof(value)) == 0 ? 0 : -errno;
}

static int
options_set(void *socket, int linger_ms)
{
    static const struct {
        int option, value;
    } options[] = {
        {ZMQ_IMMEDIATE, 1},
        {ZMQ_RECONNECT_IVL, RECONNECT_MS},
        {ZMQ_RECONNECT_IVL_MAX, RECONNECT_MAX_MS},
        {ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS},
        {ZMQ_SNDHWM, QUEUE_MESSAGES},
        {ZMQ_RCVHWM, QUEUE_MESSAGES},
    };
    int64_t message_max = LINK_MESSAGE_MAX;

    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        int r = option_set(socket, options[i].option, options[i].value);
        if (r < 0)
            return r;
    }
    if (zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &message_max, sizeof(message_max)) != 0)
        return -errno;
    return option_set(socket, ZMQ_LINGER, linger_ms);
}

static int
socket_watch(const struct link *l, void *socket)
{
    int zmq_fd;
    size_t size = sizeof(zmq_fd);
    struct epoll_event event = {.events = EPOLLIN};

    if (zmq_getsockopt(socket, ZMQ_FD, &zmq_fd, &size) != 0)
        return -errno;
    event.data.fd = zmq_fd;
    return epoll_ctl(l->fd, EPOLL_CTL_ADD, zmq_fd, &event) == 0 ? 0 : -errno;
}

static int
socket_open(struct link *l)
{
    void *socket = zmq_socket(l->context, ZMQ_DEALER);

    if (socket == NULL)
        return -errno;
    int r = options_set(socket, l->linger_ms);
    if (r == 0)
        r = socket_watch(l, socket);
    if (r == 0 && zmq_connect(socket, l->endpoint) != 0)
        r = -errno;
    if (r < 0) {
        zmq_close(socket);
        return r;
    }
    l->socket = socket;
    return 0;
}

/* A socket given up takes what it has not sent with it: all of that is sent again. Its fd is taken
 * out of the epoll set first; once closed, nobody may name it. */
static void
socket_close(struct link *l, int linger_ms)
{
    int zmq_fd;
    size_t size = sizeof(zmq_fd);

    if (l->socket == NULL)
        return;
    if (zmq_getsockopt(l->socket, ZMQ_FD, &zmq_fd, &size) == 0)
        epoll_ctl(l->fd, EPOLL_CTL_DEL, zmq_fd, NULL);
    option_set(l->socket, ZMQ_LINGER, linger_ms);
    zmq_close(l->socket);
    l->socket = NULL;
}

int
link_init(struct link *l, void *context, const char *endpoint, int linger_ms)
{
    *l = (struct link){
        .state = LINK_DOWN,
        .context = context,
        .owns_context = context == NULL,
        .linger_ms = linger_ms,
        .heartbeat_us = LINK_HEARTBEAT_US,
        .fd = epoll_create1(EPOLL_CLOEXEC),
    };
    if (l->fd < 0)
        return -errno;
    if (context == NULL)
        l->context = zmq_ctx_new();
    if (l->context == NULL) {
        close(l->fd);
        return -EMFILE;
    }
    l->endpoint = mem_strdup(endpoint);
    int r = socket_open(l);
    if (r < 0)
        link_deinit(l);
    return r;
}

void
link_deinit(struct link *l)
{
    socket_close(l, l->linger_ms);
    if (l->owns_context) {
        while (zmq_ctx_term(l->context) != 0 && errno == EINTR)
            ;
    }
    free(l->endpoint);
    if (l->fd >= 0)
        close(l->fd);
    *l = (struct link){.fd = -1};
}

/* Silence counts from the greeting on; without a connection libzmq goes on trying by itself. */
static bool
link_is_silent(const struct link *l, int64_t now_us)
{
    return l->state != LINK_DOWN && !l->readable &&
           now_us - l->heard_us > LINK_SILENT_INTERVALS * l->heartbeat_us;
}

static int
link_look_socket(struct link *l, int64_t now_us)
{
    int events;
    size_t size = sizeof(events);

    if (zmq_getsockopt(l->socket, ZMQ_EVENTS, &events, &size) != 0)
        return errno == EINTR ? LINK_QUIET : -errno;
    l->stirred = false;
    l->writable = (events & ZMQ_POLLOUT) != 0;
    l->readable = (events & ZMQ_POLLIN) != 0;
    if (l->state == LINK_DOWN && l->writable) {
        l->state = LINK_GREETING;
        l->heard_us = now_us;
        return LINK_OPENED;
    }
    /* What the lost connection still brought is worth reading first. */
    if (l->state != LINK_DOWN && !l->writable && !l->readable) {
        l->state = LINK_DOWN;
        return LINK_LOST;
    }
    return LINK_QUIET;
}

int
link_look(struct link *l, int64_t now_us)
{
    if (l->socket == NULL) { /* an attempt to open one failed: try again */
        int r = socket_open(l);
        if (r < 0)
            return r;
    }
    if (now_us - l->looked_us > 2 * l->heartbeat_us)
        l->heard_us += now_us - l->looked_us;
    l->looked_us = now_us;
    int r = link_look_socket(l, now_us);
    if (r != LINK_QUIET || !link_is_silent(l, now_us))
        return r;
    l->state = LINK_DOWN;
    l->readable = l->writable = false;
    l->heartbeat_us = LINK_HEARTBEAT_US;
    socket_close(l, 0);
    r = socket_open(l);
    return r < 0 ? r : LINK_SILENT;
}

int
link_receive(struct link *l, struct message *m, int64_t now_us)
{
    if (l->socket == NULL)
        return MESSAGE_NONE;
    l->stirred = true;
    int r = message_receive(l->socket, false, m);
    if (r == MESSAGE_OK)
        l->heard_us = now_us;
    return r;
}

int
link_send(struct link *l, uint8_t command, const struct buf *header, zmq_msg_t *bodies,
          unsigned n_bodies)
{
    if (l->socket == NULL)
        return MESSAGE_NONE;
    l->stirred = true;
    int r = message_send(l->socket, NULL, 0, command, header, bodies, n_bodies);
    if (r == MESSAGE_OK)
        l->sent_us = INT64_MAX; /* dated by the next link_beat */
    return r;
}

void
link_welcomed(struct link *l, int64_t heartbeat_us)
{
    l->state = LINK_UP;
    l->heartbeat_us = heartbeat_us;
}

void
link_reset(struct link *l)
{
    l->state = LINK_GREETING;
}

int64_t
link_beat(struct link *l, int64_t now_us)
{
    if (l->state == LINK_DOWN)
        return now_us + LINK_HEARTBEAT_US;
    if (l->sent_us == INT64_MAX)
        l->sent_us = now_us;
    if (now_us - l->sent_us >= l->heartbeat_us) {
        uint8_t empty[1] = {0x80}; /* {} */
        struct buf header = {.data = empty, .size = 1, .cap = 1, .ceiling = 1};
        if (link_send(l, COMMAND_HEARTBEAT, &header, NULL, 0) == MESSAGE_OK)
            l->sent_us = now_us;
    }
    int64_t silent_at = l->heard_us + LINK_SILENT_INTERVALS * l->heartbeat_us + 1;
    int64_t beat_at = l->sent_us + l->heartbeat_us;
    if (beat_at <= now_us) /* could not be sent: the silence will end this */
        beat_at = now_us + l->heartbeat_us;
    return beat_at < silent_at ? beat_at : silent_at;
}
