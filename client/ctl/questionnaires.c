/* questionnaire check, list, show. check needs no database: for those who write definitions. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "client/ctl/database.h"
#include "client/ctl/listing.h"
#include "client/ctl/verbs.h"
#include "store/catalog_list.h"
#include "store/valuesets.h"

static const struct column columns[] = {
    {"name", "name", COLUMN_TEXT},
    {"version", "version", COLUMN_TEXT},
    {"status", "status", COLUMN_TEXT},
    {"items", "items", COLUMN_COUNT},
    {"loaded_us", "loaded", COLUMN_TIME},
    {"used", "used", COLUMN_FLAG},
    {"unchecked", "unchecked", COLUMN_FLAG},
    {"title", "title", COLUMN_TEXT},
    {"url", "url", COLUMN_TEXT},
    {"active", "active", COLUMN_FLAG},
    {"default", "default", COLUMN_FLAG},
};
#define COLUMNS_WITHOUT_STUDY 9

static const struct column item_columns[] = {
    {"path", "item", COLUMN_TEXT},       {"type", "type", COLUMN_TEXT},
    {"repeats", "repeats", COLUMN_FLAG}, {"options", "options", COLUMN_COUNT},
    {"unit", "unit", COLUMN_TEXT},       {"identifier", "identifier", COLUMN_TEXT},
    {"text", "text", COLUMN_TEXT},
};

struct checking {
    bool json;
    size_t warnings;
};

static void
finding_say(void *arg, bool refusal, const char *text)
{
    struct checking *c = arg;

    c->warnings += !refusal;
    if (!c->json) {
        printf("%s: %s\n", refusal ? "refused" : "warning", text);
        return;
    }
    json_t *row = json_pack("{s:s, s:s}", "finding", refusal ? "refused" : "warning", "text", text);
    if (row != NULL) /* a definition may say what is no UTF-8 */
        table_print_json(row);
    json_decref(row);
}

/* The files behind the first one. EXIT_DONE, or the exit code after a complaint. */
static int
valuesets_collect(const struct ctl *ctl, struct valuesets *valuesets)
{
    int code = EXIT_DONE;

    for (size_t i = 1; i < ctl->n_args && code == EXIT_DONE; i++) {
        char *canonical = NULL, *why = NULL;
        size_t len;
        char *text = ctl_file_read(ctl->args[i], CTL_FILE_MAX, &len);
        if (text == NULL) {
            code = EXIT_USAGE;
        } else if (questionnaire_valueset_check(text, len, &canonical, &why) != QUESTIONNAIRE_OK) {
            ctl_complain("%s: %s", ctl->args[i], why);
            code = EXIT_FAILED;
        } else {
            char *bar = strchr(canonical, '|');
            if (bar != NULL)
                *bar = '\0';
            valuesets_add(valuesets, canonical, bar != NULL ? bar + 1 : "", 0, text, len);
        }
        free(canonical);
        free(why);
        free(text);
    }
    return code;
}

static int
definition_check(struct ctl *ctl, const struct valuesets *valuesets)
{
    struct checking checking = {.json = ctl->json};
    struct catalog_load load = {.url = ctl->options[OPTION_URL],
                                .version = ctl->options[OPTION_AS_VERSION],
                                .unchecked = ctl->options[OPTION_UNCHECKED] != NULL,
                                .say = finding_say,
                                .arg = &checking};
    struct catalog_loaded loaded = {0};
    char *text = ctl_file_read(ctl->args[0], CTL_FILE_MAX, &load.len);

    if (text == NULL)
        return EXIT_USAGE;
    load.json = text;
    bool sound = catalog_questionnaire_check(&load, valuesets, &loaded);
    free(text);
    if (ctl->json) {
        json_t *row =
            json_pack("{s:s, s:s*, s:I, s:I}", "verdict", sound ? "sound" : "refused",
                      "questionnaire", sound ? loaded.name : NULL, "items",
                      (json_int_t)loaded.count, "warnings", (json_int_t)checking.warnings);
        table_print_json(row);
        json_decref(row);
    } else if (sound) {
        printf("%s is sound: %zu item%s\n", loaded.name, loaded.count,
               loaded.count == 1 ? "" : "s");
    }
    return sound ? EXIT_DONE : EXIT_FAILED;
}

int
questionnaire_check_verb(struct ctl *ctl)
{
    struct valuesets *valuesets = valuesets_new();

    int code = valuesets_collect(ctl, valuesets);
    if (code == EXIT_DONE)
        code = definition_check(ctl, valuesets);
    valuesets_free(valuesets);
    return code;
}

int
questionnaire_list_verb(struct ctl *ctl)
{
    const char *study = ctl->options[OPTION_STUDY];
    json_t *rows;
    struct store *s;

    int code = database_open(ctl, true, &s);
    if (code != EXIT_DONE)
        return code;
    rows = json_array();
    code = database_exit(s, store_questionnaires_list(s, study, listing_take, rows));
    if (code == EXIT_DONE && study != NULL && json_array_size(rows) > 0 &&
        json_object_get(json_array_get(rows, 0), "active") == NULL) {
        ctl_complain("study %s is not loaded", study);
        code = EXIT_FAILED;
    }
    if (code == EXIT_DONE)
        table_print(rows, columns, study != NULL ? ARRAY_LEN(columns) : COLUMNS_WITHOUT_STUDY,
                    ctl->json, "no questionnaire is loaded");
    json_decref(rows);
    store_free(s);
    return code;
}

int
questionnaire_show_verb(struct ctl *ctl)
{
    const char *name = ctl->args[0], *version = ctl->n_args > 1 ? ctl->args[1] : NULL;
    json_t *rows, *row;
    struct store *s;

    int code = database_open(ctl, true, &s);
    if (code != EXIT_DONE)
        return code;
    rows = json_array();
    code = database_exit(s, store_questionnaire_show(s, name, version, listing_take, rows));
    row = json_array_get(rows, 0);
    if (code == EXIT_DONE && row == NULL) {
        ctl_complain("no questionnaire '%s'%s%s is loaded", name,
                     version != NULL ? " of version " : "", version != NULL ? version : "");
        code = EXIT_FAILED;
    } else if (code == EXIT_DONE) {
        table_print_one(row, columns, COLUMNS_WITHOUT_STUDY, ctl->json);
        if (!ctl->json) {
            printf("\n");
            table_print(json_object_get(row, "item"), item_columns, ARRAY_LEN(item_columns), false,
                        "no items");
        }
    }
    json_decref(rows);
    store_free(s);
    return code;
}
