/* Asks the brokers for dead letters, so that what nobody could evaluate does not lie unseen: the
 * verb "dead", which brokers answer to workers too, page by page, every interval. Never blocks; a
 * broker that is silent is asked again next time. Whatever the reason (a worker said so, or it
 * killed its workers), a dead letter is told as long as it lies there; the receiver is idempotent.
 */
#ifndef SLUICE_WORKERS_NOTIFICATIONS_DEAD_LETTERS_H
#define SLUICE_WORKERS_NOTIFICATIONS_DEAD_LETTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/uuid.h"

#define DEAD_LETTERS_PAGE 500

struct dead_letter {
    struct uuid alert; /* of the alert: UUIDv8 of the message and its origin */
    struct uuid id;    /* the message's */
    char study[65];    /* its scope */
};

struct dead_letters; /* opaque */

/* endpoints: the brokers' worker endpoints, separated by spaces. take: a page of dead
 * letters; true: they need not be told again. NULL: an endpoint is none. */
struct dead_letters *
dead_letters_new(const char *endpoints, int64_t interval_us,
                 bool (*take)(void *arg, const struct dead_letter *list, size_t n), void *arg);
void dead_letters_free(struct dead_letters *d);
int dead_letters_fd(const struct dead_letters *d);
void dead_letters_turn(struct dead_letters *d, int64_t now_us);
int64_t dead_letters_deadline(const struct dead_letters *d);

#endif
