/* Admin verbs: one function each, named by admin_verbs.def. A verb reads its arguments from the
 * request's header and writes rows; pages are bounded, whatever limit was asked for. */
#ifndef SLUICE_BROKER_REACTOR_ADMIN_H
#define SLUICE_BROKER_REACTOR_ADMIN_H

#include "broker/reactor/commands.h"
#include "schemas/wire/mp.h"

#define ADMIN_PAGE_MAX 1000 /* rows of a reply that reads messages */

enum admin_status { ADMIN_OK, ADMIN_NOT_FOUND, ADMIN_BAD_ARGUMENT, ADMIN_REFUSED };

struct reply {
    struct buf *rows;
    uint32_t n_rows;
    bool more;          /* rows past the limit exist: ask again with after = next */
    uint64_t next;      /* cursor behind the last row */
    const char *detail; /* may be NULL */
};

typedef enum admin_status admin_fn(struct broker *b, const struct message *request,
                                   struct reply *reply);

#define ADMIN_VERB(name, endpoint, arguments, meaning) admin_fn admin_##name;
#include "broker/reactor/admin_verbs.def"
#undef ADMIN_VERB

const char *admin_state_text(enum message_state state);
/* What is known of why it is dead: a killer has as many kills as it takes, all else was reported.
 */
const char *admin_dead_reason(const struct broker *b, const struct message_view *v);
/* Begins a row of n pairs. */
struct buf *reply_row(struct reply *reply, uint32_t pairs);
void row_uint(struct buf *row, const char *key, uint64_t value);
void row_text(struct buf *row, const char *key, const char *text);
void row_texts(struct buf *row, const char *key, const char *text, size_t len);
/* The argument, 0…max, or what it is when absent. */
uint64_t request_uint(const struct message *request, const char *key, uint64_t absent,
                      uint64_t max);
/* The service named by the request: false if it names an unknown one. Absent: CORE_NOBODY. */
bool request_service(struct broker *b, const struct message *request, uint32_t *ret_service);

#endif
