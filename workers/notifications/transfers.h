/* Deliveries on their way out: a bounded number of libcurl transfers, driven by readiness. Nothing
 * here blocks; one slow receiver costs its own transfers only. Owns no row and knows no retry: what
 * became of an attempt is told once, from transfers_turn. */
#ifndef SLUICE_WORKERS_NOTIFICATIONS_TRANSFERS_H
#define SLUICE_WORKERS_NOTIFICATIONS_TRANSFERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/uuid.h"

#define TRANSFER_NOTE_SIZE 40

struct transfers; /* opaque */

struct transfer_end {
    void *owner;
    bool done; /* the whole exchange took place: code is the server's answer */
    int code;  /* HTTP status or last SMTP reply; 0: none came */
    int64_t retry_after_us;
    char note[TRANSFER_NOTE_SIZE]; /* "http 503", "timeout", …: never an address */
};

/* timeout_us for each. ended may begin no transfer. NULL: libcurl or the kernel refuses. */
struct transfers *transfers_new(unsigned max, int64_t timeout_us,
                                void (*ended)(void *arg, const struct transfer_end *end),
                                void *arg);
/* What is under way is dropped without a word. */
void transfers_free(struct transfers *t);

/* Both take body over (it comes back empty) and return false, untouched, when max is reached or
 * libcurl won't have the address. headers: n lines "Name: value". */
bool transfers_post(struct transfers *t, void *owner, const char *url, const char *const *headers,
                    unsigned n_headers, struct buf *body);
struct transfers_smtp {
    const char *url, *from, *user, *password; /* user NULL: no log in, TLS if it is offered */
};
bool transfers_mail(struct transfers *t, void *owner, const struct transfers_smtp *server,
                    const char *to, struct buf *message);

unsigned transfers_count(const struct transfers *t);
/* Readable: there is something to do. Level-triggered, the same for ever. */
int transfers_fd(const struct transfers *t);
/* Does what is due, tells what ended. */
void transfers_turn(struct transfers *t, int64_t now_us);
/* When to turn again at the latest. */
int64_t transfers_deadline(const struct transfers *t);
/* The owners of what is under way, to be told that it was given up; forgets them. */
void transfers_abandon(struct transfers *t, void (*each)(void *arg, void *owner), void *arg);

#endif
