/* queues, pause, resume. */
#include <stdio.h>

#include "base/error.h"
#include "client/ctl/admin.h"
#include "client/ctl/table.h"
#include "client/ctl/verbs.h"

static const struct column columns[] = {
    {"service", "queue", COLUMN_TEXT},      {"ready", "ready", COLUMN_COUNT},
    {"leased", "leased", COLUMN_COUNT},     {"delayed", "delayed", COLUMN_COUNT},
    {"oldest_us", "oldest", COLUMN_AGE},    {"dead", "dead", COLUMN_COUNT},
    {"volatile", "volatile", COLUMN_COUNT}, {"accepted", "accepted", COLUMN_COUNT},
    {"finished", "finished", COLUMN_COUNT}, {"workers", "workers", COLUMN_COUNT},
    {"credit", "credit", COLUMN_COUNT},     {"paused", "paused", COLUMN_FLAG},
    {"endpoint", "endpoint", COLUMN_TEXT},
};

int
queues_verb(struct ctl *ctl)
{
    json_t *rows = json_array();
    int code = admin_gather(ctl, "queues", NULL, rows);
    bool several = json_object_get(json_array_get(rows, 0), "endpoint") != NULL;

    if (code == EXIT_DONE || json_array_size(rows) > 0)
        table_print(rows, columns, ARRAY_LEN(columns) - !several, ctl->json, "no queues yet");
    json_decref(rows);
    return code;
}

static int
queue_change(struct ctl *ctl, const char *verb, const char *would, const char *done)
{
    const struct admin_argument arguments[] = {{.key = "service", .text = ctl->args[0]}, {0}};
    json_t *rows;
    int code;

    if (ctl_confirm(ctl, &code, "%s queue %s", would, ctl->args[0]) == CONFIRM_NO)
        return code;
    rows = json_array();
    code = admin_gather(ctl, verb, arguments, rows);
    json_decref(rows);
    if (code == EXIT_DONE)
        ctl_done(ctl, "%s queue %s", done, ctl->args[0]);
    return code;
}

int
pause_verb(struct ctl *ctl)
{
    return queue_change(ctl, "pause", "pause", "paused");
}

int
resume_verb(struct ctl *ctl)
{
    return queue_change(ctl, "resume", "resume", "resumed");
}
