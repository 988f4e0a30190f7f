/* Messages handed to a broker by a program that has no event loop: a list goes out, the call
 * returns when the fate of each is known or the deadline has come. For sluicectl and for a worker's
 * spare moments; whoever serves many at once uses sluice.h.
 *
 * The one exception to "nothing blocks" of client/lib, and not part of libsluice's interface. */
#ifndef SLUICE_CLIENT_LIB_COURIER_H
#define SLUICE_CLIENT_LIB_COURIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/lib/sluice.h"

#define COURIER_BROKERS_MAX 16
#define COURIER_MESSAGES_MAX 512

enum courier_state {
    COURIER_UNKNOWN = 0,  /* the deadline came first; it may or may not be on disk */
    COURIER_ACCEPTED = 1, /* on the broker's disk; not decided yet */
    COURIER_REFUSED = 2,  /* nothing of it is kept; code is the refusal's */
    COURIER_DECIDED = 3,  /* code is the outcome's */
};

struct courier_message {
    struct sluice_message
        message; /* flags are the courier's own; the rest lives until it returns */
    enum courier_state state;
    unsigned code;
    uint64_t counter; /* the courier's own */
};

enum courier_outcome {
    COURIER_OK = 0,          /* all are decided, or accepted where that is enough */
    COURIER_LATE = 1,        /* the deadline came first; states say how far each got */
    COURIER_UNREACHABLE = 2, /* no broker said WELCOME in time; nothing was sent */
    COURIER_BAD = 3,         /* an endpoint is none */
};

/* Messages gathered with all they point at, for one delivery after the other. */
struct courier_page;                                   /* opaque */
struct courier_page *courier_page_new(size_t ceiling); /* bytes of scopes and bodies */
void courier_page_free(struct courier_page *p);
void courier_page_clear(struct courier_page *p);
/* Copies scope and body; service must stay. False: the page is full (COURIER_MESSAGES_MAX, or the
 * ceiling); nothing was added. */
bool courier_page_add(struct courier_page *p, const char *service, const char *scope,
                      size_t scope_len, const uint8_t id[16], int64_t received_us, const void *body,
                      size_t body_bytes);
/* Its messages, *ret_n of them, in the order they were added. Pointers hold until the next add,
 * clear or free. */
struct courier_message *courier_page_messages(struct courier_page *p, size_t *ret_n);

struct courier; /* opaque */

/* endpoints: brokers' client endpoints, separated by spaces. COURIER_OK or COURIER_BAD; does not
 * connect yet. */
int courier_new(const char *endpoints, const char *name, struct courier **ret_courier);
void courier_free(struct courier *c);
/* Sends n messages (at most COURIER_MESSAGES_MAX) to the first broker that answers. outcomes: wait
 * for what becomes of them, else only until they are on disk. A connection is kept for the next
 * call. */
int courier_deliver(struct courier *c, struct courier_message *messages, size_t n, bool outcomes,
                    int64_t timeout_us);

#endif
