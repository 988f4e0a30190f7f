/* What a connection shares with the statements that run on it; for connection.c and statement.c
 * only. Each function returns a store_outcome; one that fails for good closes the connection. */
#ifndef SLUICE_STORE_CONNECTION_INNER_H
#define SLUICE_STORE_CONNECTION_INNER_H

#include "store/connection.h"

#define PREPARED_MAX 48
#define CHANNELS_MAX 4
#define WHY_SIZE 512

struct store {
    struct store_options options;
    PGconn *conn;
    uint64_t generation;
    const char *prepared[PREPARED_MAX]; /* names, of this connection; the last used first */
    size_t n_prepared;
    const char *channels[CHANNELS_MAX];
    size_t n_channels;
    bool warned; /* the server sent a WARNING during the current statement */
    char sqlstate[6];
    char why[WHY_SIZE];
};

/* Closes; why: text. STORE_RETRY. */
int connection_lost(struct store *s, const char *text);
/* Pushes everything out; reads meanwhile, so that two full buffers can't block each other. */
int connection_flush(struct store *s, int64_t deadline_us);
/* The next result, or NULL at the end of the statement's results. */
int connection_result(struct store *s, int64_t deadline_us, PGresult **ret_result);
/* Classes a result. */
int connection_judge(struct store *s, const PGresult *r);
/* Reads to the end of the results; keeps the last one. The first failure is what counts. */
int connection_drain(struct store *s, int64_t deadline_us, PGresult **ret_result);

#endif
