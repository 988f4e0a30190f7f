/* What the files of connection.h share: a connection's struct and its end. */
#ifndef SLUICE_EDGE_CONNECTION_INNER_H
#define SLUICE_EDGE_CONNECTION_INNER_H

#include "client/edge/connection.h"

#define PENDING_MAX (2 * EDGE_READ_BYTES)

enum connection_state {
    CONNECTION_IDLE,
    CONNECTION_READING,
    CONNECTION_WORKING,
    CONNECTION_WRITING,
    CONNECTION_STREAMING,
    CONNECTION_LINGERING,
    CONNECTION_CLOSING,
};

struct connection {
    uv_tcp_t tcp; /* first: the handle is the connection */
    struct edge *edge;
    struct connection *prev, *next;
    struct request *request; /* in work */
    struct http_reader reader;
    struct ticket ticket;
    struct buf pending; /* came behind the request in work */
    size_t discarded;   /* while lingering */
    enum connection_state state;
    uint8_t port; /* enum route_port */
    bool feeding, paused, ended;
    bool close_after, linger_after; /* once WRITING is done */
};

/* Marks it closed and tells the request in work; the memory goes when libuv is done with it. */
void connection_close(struct connection *c);
/* Reads on after a pause. */
void connection_resume(struct connection *c);

#endif
