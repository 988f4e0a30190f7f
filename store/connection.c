/* libpq with deadlines. The connection is non-blocking; one function polls. What the server says of
 * an error is classed by sqlstate.def. */
#include "store/connection_inner.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"

enum sqlstate_class { CLASS_ROW, CLASS_SCHEMA, CLASS_RETRY, CLASS_LOST };

static const struct {
    const char *prefix;
    enum sqlstate_class class;
} sqlstates[] = {
#define SQLSTATE(prefix, outcome, meaning) {prefix, CLASS_##outcome},
#include "store/sqlstate.def"
#undef SQLSTATE
};

const char *
store_outcome_text(int outcome)
{
    switch ((enum store_outcome)outcome) {
    case STORE_OK:
        return "ok";
    case STORE_RETRY:
        return "retry later";
    case STORE_ROW:
        return "row refused";
    case STORE_SCHEMA:
        return "schema does not fit";
    case STORE_UNSAFE:
        return "server is not durable";
    case STORE_INVALID:
        return "invalid";
    }
    return "unknown";
}

struct store *
store_new(const struct store_options *options)
{
    struct store *s = mem_new(1, sizeof(*s));

    s->options = *options;
    return s;
}

void
store_free(struct store *s)
{
    if (s == NULL)
        return;
    store_close(s);
    free(s);
}

void
store_close(struct store *s)
{
    if (s->conn != NULL)
        PQfinish(s->conn);
    s->conn = NULL;
    s->n_prepared = 0;
}

bool
store_is_open(const struct store *s)
{
    return s->conn != NULL;
}

uint64_t
store_generation(const struct store *s)
{
    return s->generation;
}

const char *
store_why(const struct store *s)
{
    return s->why;
}

const char *
store_sqlstate(const struct store *s)
{
    return s->sqlstate;
}

int
store_fd(const struct store *s)
{
    return s->conn != NULL ? PQsocket(s->conn) : -1;
}

static void
why_set(struct store *s, const char *sqlstate, const char *text)
{
    snprintf(s->sqlstate, sizeof(s->sqlstate), "%s", sqlstate != NULL ? sqlstate : "");
    snprintf(s->why, sizeof(s->why), "%s%s%s", s->sqlstate, *s->sqlstate != '\0' ? " " : "",
             text != NULL ? text : "no message");
    size_t n = strlen(s->why);
    while (n > 0 && s->why[n - 1] == '\n')
        s->why[--n] = '\0';
}

void
store_why_set(struct store *s, const char *text)
{
    why_set(s, "", text);
}

int
connection_lost(struct store *s, const char *text)
{
    why_set(s, "", text);
    store_close(s);
    return STORE_RETRY;
}

static enum sqlstate_class
sqlstate_class(const char *state)
{
    enum sqlstate_class found = CLASS_RETRY;
    size_t longest = 0;

    for (size_t i = 0; state != NULL && i < ARRAY_LEN(sqlstates); i++) {
        size_t n = strlen(sqlstates[i].prefix);
        if (n > longest && strncmp(state, sqlstates[i].prefix, n) == 0) {
            found = sqlstates[i].class;
            longest = n;
        }
    }
    return found;
}

/* Waits until the socket allows what is wanted. STORE_OK or STORE_RETRY (deadline). */
static int
socket_wait(int fd, short events, int64_t deadline_us)
{
    for (;;) {
        int64_t left_us = deadline_us - clock_mono_us();
        if (left_us <= 0)
            return STORE_RETRY;
        struct pollfd p = {.fd = fd, .events = events};
        int n = poll(&p, 1, (int)(left_us / US_PER_MS + 1));
        if (n > 0)
            return STORE_OK;
        if (n < 0 && errno != EINTR)
            return STORE_RETRY;
    }
}

static void
notice_take(void *arg, const PGresult *r)
{
    struct store *s = arg;
    const char *severity = PQresultErrorField(r, PG_DIAG_SEVERITY_NONLOCALIZED);

    if (severity != NULL && strcmp(severity, "WARNING") == 0) {
        s->warned = true;
        why_set(s, PQresultErrorField(r, PG_DIAG_SQLSTATE),
                PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY));
    }
}

