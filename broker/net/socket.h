/* The three ROUTER sockets: client, worker, admin. Options of traps.md; raw libzmq.
 *
 * A socket's fd becomes readable when libzmq has news for it, and any call on the socket may take
 * the news in: what has not been found empty since (stirred) is asked before anyone sleeps on the
 * fds.
 *
 * A send never blocks: the peer's queue full or the peer gone are ordinary outcomes. The high-water
 * marks are fuses; credit (windows, pulls) keeps peers below them. */
#ifndef SLUICE_BROKER_NET_SOCKET_H
#define SLUICE_BROKER_NET_SOCKET_H

#include <stdbool.h>
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
    int fd[ENDPOINTS];
    bool stirred[ENDPOINTS]; /* used, or its fd was readable, since it was last found empty */
};

/* Binds all three; ipc socket files get mode 0660, admin's 0600. Returns 0 or negative errno, then
 * *ret_failed is the address that could not be bound. */
int sockets_open(struct sockets *s, const struct socket_options options[ENDPOINTS],
                 const char **ret_failed);
/* Is there a message to read? Settles stirred. */
bool socket_has_input(struct sockets *s, enum endpoint e);
/* Closes; what was handed to a connection before has linger_ms to leave. */
void sockets_close(struct sockets *s, int linger_ms);

#endif
