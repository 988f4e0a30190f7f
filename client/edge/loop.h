/* The loop: what happens once a round, signals, draining. */
#ifndef SLUICE_EDGE_LOOP_H
#define SLUICE_EDGE_LOOP_H

#include "client/edge/edge.h"
#include "client/edge/routes.h"

#define LISTENERS_MAX 2

struct listener {
    uv_tcp_t tcp;
    struct edge *edge;
    enum route_port port;
};

struct edge_loop {
    struct edge *edge;
    struct listener listeners[LISTENERS_MAX];
    unsigned n_listeners;
    uv_prepare_t prepare;
    uv_timer_t timer;
    uv_timer_t watchdog;
    uv_poll_t signals;
    int64_t timer_at_us; /* what the timer is set to */
    int64_t started_us, drain_until_us;
    unsigned gathered; /* rounds in a row whose batches wait for more */
    bool told_ready, stopped;
};

/* Listens at "ADDRESS:PORT" with SO_REUSEPORT, so that several processes share it. Nonzero:
 * *ret_why is a malloc'd text. */
int loop_listen(struct edge_loop *l, const char *where, enum route_port port, char **ret_why);
int loop_init(struct edge_loop *l, struct edge *e);
/* Until it is drained or stopped. Returns whether it ended in order. */
bool loop_run(struct edge_loop *l);
void loop_deinit(struct edge_loop *l);

#endif
