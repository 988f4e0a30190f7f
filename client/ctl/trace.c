/* trace ID: what the brokers hold, what they remember having finished, and what the database keeps,
 * as one timeline. A held or rejected study unknown to the database needs --study. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "client/ctl/admin.h"
#include "client/ctl/database.h"
#include "client/ctl/table.h"
#include "client/ctl/verbs.h"
#include "store/trace.h"

#define ORIGIN_SIZE 96
#define ERRORS_SHOWN 3 /* to people; scripts get all */

static const struct column columns[] = {
    {"at_us", "when", COLUMN_TIME},    {"event", "what", COLUMN_TEXT},
    {"where", "said by", COLUMN_TEXT}, {"study", "study", COLUMN_TEXT},
    {"origin", "origin", COLUMN_TEXT}, {"detail", "detail", COLUMN_TEXT},
};

struct trace {
    json_t *rows;
    char id[UUID_TEXT_SIZE];
    const char *study;  /* only this one, or NULL */
    const char *broker; /* whose answers are being taken: its uuid */
};

static void
origin_format(char ret[ORIGIN_SIZE], const char *broker, int64_t epoch, int64_t seq)
{
    snprintf(ret, ORIGIN_SIZE, "%s-%" PRId64 "-%" PRId64, broker, epoch, seq);
}

/* Two may know the same (both tables and the broker know when it was accepted): told once. NULL
 * then, else the row, to which more may be added. */
static json_t *
event_add(struct trace *t, int64_t at_us, const char *event, const char *where, const char *study,
          const char *origin)
{
    json_t *row;
    size_t i;

    json_array_foreach(t->rows, i, row)
    {
        if (strcmp(json_string_value(json_object_get(row, "event")), event) == 0 &&
            strcmp(json_string_value(json_object_get(row, "origin")), origin) == 0)
            return NULL;
    }
    row = json_pack("{s:s, s:I, s:s, s:s, s:s?, s:s}", "id", t->id, "at_us", (json_int_t)at_us,
                    "event", event, "where", where, "study", study, "origin", origin);
    sluice_assert(row != NULL);
    /* by time; what happened at the same time stays in the order told */
    for (i = json_array_size(t->rows); i > 0; i--) {
        if (json_integer_value(json_object_get(json_array_get(t->rows, i - 1), "at_us")) <= at_us)
            break;
    }
    json_array_insert_new(t->rows, i, row);
    return row;
}

/* "required /answers/pain, required /answers/wokeAt and 4 more" */
static void
errors_tell(json_t *row, const char *reasons)
{
    json_t *errors = json_loads(reasons, 0, NULL), *error;
    char text[512] = "";
    size_t i, at = 0;

    json_array_foreach(errors, i, error)
    {
        const char *rule = json_string_value(json_object_get(error, "rule"));
        const char *pointer = json_string_value(json_object_get(error, "pointer"));
        if (i == ERRORS_SHOWN) {
            snprintf(text + at, sizeof(text) - at, " and %zu more", json_array_size(errors) - i);
            break;
        }
        int n = snprintf(text + at, sizeof(text) - at, "%s%s %s", i > 0 ? ", " : "",
                         rule != NULL ? rule : "?", pointer != NULL ? pointer : "");
        at = at + (size_t)n < sizeof(text) ? at + (size_t)n : sizeof(text) - 1;
    }
    json_object_set_new(row, "detail", json_string(text));
    if (errors != NULL)
        json_object_set_new(row, "errors", errors);
}

static void
database_take(void *arg, const struct trace_row *row)
{
    struct trace *t = arg;
    char origin[ORIGIN_SIZE], broker[UUID_TEXT_SIZE], detail[512];

    uuid_format(&row->broker, broker);
    origin_format(origin, broker, (int64_t)row->epoch, (int64_t)row->seq);
    event_add(t, row->received_us, "received", "database", row->study, origin);
    event_add(t, row->accepted_us, "accepted", "database", row->study, origin);
    json_t *event = event_add(t, row->recorded_us, row->kind, "database", row->study, origin);
    if (event == NULL)
        return;
    if (row->reasons != NULL) {
        errors_tell(event, row->reasons);
        return;
    }
    snprintf(detail, sizeof(detail), "%s %s", row->questionnaire, row->version);
    json_object_set_new(event, "detail", json_string(detail));
}

static bool
study_fits(const struct trace *t, const char *study)
{
    return t->study == NULL || (study != NULL && strcmp(t->study, study) == 0);
}

