/* The equation as a table: a line an outcome, what the ledger says beside what rows there are. */
#include "client/ctl/reconcile_print.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "client/ctl/table.h"

static const char *
verdict_text(int code)
{
    return code == EXIT_DONE ? "balanced" : code == EXIT_FAILED ? "unequal" : "moving";
}

/* The kind of rows an outcome leaves; ORIGIN_KINDS: none. */
static enum origin_kind
kind_of(unsigned outcome)
{
    for (int k = 0; k < ORIGIN_KINDS; k++) {
        if (books_outcome_of((enum origin_kind)k) == outcome)
            return (enum origin_kind)k;
    }
    return ORIGIN_KINDS;
}

static json_t *
number(uint64_t n)
{
    return json_integer((json_int_t)n);
}

static void
json_print(const char *endpoint, const struct books *b, int code)
{
    char broker[UUID_TEXT_SIZE], id[UUID_TEXT_SIZE];
    json_t *object = json_object(), *rows = json_object(), *listed = json_array(),
           *faults = json_array();

    uuid_format(&b->broker, broker);
    json_object_set_new(object, "endpoint", json_string(endpoint));
    json_object_set_new(object, "broker", json_string(broker));
    json_object_set_new(object, "verdict", json_string(verdict_text(code)));
    json_object_set_new(object, "epoch", number(b->epoch));
    json_object_set_new(object, "accepted", number(b->accepted));
    for (unsigned o = 0; o < OUTCOME_LIMIT; o++) {
        if (outcome_is_counted(o))
            json_object_set_new(object, outcome_text(o), number(b->by_outcome[o]));
    }
    json_object_set_new(object, "live", number(b->live));
    json_object_set_new(object, "unacknowledged_damage", number(b->unacknowledged_damage));
    for (int k = 0; k < ORIGIN_KINDS; k++)
        json_object_set_new(rows, origin_kind_text((enum origin_kind)k), number(b->rows[k]));
    json_object_set_new(rows, "live", number(b->rows_live));
    json_object_set_new(rows, "dead", number(b->rows_dead));
    json_object_set_new(rows, "unacknowledged", number(b->rows_unacknowledged));
    json_object_set_new(rows, "unknown", number(b->rows_unknown));
    json_object_set_new(rows, "twice", number(b->rows_twice));
    json_object_set_new(object, "rows", rows);
    json_object_set_new(object, "duplicates_checked", number(b->duplicates));
    for (size_t i = 0; i < b->rows_unacknowledged && i < BOOKS_LISTED_MAX; i++) {
        const struct reconcile_row *r = &b->listed[i];
        uuid_format(&r->submission_id, id);
        json_array_append_new(listed,
                              json_pack("{s:I, s:I, s:s, s:s, s:s}", "epoch", (json_int_t)r->epoch,
                                        "seq", (json_int_t)r->seq, "kind",
                                        origin_kind_text(r->kind), "study", r->study, "id", id));
    }
    json_object_set_new(object, "unacknowledged", listed);
    for (size_t i = 0; i < b->n_faults; i++)
        json_array_append_new(faults, json_string(b->faults[i]));
    json_object_set_new(object, "faults", faults);
    table_print_json(object);
    json_decref(object);
}

static void
line_add(json_t *lines, const char *sign, const char *name, uint64_t ledger, json_t *rows)
{
    json_t *line =
        json_pack("{s:s, s:s, s:I}", "sign", sign, "name", name, "ledger", (json_int_t)ledger);

    if (rows != NULL)
        json_object_set_new(line, "rows", rows);
    json_array_append_new(lines, line);
}

static void
listed_print(const struct books *b)
{
    char id[UUID_TEXT_SIZE];

    if (b->rows_unacknowledged == 0)
        return;
    printf("%" PRIu64 " rows whose message a crash took before it was acknowledged (no error):\n",
           b->rows_unacknowledged);
    for (size_t i = 0; i < b->rows_unacknowledged && i < BOOKS_LISTED_MAX; i++) {
        const struct reconcile_row *r = &b->listed[i];
        uuid_format(&r->submission_id, id);
        printf("  %" PRIu64 "-%" PRIu64 "  %s  %s %s\n", r->epoch, r->seq,
               origin_kind_text(r->kind), r->study, id);
    }
}

static void
people_print(const char *endpoint, const struct books *b, int code)
{
    static const struct column columns[] = {{"sign", "", COLUMN_TEXT},
                                            {"name", "", COLUMN_TEXT},
                                            {"ledger", "ledger", COLUMN_COUNT},
                                            {"rows", "rows", COLUMN_COUNT}};
    char broker[UUID_TEXT_SIZE];
    json_t *lines = json_array();
    const char *sign = "=";

    uuid_format(&b->broker, broker);
    printf("broker %s at %s, epoch %" PRIu64 "\n", broker, endpoint, b->epoch);
    line_add(lines, "", "accepted", b->accepted, NULL);
    for (unsigned o = 0; o < OUTCOME_LIMIT; o++) {
        if (!outcome_is_counted(o))
            continue;
        enum origin_kind kind = kind_of(o);
        json_t *rows = NULL;
        if (kind != ORIGIN_KINDS)
            rows = number(b->rows[kind]);
        else if (o == OUTCOME_DEAD)
            rows = number(b->rows_dead);
        line_add(lines, sign, outcome_text(o), b->by_outcome[o], rows);
        sign = "+";
    }
    line_add(lines, sign, "live", b->live, number(b->rows_live));
    table_print(lines, columns, ARRAY_LEN(columns), false, "");
    json_decref(lines);
    if (b->duplicates > 0)
        printf("%" PRIu64 " duplicates looked up: %" PRIu64 " of them not stored\n", b->duplicates,
               b->duplicates_not_stored);
    listed_print(b);
    for (size_t i = 0; i < b->n_faults; i++)
        printf("fault: %s\n", b->faults[i]);
    if (code == EXIT_TEMPFAIL)
        printf("not settled: messages moved while they were counted (try --settle 20s)\n");
    else
        printf("%s\n", code == EXIT_DONE ? "balanced" : "NOT BALANCED");
}

void
reconcile_print(const struct ctl *ctl, const char *endpoint, const struct books *b, int code)
{
    if (ctl->json)
        json_print(endpoint, b, code);
    else
        people_print(endpoint, b, code);
}
