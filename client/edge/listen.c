/* Listening sockets. libuv 1.44 knows no SO_REUSEPORT, so the socket is made here. */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "client/edge/connection.h"
#include "client/edge/loop.h"

#define BACKLOG 4096

static void
on_connection(uv_stream_t *stream, int status)
{
    struct listener *l = stream->data;

    if (status < 0)
        return;
    l->edge->now_us = clock_mono_us();
    connection_accept(l->edge, stream, l->port);
}

/* "ADDRESS:PORT", "[V6]:PORT" or ":PORT" in two strings. */
static bool
where_split(const char *where, char host[200], char port[16])
{
    const char *colon = strrchr(where, ':');

    if (colon == NULL || colon[1] == '\0' || strlen(colon + 1) > 5)
        return false;
    size_t len = (size_t)(colon - where);
    if (len >= 2 && *where == '[' && where[len - 1] == ']') {
        where++;
        len -= 2;
    }
    if (len >= 200)
        return false;
    memcpy(host, where, len);
    host[len] = '\0';
    snprintf(port, 16, "%s", colon + 1);
    return true;
}

/* A bound socket, or a negative errno. */
static int
socket_bind(const struct addrinfo *a)
{
    int on = 1, fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -errno;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) < 0 ||
        bind(fd, a->ai_addr, a->ai_addrlen) < 0) {
        int r = -errno;
        close(fd);
        return r;
    }
    return fd;
}

static int
why_set(char **ret_why, const char *where, const char *why)
{
    if (asprintf(ret_why, "%s: %s", where, why) < 0)
        *ret_why = mem_strdup(why);
    return 1;
}

int
loop_listen(struct edge_loop *loop, const char *where, enum route_port port, char **ret_why)
{
    struct listener *l = &loop->listeners[loop->n_listeners];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    char host[200], service[16];

    sluice_assert(loop->n_listeners < LISTENERS_MAX);
    if (!where_split(where, host, service))
        return why_set(ret_why, where, "not ADDRESS:PORT");
    int r = getaddrinfo(*host != '\0' ? host : NULL, service, &hints, &found);
    if (r != 0)
        return why_set(ret_why, where, gai_strerror(r));
    int fd = socket_bind(found);
    freeaddrinfo(found);
    if (fd < 0)
        return why_set(ret_why, where, strerror(-fd));

    uv_tcp_init(loop->edge->loop, &l->tcp);
    r = uv_tcp_open(&l->tcp, fd);
    if (r < 0) {
        close(fd);
        return why_set(ret_why, where, uv_strerror(r));
    }
    l->tcp.data = l;
    l->edge = loop->edge;
    l->port = port;
    loop->n_listeners++;
    r = uv_listen((uv_stream_t *)&l->tcp, BACKLOG, on_connection);
    return r < 0 ? why_set(ret_why, where, uv_strerror(r)) : 0;
}
