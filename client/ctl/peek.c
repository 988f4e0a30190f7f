/* peek: the oldest messages of a queue; envelope only. */
#include "client/ctl/messages.h"

#include "base/error.h"
#include "client/ctl/admin.h"
#include "client/ctl/verbs.h"

#define PEEK_ROWS 20
#define PEEK_ROWS_MAX 1000

const struct column message_columns[] = {
    {"id", "id", COLUMN_TEXT},        {"scope", "study", COLUMN_TEXT},
    {"epoch", "epoch", COLUMN_PLAIN}, {"seq", "seq", COLUMN_PLAIN},
    {"state", "state", COLUMN_TEXT},  {"attempt", "attempt", COLUMN_COUNT},
    {"kills", "kills", COLUMN_COUNT}, {"age_us", "age", COLUMN_AGE},
    {"bytes", "size", COLUMN_BYTES},  {"reason", "reason", COLUMN_TEXT},
};
const size_t message_columns_count = ARRAY_LEN(message_columns);

int
peek_verb(struct ctl *ctl)
{
    uint64_t limit;

    if (!ctl_count(ctl, OPTION_LIMIT, PEEK_ROWS, PEEK_ROWS_MAX, &limit))
        return EXIT_USAGE;
    const struct admin_argument arguments[] = {
        {.key = "service", .text = ctl->args[0]}, {.key = "limit", .number = limit}, {0}};
    json_t *rows = json_array();
    int code = admin_gather(ctl, "peek", arguments, rows);
    if (code == EXIT_DONE || json_array_size(rows) > 0)
        table_print(rows, message_columns, message_columns_count - 1, ctl->json, "nothing waits");
    json_decref(rows);
    return code;
}
