/* One connection to PostgreSQL. Every wait (connect, send, receive) goes through one poll with a
 * deadline, so a server that hangs can't hang us (invariants 15). Statements are prepared on first
 * use, parameters and results are binary. Not thread-safe; blocks until the deadline at most. */
#ifndef SLUICE_STORE_CONNECTION_H
#define SLUICE_STORE_CONNECTION_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "store/values.h"

enum store_outcome {
    STORE_OK = 0,
    STORE_RETRY = 1,   /* not now; the connection may still serve (store_is_open) */
    STORE_ROW = 2,     /* class 22 or 23: this statement's own data is refused */
    STORE_SCHEMA = 3,  /* class 42 or a wrong schema version: exit 78 */
    STORE_UNSAFE = 4,  /* PostgreSQL's promise does not hold (invariants 13) */
    STORE_INVALID = 5, /* a file or argument is wrong; store_why says how (loading) */
};
const char *store_outcome_text(int outcome);

struct store_options {
    const char *conninfo; /* libpq's connection string */
    const char *program;  /* application_name */
    const char *role;     /* SET ROLE after connecting; NULL: stay who we are */
    int64_t statement_timeout_us;
    bool read_only;
    bool by_index; /* plans never scan a table: for small, frequent statements */
};

#define STORE_LOCK_TIMEOUT_MS 2000
#define STORE_CONNECT_TIMEOUT_US ((int64_t)5000000)

struct store; /* opaque */

/* A prepared statement: a constant of the module that runs it; name is unique in the program. */
struct store_statement {
    const char *name;
    const char *sql;
};

/* The options' strings must live as long as the store. Does not connect yet. */
struct store *store_new(const struct store_options *options);
void store_free(struct store *s);

/* Connects and sets the session up. STORE_OK, STORE_RETRY or STORE_SCHEMA (role). */
int store_connect(struct store *s);
bool store_is_open(const struct store *s);
void store_close(struct store *s);
/* Rises with each connection made: caches compare it. */
uint64_t store_generation(const struct store *s);
/* fsync, full_page_writes, synchronous_commit on and not in recovery; STORE_UNSAFE if not. */
int store_check_promise(struct store *s);
/* Why the last call was not STORE_OK: SQLSTATE and the server's primary message, without detail or
 * parameters, so without data of a row. For people and logs. */
const char *store_why(const struct store *s);
const char *store_sqlstate(const struct store *s);     /* "" if none */
void store_why_set(struct store *s, const char *text); /* for store's own modules */

/* Runs one prepared statement in a transaction of its own; one send. *ret_result may be NULL;
 * PQclear it. A WARNING of the server during the statement is STORE_RETRY (invariants 13). */
int store_run(struct store *s, const struct store_statement *statement,
              const struct store_params *params, PGresult **ret_result);
/* Text mode, several statements allowed, last result returned. For migrations and settings. */
int store_run_script(struct store *s, const char *sql, int64_t timeout_us, PGresult **ret_result);
/* Row by row for long lists (memory stays flat); each gets a PGresult of one row. A nonzero return
 * ends the list early; that connection is closed. */
int store_run_rows(struct store *s, const struct store_statement *statement,
                   const struct store_params *params, int64_t timeout_us,
                   int (*each)(void *arg, const PGresult *row), void *arg);
/* The same with a statement_timeout of its own, which the session's does not fit. */
int store_run_long(struct store *s, const struct store_statement *statement,
                   const struct store_params *params, int64_t timeout_us,
                   int (*each)(void *arg, const PGresult *row), void *arg);
/* LISTEN channel names the session should have; kept over reconnects. */
void store_listen(struct store *s, const char *channel);
/* Notifications that came since (drains the socket without waiting). Negative: connection lost. */
int store_notifications(struct store *s);
int store_fd(const struct store *s); /* -1 when closed */

#endif
