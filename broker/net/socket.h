/* The three ROUTER sockets: client, worker, admin. Options of traps.md; raw libzmq.
 *
 * A send never blocks: the peer's queue full or the peer gone are ordinary outcomes. The high-water
 * marks are fuses; credit (windows, pulls) keeps peers below them. */
#ifndef SLUICE_BROKER_NET_SOCKET_H
#define SLUICE_BROKER_NET_SOCKET_H

#include <stddef.h>
#include <stdint.h>

enum endpoint { ENDPOINT_CLIENT, ENDPOINT_WORKER, ENDPOINT_ADMIN, ENDPOINTS };

struct socket_options {
    const char *address;       /* ipc://… or tcp://… */
    int64_t max_message_bytes; /* larger frames end the connection */
};

struct sockets {
    void *context;
    void *router[ENDPOINTS];
};

/* Binds all three; ipc socket files get mode 0660, admin's 0600. Returns 0 or negative errno, then
 * *ret_failed is the address that could not be bound. */
int sockets_open(struct sockets *s, const struct socket_options options[ENDPOINTS],
                 const char **ret_failed);
/* Closes; what was handed to a connection before has linger_ms to leave. */
void sockets_close(struct sockets *s, int linger_ms);

#endif