static void
live_take(struct trace *t, const json_t *row)
{
    const char *study = json_string_value(json_object_get(row, "scope"));
    const char *state = json_string_value(json_object_get(row, "state"));
    const char *reason = json_string_value(json_object_get(row, "reason"));
    char origin[ORIGIN_SIZE], detail[256];

    if (state == NULL || !study_fits(t, study))
        return;
    origin_format(origin, t->broker, json_integer_value(json_object_get(row, "epoch")),
                  json_integer_value(json_object_get(row, "seq")));
    event_add(t, json_integer_value(json_object_get(row, "accepted_us")), "accepted", "broker",
              study, origin);
    snprintf(detail, sizeof(detail), "attempt %" PRId64 "%s%s",
             (int64_t)json_integer_value(json_object_get(row, "attempt")),
             reason != NULL ? ", " : "", reason != NULL ? reason : "");
    json_t *event = event_add(t, clock_wall_us(), state, "broker", study, origin);
    if (event != NULL)
        json_object_set_new(event, "detail", json_string(detail));
}

static int
done_take(void *arg, json_t *row)
{
    struct trace *t = arg;
    const char *id = json_string_value(json_object_get(row, "id"));
    const char *outcome = json_string_value(json_object_get(row, "outcome"));
    char origin[ORIGIN_SIZE], event[64];

    if (id == NULL || outcome == NULL || strcmp(id, t->id) != 0)
        return 0;
    origin_format(origin, t->broker, json_integer_value(json_object_get(row, "epoch")),
                  json_integer_value(json_object_get(row, "seq")));
    snprintf(event, sizeof(event), "reported %s", outcome);
    event_add(t, json_integer_value(json_object_get(row, "finished_us")), event, "broker", NULL,
              origin);
    return 0;
}

static int
broker_trace(struct trace *t, struct admin *a, const struct uuid *id)
{
    const struct admin_argument arguments[] = {{.key = "id", .id = id}, {0}};
    json_t *status = json_array(), *rows = json_array(), *row;
    size_t i;

    int outcome = admin_request(a, "status", NULL, status, NULL);
    t->broker = json_string_value(json_object_get(json_array_get(status, 0), "broker"));
    if (outcome == ADMIN_OK && t->broker == NULL)
        outcome = ADMIN_GARBLED;
    if (outcome == ADMIN_OK)
        outcome = admin_request(a, "trace", arguments, rows, NULL);
    if (outcome == ADMIN_NOT_FOUND) /* no longer live: the usual case */
        outcome = ADMIN_OK;
    json_array_foreach(rows, i, row) live_take(t, row);
    if (outcome == ADMIN_OK)
        outcome = admin_pages(a, "done", NULL, done_take, t);
    json_decref(rows);
    json_decref(status);
    return admin_exit(a, outcome);
}

static int
database_trace(const struct ctl *ctl, struct trace *t, const struct uuid *id)
{
    struct store *s;
    int code = database_open(ctl, true, &s);

    if (code != EXIT_DONE)
        return code;
    code = database_exit(s, store_trace(s, id, t->study, database_take, t));
    store_free(s);
    return code;
}

int
trace_verb(struct ctl *ctl)
{
    struct trace t = {.rows = json_array(), .study = ctl->options[OPTION_STUDY]};
    struct uuid id;
    size_t n = 0;
    int code;

    if (!uuid_parse(ctl->args[0], strlen(ctl->args[0]), &id)) {
        ctl_complain("'%s' is no UUID; the answer to a submission names its id", ctl->args[0]);
        json_decref(t.rows);
        return EXIT_USAGE;
    }
    uuid_format(&id, t.id);
    code = database_trace(ctl, &t, &id);
    struct admin **all = admin_open_all(ctl, &n);
    for (size_t b = 0; all != NULL && b < n; b++) {
        int own = broker_trace(&t, all[b], &id);
        if (own != EXIT_DONE)
            code = own;
    }
    if (all != NULL)
        admin_close_all(all, n);
    else
        code = EXIT_CONFIG;
    bool found = json_array_size(t.rows) > 0;
    if (found)
        table_print(t.rows, columns, ARRAY_LEN(columns), ctl->json, "");
    else if (code == EXIT_DONE)
        ctl_complain("nothing is known of %s", t.id);
    json_decref(t.rows);
    return code == EXIT_DONE && !found ? EXIT_FAILED : code;
}