int
connection_flush(struct store *s, int64_t deadline_us)
{
    int n;

    while ((n = PQflush(s->conn)) == 1) {
        if (socket_wait(PQsocket(s->conn), POLLIN | POLLOUT, deadline_us) != STORE_OK)
            return connection_lost(s, "the server did not take the statement in time");
        if (PQconsumeInput(s->conn) == 0)
            return connection_lost(s, PQerrorMessage(s->conn));
    }
    return n == 0 ? STORE_OK : connection_lost(s, PQerrorMessage(s->conn));
}

int
connection_result(struct store *s, int64_t deadline_us, PGresult **ret_result)
{
    while (PQisBusy(s->conn)) {
        if (socket_wait(PQsocket(s->conn), POLLIN, deadline_us) != STORE_OK)
            return connection_lost(s, "no answer from the server in time");
        if (PQconsumeInput(s->conn) == 0)
            return connection_lost(s, PQerrorMessage(s->conn));
    }
    *ret_result = PQgetResult(s->conn);
    return STORE_OK;
}

int
connection_judge(struct store *s, const PGresult *r)
{
    ExecStatusType status = PQresultStatus(r);

    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK || status == PGRES_SINGLE_TUPLE ||
        status == PGRES_EMPTY_QUERY)
        return STORE_OK;
    const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
    const char *text = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
    why_set(s, state, text != NULL ? text : PQresultErrorMessage(r));
    if (state == NULL)
        return STORE_RETRY; /* libpq's own: the connection broke; seen below */
    switch (sqlstate_class(state)) {
    case CLASS_ROW:
        return STORE_ROW;
    case CLASS_SCHEMA:
        return STORE_SCHEMA;
    case CLASS_LOST:
    case CLASS_RETRY:
        break;
    }
    return STORE_RETRY;
}

int
connection_drain(struct store *s, int64_t deadline_us, PGresult **ret_result)
{
    PGresult *last = NULL;
    int outcome = STORE_OK;

    for (;;) {
        PGresult *r = NULL;
        int n = connection_result(s, deadline_us, &r);
        if (n != STORE_OK) {
            PQclear(last);
            return n;
        }
        if (r == NULL)
            break;
        int judged = connection_judge(s, r);
        if (outcome == STORE_OK)
            outcome = judged;
        PQclear(last);
        last = r;
    }
    if (PQstatus(s->conn) != CONNECTION_OK ||
        (outcome != STORE_OK && sqlstate_class(s->sqlstate) == CLASS_LOST)) {
        store_close(s);
        outcome = STORE_RETRY;
    }
    if (outcome == STORE_OK && s->warned)
        outcome = STORE_RETRY;
    if (outcome == STORE_OK && ret_result != NULL)
        *ret_result = last;
    else
        PQclear(last);
    return outcome;
}

int
store_run_script(struct store *s, const char *sql, int64_t timeout_us, PGresult **ret_result)
{
    int64_t deadline_us = clock_mono_us() + timeout_us;

    if (s->conn == NULL)
        return STORE_RETRY;
    s->warned = false;
    if (PQsendQuery(s->conn, sql) == 0)
        return connection_lost(s, PQerrorMessage(s->conn));
    int n = connection_flush(s, deadline_us);
    if (n != STORE_OK)
        return n;
    return connection_drain(s, deadline_us, ret_result);
}

static int
connection_begin(struct store *s, int64_t deadline_us)
{
    /* What stands before dbname is only a default for what the connection string leaves open. */
    const char *keywords[] = {"connect_timeout",  "keepalives_idle",  "keepalives_interval",
                              "keepalives_count", "tcp_user_timeout", "fallback_application_name",
                              "dbname",           "client_encoding",  NULL};
    const char *values[] = {"5",    "5", "2", "3", "10000", s->options.program, s->options.conninfo,
                            "UTF8", NULL};

    s->conn = PQconnectStartParams(keywords, values, 1);
    if (s->conn == NULL)
        return connection_lost(s, "out of memory");
    PostgresPollingStatusType state = PGRES_POLLING_WRITING;
    for (;;) {
        if (PQstatus(s->conn) == CONNECTION_BAD || state == PGRES_POLLING_FAILED)
            return connection_lost(s, PQerrorMessage(s->conn));
        if (state == PGRES_POLLING_OK)
            break;
        short events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT;
        if (socket_wait(PQsocket(s->conn), events, deadline_us) != STORE_OK)
            return connection_lost(s, "no connection in time");
        state = PQconnectPoll(s->conn);
    }
    if (PQsetnonblocking(s->conn, 1) != 0)
        return connection_lost(s, PQerrorMessage(s->conn));
    PQsetNoticeReceiver(s->conn, notice_take, s);
    return STORE_OK;
}

