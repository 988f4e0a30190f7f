/* rejections list, show: what was accepted and not stored, and why. Never a body. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "client/ctl/admin.h"
#include "client/ctl/database.h"
#include "client/ctl/listing.h"
#include "client/ctl/rejections.h"
#include "client/ctl/verbs.h"

#define ROWS 100
#define ROWS_MAX 1000000
#define ATTEMPTS_MAX 1000 /* rows of one submission that are shown */

static const struct column columns[] = {
    {"recorded_us", "when", COLUMN_TIME},
    {"kind", "kind", COLUMN_TEXT},
    {"study", "study", COLUMN_TEXT},
    {"subject", "subject", COLUMN_TEXT},
    {"questionnaire", "questionnaire", COLUMN_TEXT},
    {"what", "rules", COLUMN_TEXT},
    {"resolved", "resolved", COLUMN_FLAG},
    {"origin", "origin", COLUMN_TEXT},
    {"id", "id", COLUMN_TEXT},
    {"version", "version", COLUMN_TEXT}, /* shown: from here on */
    {"received_us", "received", COLUMN_TIME},
    {"accepted_us", "accepted", COLUMN_TIME},
    {"kept", "original kept", COLUMN_FLAG},
};
#define COLUMNS_LIST 9

static const struct column reason_columns[] = {
    {"rule", "rule", COLUMN_TEXT},
    {"pointer", "where", COLUMN_TEXT},
    {"detail", "what", COLUMN_TEXT},
};

bool
rejections_filter_read(const struct ctl *ctl, struct rejections_filter *ret)
{
    static const char *const kinds[] = {"held", "rejected", "conflict"};
    const char *kind = ctl->options[OPTION_KIND];
    bool known = kind == NULL;

    *ret = (struct rejections_filter){
        .study = ctl->options[OPTION_STUDY], .kind = kind, .rule = ctl->options[OPTION_RULE]};
    for (size_t i = 0; i < ARRAY_LEN(kinds) && !known; i++)
        known = strcmp(kinds[i], kind) == 0;
    if (!known) {
        ctl_complain("--kind is held, rejected or conflict");
        return false;
    }
    return ctl_since(ctl, &ret->since_us);
}

bool
rejections_filter_name(const char *text, struct rejection_name *ret_name,
                       struct rejections_filter *filter)
{
    bool has_broker;

    filter->id = filter->broker = NULL;
    filter->epoch = filter->seq = 0;
    if (uuid_parse(text, strlen(text), &ret_name->id)) {
        filter->id = &ret_name->id;
        return true;
    }
    if (origin_parse(text, &ret_name->broker, &has_broker, &filter->epoch, &filter->seq) &&
        filter->epoch > 0) {
        filter->broker = has_broker ? &ret_name->broker : NULL;
        return true;
    }
    ctl_complain("'%s' is neither a submission's id nor an origin (EPOCH-SEQ, UUID-EPOCH-SEQ)",
                 text);
    return false;
}

static void
rules_join(const json_t *rows)
{
    json_t *row;
    size_t i;

    json_array_foreach((json_t *)(uintptr_t)rows, i, row)
    {
        char *rules = listing_join(json_object_get(row, "rules"));
        json_object_set_new(row, "what", json_string(rules));
        free(rules);
    }
}

static int
rejections_read(const struct ctl *ctl, const struct rejections_filter *filter, bool reasons,
                uint64_t limit, json_t *rows)
{
    struct store *s;
    int code = database_open(ctl, true, &s);

    if (code != EXIT_DONE)
        return code;
    code = database_exit(s, store_rejections_list(s, filter, reasons, limit, listing_take, rows));
    store_free(s);
    return code;
}

int
rejections_list_verb(struct ctl *ctl)
{
    struct rejections_filter filter;
    uint64_t limit;

    if (!rejections_filter_read(ctl, &filter) ||
        !ctl_count(ctl, OPTION_LIMIT, ROWS, ROWS_MAX, &limit))
        return EXIT_USAGE;
    json_t *rows = json_array();
    int code = rejections_read(ctl, &filter, false, limit, rows);
    if (code == EXIT_DONE) {
        if (!ctl->json)
            rules_join(rows);
        table_print(rows, columns, COLUMNS_LIST, ctl->json, "no rejections");
    }
    json_decref(rows);
    return code;
}

int
rejections_show_verb(struct ctl *ctl)
{
    struct rejections_filter filter = {.study = ctl->options[OPTION_STUDY]};
    struct rejection_name name;
    json_t *row;
    size_t i;

    if (!rejections_filter_name(ctl->args[0], &name, &filter))
        return EXIT_USAGE;
    json_t *rows = json_array();
    int code = rejections_read(ctl, &filter, true, ATTEMPTS_MAX, rows);
    if (code == EXIT_DONE && json_array_size(rows) == 0) {
        ctl_complain("no rejection has the %s %s", filter.id != NULL ? "id" : "origin",
                     ctl->args[0]);
        code = EXIT_FAILED;
    }
    if (!ctl->json)
        rules_join(rows);
    json_array_foreach(rows, i, row)
    {
        if (i > 0 && !ctl->json)
            printf("\n");
        table_print_one(row, columns, ARRAY_LEN(columns), ctl->json);
        if (!ctl->json)
            table_print(json_object_get(row, "reasons"), reason_columns, ARRAY_LEN(reason_columns),
                        false, "no reasons");
    }
    json_decref(rows);
    return code;
}
