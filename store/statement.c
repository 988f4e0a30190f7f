/* Prepared statements on a connection: prepared on first use, each with a deadline, whole or row by
 * row (connection.h says what each promises). */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "store/connection_inner.h"

#define STATEMENT_NAME_SIZE 64                /* PostgreSQL's NAMEDATALEN */
#define STATEMENT_GRACE_US ((int64_t)1000000) /* past the server's own statement_timeout */

/* Makes the name the first of the n + 1 at the front: the order is that of use. */
static void
prepared_first(struct store *s, const char *name, size_t n)
{
    memmove(s->prepared + 1, s->prepared, n * sizeof(*s->prepared));
    s->prepared[0] = name;
}

/* Forgets the one unused longest: a plan takes the server some 100 KB. */
static int
prepared_drop(struct store *s, int64_t deadline_us)
{
    char sql[sizeof("DEALLOCATE ") + STATEMENT_NAME_SIZE];

    snprintf(sql, sizeof(sql), "DEALLOCATE %s", s->prepared[s->n_prepared - 1]);
    int n = store_run_script(s, sql, deadline_us - clock_mono_us(), NULL);
    if (n == STORE_OK)
        s->n_prepared--;
    return n;
}

static int
statement_prepare(struct store *s, const struct store_statement *statement, int64_t deadline_us)
{
    int n = STORE_OK;

    for (size_t i = 0; i < s->n_prepared; i++) {
        if (s->prepared[i] == statement->name) {
            prepared_first(s, statement->name, i);
            return STORE_OK;
        }
    }
    if (s->n_prepared == PREPARED_MAX)
        n = prepared_drop(s, deadline_us);
    if (n != STORE_OK)
        return n;
    if (PQsendPrepare(s->conn, statement->name, statement->sql, 0, NULL) == 0)
        return connection_lost(s, PQerrorMessage(s->conn));
    n = connection_flush(s, deadline_us);
    if (n == STORE_OK)
        n = connection_drain(s, deadline_us, NULL);
    if (n == STORE_OK)
        prepared_first(s, statement->name, s->n_prepared++);
    return n;
}

static int
statement_send(struct store *s, const struct store_statement *statement,
               const struct store_params *p, int64_t deadline_us)
{
    if (s->conn == NULL)
        return STORE_RETRY;
    s->warned = false;
    int n = statement_prepare(s, statement, deadline_us);
    if (n != STORE_OK)
        return n;
    /* Bind, Execute and Sync leave together: no lock is ever held while waiting for us. */
    if (PQsendQueryPrepared(s->conn, statement->name, p != NULL ? p->n : 0,
                            p != NULL ? p->values : NULL, p != NULL ? p->lengths : NULL,
                            p != NULL ? p->formats : NULL, 1) == 0)
        return connection_lost(s, PQerrorMessage(s->conn));
    return STORE_OK;
}

int
store_run(struct store *s, const struct store_statement *statement, const struct store_params *p,
          PGresult **ret_result)
{
    int64_t deadline_us = clock_mono_us() + s->options.statement_timeout_us + STATEMENT_GRACE_US;

    int n = statement_send(s, statement, p, deadline_us);
    if (n == STORE_OK)
        n = connection_flush(s, deadline_us);
    if (n == STORE_OK)
        n = connection_drain(s, deadline_us, ret_result);
    return n;
}

int
store_run_rows(struct store *s, const struct store_statement *statement,
               const struct store_params *p, int64_t timeout_us,
               int (*each)(void *arg, const PGresult *row), void *arg)
{
    int64_t deadline_us = clock_mono_us() + timeout_us;
    int outcome = statement_send(s, statement, p, deadline_us);

    if (outcome != STORE_OK)
        return outcome;
    PQsetSingleRowMode(s->conn);
    outcome = connection_flush(s, deadline_us);
    while (outcome == STORE_OK) {
        PGresult *r = NULL;
        outcome = connection_result(s, deadline_us, &r);
        if (outcome != STORE_OK || r == NULL)
            break;
        int stop = 0;
        int judged = connection_judge(s, r);
        if (judged == STORE_OK && PQresultStatus(r) == PGRES_SINGLE_TUPLE)
            stop = each(arg, r);
        PQclear(r);
        if (stop != 0) {
            store_close(s);
            return STORE_OK;
        }
        if (judged != STORE_OK) {
            connection_drain(s, deadline_us, NULL);
            return judged;
        }
    }
    return outcome;
}

static int
timeout_set(struct store *s, int64_t timeout_us)
{
    char sql[64];

    snprintf(sql, sizeof(sql), "SET statement_timeout = %lld", (long long)(timeout_us / US_PER_MS));
    return store_run_script(s, sql, STORE_CONNECT_TIMEOUT_US, NULL);
}

int
store_run_long(struct store *s, const struct store_statement *statement,
               const struct store_params *p, int64_t timeout_us,
               int (*each)(void *arg, const PGresult *row), void *arg)
{
    int n = timeout_set(s, timeout_us);

    if (n != STORE_OK)
        return n;
    n = store_run_rows(s, statement, p, timeout_us, each, arg);
    if (store_is_open(s) && timeout_set(s, s->options.statement_timeout_us) != STORE_OK)
        store_close(s);
    return n;
}
