/* workers, clients, drain. */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "client/ctl/admin.h"
#include "client/ctl/table.h"
#include "client/ctl/verbs.h"

#define DRAIN_WAIT_US (60 * US_PER_S)
#define DRAIN_LOOK_MS 100 /* a worker's leaving sends an admin no event */

static const struct column worker_columns[] = {
    {"worker", "worker", COLUMN_TEXT},      {"service", "queue", COLUMN_TEXT},
    {"host", "host", COLUMN_TEXT},          {"pid", "pid", COLUMN_PLAIN},
    {"state", "state", COLUMN_TEXT},        {"leases", "leases", COLUMN_COUNT},
    {"messages", "messages", COLUMN_COUNT}, {"batches", "batches", COLUMN_COUNT},
    {"done", "done", COLUMN_COUNT},         {"last_heard_us", "heard", COLUMN_AGE},
    {"version", "version", COLUMN_TEXT},    {"endpoint", "endpoint", COLUMN_TEXT},
};
static const struct column client_columns[] = {
    {"name", "client", COLUMN_TEXT},          {"incarnation", "incarnation", COLUMN_TEXT},
    {"in_flight", "in flight", COLUMN_COUNT}, {"last_heard_us", "heard", COLUMN_AGE},
    {"version", "version", COLUMN_TEXT},      {"endpoint", "endpoint", COLUMN_TEXT},
};

static int
rows_show(struct ctl *ctl, json_t *rows, int code, const struct column *columns, size_t n,
          const char *empty)
{
    bool several = json_object_get(json_array_get(rows, 0), "endpoint") != NULL;

    if (code == EXIT_DONE || json_array_size(rows) > 0)
        table_print(rows, columns, n - !several, ctl->json, empty);
    json_decref(rows);
    return code;
}

int
workers_verb(struct ctl *ctl)
{
    json_t *rows = json_array();
    int code = admin_gather(ctl, "workers", NULL, rows);

    return rows_show(ctl, rows, code, worker_columns, ARRAY_LEN(worker_columns), "no workers");
}

int
clients_verb(struct ctl *ctl)
{
    json_t *rows = json_array(), *row;
    int code = admin_gather(ctl, "clients", NULL, rows);
    char text[24];
    size_t i;

    /* A random 64-bit number: text, whether it fits JSON's integers or not. */
    json_array_foreach(rows, i, row)
    {
        json_t *value = json_object_get(row, "incarnation");
        if (!json_is_integer(value))
            continue;
        snprintf(text, sizeof(text), "%" PRId64, (int64_t)json_integer_value(value));
        json_object_set_new(row, "incarnation", json_string(text));
    }
    return rows_show(ctl, rows, code, client_columns, ARRAY_LEN(client_columns), "no clients");
}

/* Until no broker knows the worker any more. */
static int
drain_await(struct ctl *ctl, struct admin **all, size_t n, const char *worker)
{
    int64_t deadline_us =
        clock_mono_us() + (ctl->options[OPTION_TIMEOUT] ? ctl->timeout_us : DRAIN_WAIT_US);

    for (;;) {
        json_t *rows = json_array(), *row;
        size_t i, there = 0;
        int code = EXIT_DONE;
        for (size_t b = 0; b < n && code == EXIT_DONE; b++)
            code = admin_exit(all[b], admin_request(all[b], "workers", NULL, rows, NULL));
        json_array_foreach(rows, i, row)
        {
            const char *name = json_string_value(json_object_get(row, "worker"));
            there += name != NULL && strcmp(name, worker) == 0;
        }
        json_decref(rows);
        if (code != EXIT_DONE || there == 0)
            return code;
        if (clock_mono_us() > deadline_us) {
            ctl_complain("worker %s has not left yet", worker);
            return EXIT_TEMPFAIL;
        }
        poll(NULL, 0, DRAIN_LOOK_MS);
    }
}

/* Every broker that knows the worker is asked. */
static int
drain_ask(struct admin **all, size_t n, const struct admin_argument *arguments)
{
    size_t asked = 0;

    for (size_t b = 0; b < n; b++) {
        int outcome = admin_request(all[b], "drain", arguments, NULL, NULL);
        if (outcome == ADMIN_OK)
            asked++;
        if (outcome != ADMIN_OK && (outcome != ADMIN_NOT_FOUND || (b + 1 == n && asked == 0)))
            return admin_exit(all[b], outcome);
    }
    return EXIT_DONE;
}

int
drain_verb(struct ctl *ctl)
{
    const struct admin_argument arguments[] = {{.key = "worker", .text = ctl->args[0]}, {0}};
    struct admin **all;
    size_t n;
    int code;

    if (ctl_confirm(ctl, &code, "drain worker %s", ctl->args[0]) == CONFIRM_NO)
        return code;
    all = admin_open_all(ctl, &n);
    if (all == NULL)
        return EXIT_CONFIG;
    bool wait = ctl->options[OPTION_WAIT] != NULL;
    code = drain_ask(all, n, arguments);
    if (code == EXIT_DONE && wait)
        code = drain_await(ctl, all, n, ctl->args[0]);
    if (code == EXIT_DONE)
        ctl_done(ctl, wait ? "worker %s has left" : "worker %s is draining", ctl->args[0]);
    admin_close_all(all, n);
    return code;
}
