/* Pure: no socket, no terminal. */
#include "client/ctl/top.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "client/ctl/format.h"
#include "client/ctl/rows.h"
#include "client/ctl/table.h"

static const struct column broker_columns[] = {
    {"endpoint", "broker", COLUMN_TEXT},
    {"intake", "intake", COLUMN_TEXT},
    {"live", "live", COLUMN_COUNT},
    {"dead", "dead", COLUMN_COUNT},
    {"clients", "clients", COLUMN_COUNT},
    {"workers", "workers", COLUMN_COUNT},
    {"busy", "busy", COLUMN_COUNT},
    {"journal_bytes", "journal", COLUMN_BYTES},
    {"resident_bytes", "memory", COLUMN_BYTES},
    {"uptime_us", "uptime", COLUMN_AGE},
};
static const struct column queue_columns[] = {
    {"service", "queue", COLUMN_TEXT},
    {"ready", "ready", COLUMN_COUNT},
    {"leased", "leased", COLUMN_COUNT},
    {"delayed", "delayed", COLUMN_COUNT},
    {"dead", "dead", COLUMN_COUNT},
    {"oldest_us", "oldest", COLUMN_AGE},
    {"accepted_per_s", "accepted/s", COLUMN_COUNT},
    {"finished_per_s", "finished/s", COLUMN_COUNT},
    {"workers", "workers", COLUMN_COUNT},
    {"busy", "busy", COLUMN_COUNT},
    {"paused", "paused", COLUMN_FLAG},
};

static json_t *
queue_find(const json_t *queues, const char *service)
{
    json_t *queue;
    size_t i;

    json_array_foreach((json_t *)(uintptr_t)queues, i, queue)
    {
        if (strcmp(row_text(queue, "service"), service) == 0)
            return queue;
    }
    return NULL;
}

static void
queue_add(json_t *queues, const json_t *row)
{
    static const char *const sums[] = {"ready",    "leased",   "delayed", "dead",
                                       "accepted", "finished", "workers"};
    json_t *queue = queue_find(queues, row_text(row, "service"));

    if (queue == NULL) {
        queue = json_pack("{s:s, s:i, s:i, s:b}", "service", row_text(row, "service"), "oldest_us",
                          0, "busy", 0, "paused", 0);
        json_array_append_new(queues, queue);
    }
    for (size_t i = 0; i < ARRAY_LEN(sums); i++)
        json_object_set_new(queue, sums[i],
                            json_integer(row_number(queue, sums[i]) + row_number(row, sums[i])));
    if (row_number(row, "oldest_us") > row_number(queue, "oldest_us"))
        json_object_set_new(queue, "oldest_us", json_integer(row_number(row, "oldest_us")));
    if (json_is_true(json_object_get(row, "paused")))
        json_object_set_new(queue, "paused", json_true());
}

json_t *
top_queues(const json_t *queues, const json_t *workers)
{
    json_t *all = json_array(), *row;
    size_t i;

    json_array_foreach((json_t *)(uintptr_t)queues, i, row) queue_add(all, row);
    json_array_foreach((json_t *)(uintptr_t)workers, i, row)
    {
        json_t *queue = queue_find(all, row_text(row, "service"));
        if (queue != NULL && row_number(row, "leases") > 0)
            json_object_set_new(queue, "busy", json_integer(row_number(queue, "busy") + 1));
    }
    return all;
}

void
top_rates(json_t *queues, const json_t *before, int64_t elapsed_us)
{
    static const struct {
        const char *counter, *rate;
    } rates[] = {{"accepted", "accepted_per_s"}, {"finished", "finished_per_s"}};
    json_t *queue;
    size_t i;

    json_array_foreach(queues, i, queue)
    {
        const json_t *then = queue_find(before, row_text(queue, "service"));
        for (size_t r = 0; r < ARRAY_LEN(rates); r++) {
            json_int_t more =
                row_number(queue, rates[r].counter) - row_number(then, rates[r].counter);
            bool known = then != NULL && elapsed_us > 0 && more >= 0;
            json_object_set_new(queue, rates[r].rate,
                                known
                                    ? json_integer((more * US_PER_S + elapsed_us / 2) / elapsed_us)
                                    : json_null());
        }
    }
}

static void
store_write(FILE *out, const char *name, const json_t *store)
{
    char why[256];

    snprintf(why, sizeof(why), "%s", row_text(store, "why"));
    format_fold(why);
    format_tame(why);
    fprintf(out, "%s %s%s%s", name, row_text(store, "state"), *why != '\0' ? ": " : "", why);
}

void
top_write(FILE *out, const json_t *look, int64_t interval_us)
{
    const json_t *alerts = json_object_get(look, "alerts"), *age;
    const json_t *queues = json_object_get(look, "queues");
    char text[FORMAT_SIZE];

    fprintf(out, "sluice  %.19sZ", row_text(look, "at"));
    if (interval_us > 0) {
        format_age(interval_us, text);
        fprintf(out, "  every %s, q ends", text);
    }
    fprintf(out, "\n\n");
    table_write(out, json_object_get(look, "brokers"), broker_columns, ARRAY_LEN(broker_columns));
    fprintf(out, "\n");
    if (json_array_size(queues) > 0)
        table_write(out, queues, queue_columns, ARRAY_LEN(queue_columns));
    else
        fprintf(out, "no queues\n");
    fprintf(out, "\n");
    store_write(out, "PostgreSQL", json_object_get(look, "postgres"));
    fprintf(out, "   ");
    store_write(out, "Redis", json_object_get(look, "redis"));
    fprintf(out, "\nopen alerts ");
    if (!json_is_object(alerts)) {
        fprintf(out, "unknown\n");
        return;
    }
    format_count((uint64_t)row_number(alerts, "open"), text);
    fprintf(out, "%s", text);
    format_count((uint64_t)row_number(alerts, "urgent"), text);
    fprintf(out, ", urgent %s", text);
    age = json_object_get(alerts, "urgent_oldest_us");
    if (json_is_integer(age)) {
        format_age(json_integer_value(age), text);
        fprintf(out, ", the oldest waits %s", text);
    }
    fprintf(out, "\n");
}

void
top_paint(FILE *out, const char *text, size_t lines)
{
    fprintf(out, "\033[H");
    for (size_t n = 0; *text != '\0' && (lines == 0 || n < lines); n++) {
        size_t len = strcspn(text, "\n");
        fprintf(out, "%s%.*s\033[K", n > 0 ? "\r\n" : "", (int)len, text);
        text += len + (text[len] == '\n');
    }
    fprintf(out, "\033[J");
}
