/* status: who each broker is and how it does. */
#include <stdio.h>

#include "base/error.h"
#include "client/ctl/admin.h"
#include "client/ctl/table.h"
#include "client/ctl/verbs.h"

static const struct column columns[] = {
    {"endpoint", "endpoint", COLUMN_TEXT},       {"broker", "broker", COLUMN_TEXT},
    {"version", "version", COLUMN_TEXT},         {"intake", "intake", COLUMN_TEXT},
    {"uptime_us", "uptime", COLUMN_AGE},         {"epoch", "epoch", COLUMN_PLAIN},
    {"clients", "clients", COLUMN_COUNT},        {"workers", "workers", COLUMN_COUNT},
    {"live", "live messages", COLUMN_COUNT},     {"dead", "dead letters", COLUMN_COUNT},
    {"damaged", "lost to damage", COLUMN_COUNT}, {"journal_bytes", "journal", COLUMN_BYTES},
    {"segments", "segments", COLUMN_COUNT},      {"durable_seq", "durable to", COLUMN_PLAIN},
    {"resident_bytes", "memory", COLUMN_BYTES},
};

int
status_verb(struct ctl *ctl)
{
    json_t *rows = json_array(), *row;
    int code = admin_gather(ctl, "status", NULL, rows);
    size_t i;

    json_array_foreach(rows, i, row)
    {
        bool several = json_object_get(row, "endpoint") != NULL;
        if (i > 0 && !ctl->json)
            printf("\n");
        table_print_one(row, columns + !several, ARRAY_LEN(columns) - !several, ctl->json);
    }
    json_decref(rows);
    return code;
}
