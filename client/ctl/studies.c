/* study list, study history: what is loaded, and every version of a study's file. */
#include <stdio.h>

#include "base/error.h"
#include "client/ctl/database.h"
#include "client/ctl/listing.h"
#include "client/ctl/verbs.h"
#include "store/catalog_list.h"

static const struct column columns[] = {
    {"study", "study", COLUMN_TEXT},
    {"status", "status", COLUMN_TEXT},
    {"version", "version", COLUMN_PLAIN},
    {"sites", "sites", COLUMN_COUNT},
    {"subjects", "subjects", COLUMN_COUNT},
    {"default_questionnaire", "default questionnaire", COLUMN_TEXT},
    {"loaded_us", "loaded", COLUMN_TIME},
    {"title", "title", COLUMN_TEXT},
};

static const struct column version_columns[] = {
    {"version", "version", COLUMN_PLAIN},
    {"loaded_us", "loaded", COLUMN_TIME},
    {"loaded_by", "by", COLUMN_TEXT},
    {"reason", "reason", COLUMN_TEXT},
};

int
study_list_verb(struct ctl *ctl)
{
    json_t *rows;
    struct store *s;

    int code = database_open(ctl, true, &s);
    if (code != EXIT_DONE)
        return code;
    rows = json_array();
    code = database_exit(s, store_studies_list(s, listing_take, rows));
    if (code == EXIT_DONE)
        table_print(rows, columns, ARRAY_LEN(columns), ctl->json, "no study is loaded");
    json_decref(rows);
    store_free(s);
    return code;
}

int
study_history_verb(struct ctl *ctl)
{
    json_t *rows;
    struct store *s;

    int code = database_open(ctl, true, &s);
    if (code != EXIT_DONE)
        return code;
    rows = json_array();
    code = database_exit(s, store_study_versions(s, ctl->args[0], listing_take, rows));
    if (code == EXIT_DONE && json_array_size(rows) == 0) {
        ctl_complain("study %s is not loaded", ctl->args[0]);
        code = EXIT_FAILED;
    } else if (code == EXIT_DONE) {
        table_print(rows, version_columns, ARRAY_LEN(version_columns), ctl->json, "");
    }
    json_decref(rows);
    store_free(s);
    return code;
}
