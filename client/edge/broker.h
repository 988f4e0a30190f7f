/* The brokers: one libsluice client each, driven by the loop. All that one turn of the loop put
 * into a client's batch goes as one message when the turn ends. */
#ifndef SLUICE_EDGE_BROKER_H
#define SLUICE_EDGE_BROKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "client/edge/waiter.h"
#include "client/lib/sluice.h"

struct edge;
struct request;

#define BROKERS_MAX 16

struct broker {
    struct edge *edge;
    struct sluice_client *client;
    struct waiters waiters; /* by counter */
    uv_poll_t poll;
    bool connected;
    int64_t lost_us;  /* when it was lost last; 0: never */
    uint8_t uuid[16]; /* while connected */
};

struct brokers {
    struct broker list[BROKERS_MAX];
    size_t n;
    size_t turn;            /* whose turn it is */
    struct waiters queries; /* LOCATEs under way, by query */
    uint64_t last_query;
    void *context;
    size_t unsent; /* put into batches since they were last sent */
};

/* endpoints: separated by spaces. Nonzero: *ret_why is a malloc'd text. */
int brokers_init(struct brokers *b, struct edge *e, const char *endpoints, uint32_t max_in_flight,
                 uint32_t max_known, size_t max_body_bytes, char **ret_why);
void brokers_deinit(struct brokers *b);
/* Sends what the batches hold (send), receives, calls back; returns when to come again. */
int64_t brokers_turn(struct brokers *b, int64_t now_us, bool send);

/* The next connected one, NULL: none. */
struct broker *brokers_next(struct brokers *b);
/* Also one that is lost only just: what it is given waits for it to come back. */
struct broker *brokers_next_or_lost(struct brokers *b);
size_t brokers_connected(const struct brokers *b);

/* As sluice_client_reserve; q is called back until it is forgotten or finished. */
int broker_reserve(struct broker *b, const struct sluice_message *m, struct request *q,
                   uint8_t **ret_body, uint64_t *ret_counter);
/* Nobody is to be called back for counter any more. */
void broker_forget(struct broker *b, uint64_t counter);

#endif
