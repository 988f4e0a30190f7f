/* shape: asks every broker step by step, or the database where it is about forms. */
#include <string.h>

#include "base/error.h"
#include "client/ctl/admin.h"
#include "client/ctl/database.h"
#include "client/ctl/shape.h"
#include "client/ctl/table.h"
#include "client/ctl/verbs.h"

#define SHAPE_LINES 50
#define ROW_STRANGE 1000 /* a row of another kind: never an admin_outcome */

/* FROM_BROKER: ages of what a queue holds. FROM_DATABASE: of what was accepted and not stored. */
static const struct {
    const char *name;
    enum { FROM_BROKER, FROM_DATABASE } from;
} ways[] = {{"study", FROM_BROKER},
            {"state", FROM_BROKER},
            {"reason", FROM_BROKER},
            {"form", FROM_DATABASE},
            {"error", FROM_DATABASE}};

struct asking {
    struct shape *shape;
    const char *by;
};

static int
row_take(void *arg, json_t *row)
{
    const struct asking *a = arg;

    return shape_add_row(a->shape, row, strcmp(a->by, "state") == 0) ? ADMIN_OK : ROW_STRANGE;
}

static int
brokers_ask(const struct ctl *ctl, struct asking *a)
{
    const struct admin_argument arguments[] = {
        {.key = "service", .text = ctl->args[0]}, {.key = "by", .text = a->by}, {0}};
    int code = EXIT_DONE;
    size_t n, found = 0;

    struct admin **all = admin_open_all(ctl, &n);
    if (all == NULL)
        return EXIT_CONFIG;
    for (size_t b = 0; b < n; b++) {
        int outcome = admin_pages(all[b], "shape", arguments, row_take, a);
        found += outcome == ADMIN_OK;
        /* A broker that never saw the queue holds nothing of it, unless none knows it. */
        if (outcome != ADMIN_OK && (outcome != ADMIN_NOT_FOUND || (b + 1 == n && found == 0)))
            code = admin_exit(all[b], outcome == ROW_STRANGE ? ADMIN_GARBLED : outcome);
    }
    admin_close_all(all, n);
    return code;
}

static void
unstored_take(void *arg, const char *text, size_t len)
{
    json_t *row = json_loadb(text, len, 0, NULL);
    const char *name, *state;
    json_int_t age, count, oldest_us;

    int r = json_unpack(row, "{s:s, s:s, s:I, s:I, s:I}", "name", &name, "state", &state, "age",
                        &age, "n", &count, "oldest_us", &oldest_us);
    sluice_assert(r == 0 && age >= 0 && age < SHAPE_AGES); /* the store's JSON is our own */
    shape_add(arg, name, state, (size_t)age, count, oldest_us);
    json_decref(row);
}

static int
database_ask(const struct ctl *ctl, struct asking *a)
{
    struct store *s;

    if (strcmp(ctl->args[0], "submissions") != 0) {
        ctl_complain("--by %s: only 'submissions' has forms", a->by);
        return EXIT_USAGE;
    }
    int code = database_open(ctl, true, &s);
    if (code != EXIT_DONE)
        return code;
    code = database_exit(s, store_shape(s, strcmp(a->by, "error") == 0, unstored_take, a->shape));
    store_free(s);
    return code;
}

int
shape_verb(struct ctl *ctl)
{
    const char *by = ctl->options[OPTION_BY] != NULL ? ctl->options[OPTION_BY] : "study";
    uint64_t limit;
    size_t way = 0;

    if (!ctl_count(ctl, OPTION_LIMIT, SHAPE_LINES, SHAPE_NAMES_MAX, &limit))
        return EXIT_USAGE;
    while (way < ARRAY_LEN(ways) && strcmp(ways[way].name, by) != 0)
        way++;
    if (way == ARRAY_LEN(ways)) {
        ctl_complain("--by '%s' is none of study, state, reason, form, error", by);
        return EXIT_USAGE;
    }
    struct asking a = {.shape = shape_new(), .by = by};
    int code = ways[way].from == FROM_BROKER ? brokers_ask(ctl, &a) : database_ask(ctl, &a);
    json_t *rows = shape_rows(a.shape, by, (size_t)limit);
    if (code == EXIT_DONE || json_array_size(rows) > 1) {
        if (ctl->json)
            table_print(rows, NULL, 0, true, "");
        else
            shape_print(rows, by);
    }
    json_decref(rows);
    shape_free(a.shape);
    return code;
}