int
store_connect(struct store *s)
{
    int64_t deadline_us = clock_mono_us() + STORE_CONNECT_TIMEOUT_US;
    char sql[1024];

    store_close(s);
    int n = connection_begin(s, deadline_us);
    if (n != STORE_OK)
        return n;
    /* Plans are made once and by index: a generic plan made while a table was small must not
     * become a sequential scan when it is large. */
    int len = snprintf(sql, sizeof(sql),
                       "SET statement_timeout = %lld; SET lock_timeout = %d; SET TimeZone = 'UTC';"
                       "SET plan_cache_mode = force_generic_plan; SET jit = off;"
                       "SET idle_in_transaction_session_timeout = 10000;"
                       "SET client_connection_check_interval = 100;" /* end with a killed worker */
                       "SET default_transaction_read_only = %s;",
                       (long long)(s->options.statement_timeout_us / US_PER_MS),
                       STORE_LOCK_TIMEOUT_MS, s->options.read_only ? "on" : "off");
    if (s->options.by_index)
        len += snprintf(sql + len, sizeof(sql) - (size_t)len,
                        "SET enable_seqscan = off; SET enable_hashjoin = off;"
                        "SET enable_mergejoin = off;");
    if (s->options.role != NULL)
        len += snprintf(sql + len, sizeof(sql) - (size_t)len, "SET ROLE %s;", s->options.role);
    for (size_t i = 0; i < s->n_channels; i++)
        len += snprintf(sql + len, sizeof(sql) - (size_t)len, "LISTEN %s;", s->channels[i]);
    sluice_assert(len < (int)sizeof(sql));
    n = store_run_script(s, sql, STORE_CONNECT_TIMEOUT_US, NULL);
    if (n == STORE_ROW) /* 22023: the role does not exist */
        n = STORE_SCHEMA;
    if (n != STORE_OK) {
        store_close(s);
        return n;
    }
    s->generation++;
    return STORE_OK;
}

int
store_check_promise(struct store *s)
{
    static const struct {
        const char *name, *bad;
    } promises[] = {{"fsync", "off"}, {"full_page_writes", "off"}, {"synchronous_commit", "off"}};
    PGresult *r = NULL;

    int n = store_run_script(s,
                             "SELECT current_setting('fsync'), current_setting('full_page_writes'),"
                             " current_setting('synchronous_commit'), pg_is_in_recovery()",
                             STORE_CONNECT_TIMEOUT_US, &r);
    if (n != STORE_OK)
        return n;
    for (int i = 0; i < (int)ARRAY_LEN(promises) && n == STORE_OK; i++) {
        if (strcmp(PQgetvalue(r, 0, i), promises[i].bad) == 0) {
            snprintf(s->why, sizeof(s->why), "PostgreSQL runs with %s=off", promises[i].name);
            n = STORE_UNSAFE;
        }
    }
    if (n == STORE_OK && strcmp(PQgetvalue(r, 0, 3), "t") == 0)
        n = connection_lost(s, "PostgreSQL is in recovery (a standby)");
    PQclear(r);
    return n;
}

void
store_listen(struct store *s, const char *channel)
{
    sluice_assert(s->n_channels < CHANNELS_MAX);
    s->channels[s->n_channels++] = channel;
}

int
store_notifications(struct store *s)
{
    int count = 0;
    PGnotify *note;

    if (s->conn == NULL)
        return -ENOTCONN;
    if (PQconsumeInput(s->conn) == 0) {
        connection_lost(s, PQerrorMessage(s->conn));
        return -ENOTCONN;
    }
    while ((note = PQnotifies(s->conn)) != NULL) {
        count++;
        PQfreemem(note);
    }
    return count;
}
