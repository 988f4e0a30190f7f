/* REQUEST and REPLY with a broker's admin endpoint (schemas/protocol.md, Admins): one question at a
 * time, each with a deadline; rows come as JSON objects (a 16-byte binary as UUID text). */
#ifndef SLUICE_CTL_ADMIN_H
#define SLUICE_CTL_ADMIN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/uuid.h"
#include "client/ctl/ctl.h"

struct admin; /* one broker */

enum admin_outcome {
    ADMIN_OK = 0,
    ADMIN_SILENT = 1, /* no answer within the deadline */
    ADMIN_NOT_FOUND = 2,
    ADMIN_BAD_ARGUMENT = 3,
    ADMIN_REFUSED = 4,
    ADMIN_GARBLED = 5, /* an answer that is none: another version of the protocol */
};

struct admin_argument {
    const char *key;       /* NULL ends the list */
    const char *text;      /* either this, */
    const struct uuid *id; /* or this, */
    uint64_t number;       /* or this */
};

#define ADMIN_ENDPOINTS_MAX 64

/* One handle for each endpoint of ctl/admin_endpoints, n of them. NULL after a complaint. */
struct admin **admin_open_all(const struct ctl *ctl, size_t *ret_n);
void admin_close_all(struct admin **all, size_t n);
const char *admin_endpoint(const struct admin *a);
void admin_deadline(struct admin *a, int64_t timeout_us); /* for each request from now on */

/* Appends the answer's rows to the array rows (may be NULL: not wanted). arguments may be NULL.
 * *ret_next (may be NULL): the argument "after" that brings the rows past the limit; 0: there are
 * none. */
int admin_request(struct admin *a, const char *verb, const struct admin_argument *arguments,
                  json_t *rows, uint64_t *ret_next);
/* Page after page of "live", "done" or "dead" until there is no more, or each says stop (nonzero,
 * handed on as it is). */
int admin_pages(struct admin *a, const char *verb, const struct admin_argument *arguments,
                int (*each)(void *arg, json_t *row), void *arg);
/* Complains about an outcome that is not ADMIN_OK and says what the program exits with. */
int admin_exit(const struct admin *a, int outcome);

/* The verb of all brokers, as one list; with several brokers each row gets "endpoint". Returns the
 * exit code: a silent broker is complained about, the others are still shown. */
int admin_gather(const struct ctl *ctl, const char *verb, const struct admin_argument *arguments,
                 json_t *rows);

/* ORIGIN as people write it: UUID-EPOCH-SEQ or EPOCH-SEQ (*ret_has_broker false). */
bool origin_parse(const char *text, struct uuid *ret_broker, bool *ret_has_broker,
                  uint64_t *ret_epoch, uint64_t *ret_seq);

#endif
