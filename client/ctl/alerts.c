/* alerts list, show (from the database), ack, close (through the edge, so that it stands in the
 * audit trail with the token's user). */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "client/ctl/database.h"
#include "client/ctl/edge.h"
#include "client/ctl/listing.h"
#include "client/ctl/verbs.h"
#include "store/alerts_list.h"

#define ROWS 100
#define ROWS_MAX 1000000

static const struct column columns[] = {
    {"raised_us", "raised", COLUMN_TIME},
    {"severity", "severity", COLUMN_TEXT},
    {"state", "state", COLUMN_TEXT},
    {"waits_us", "waits", COLUMN_AGE},
    {"study", "study", COLUMN_TEXT},
    {"site", "site", COLUMN_TEXT},
    {"subject", "subject", COLUMN_TEXT},
    {"rule", "rule", COLUMN_TEXT},
    {"count", "times", COLUMN_COUNT},
    {"late", "late", COLUMN_FLAG},
    {"provisional", "provisional", COLUMN_FLAG},
    {"id", "id", COLUMN_TEXT},
    {"kind", "kind", COLUMN_TEXT}, /* shown: from here on */
    {"questionnaire", "questionnaire", COLUMN_TEXT},
    {"submission", "submission", COLUMN_TEXT},
    {"revision", "revision", COLUMN_PLAIN},
    {"seq", "seq", COLUMN_PLAIN},
};
#define COLUMNS_LIST 12

static const struct column event_columns[] = {
    {"at_us", "when", COLUMN_TIME},   {"event", "what", COLUMN_TEXT},
    {"actor", "who", COLUMN_TEXT},    {"role", "role", COLUMN_TEXT},
    {"recipient", "to", COLUMN_TEXT}, {"attempt", "attempt", COLUMN_PLAIN},
    {"note", "note", COLUMN_TEXT},
};

static bool
word_read(const struct ctl *ctl, enum option option, const char *const *words, const char **ret)
{
    const char *text = ctl->options[option];

    *ret = text;
    for (const char *const *w = words; text != NULL; w++) {
        if (*w == NULL)
            return false;
        if (strcmp(*w, text) == 0)
            break;
    }
    return true;
}

static int
alerts_read(const struct ctl *ctl, const struct alerts_filter *filter, uint64_t limit, json_t *rows)
{
    struct store *s;
    int code = database_open(ctl, true, &s);

    if (code != EXIT_DONE)
        return code;
    code = database_exit(s, store_alerts_list(s, filter, limit, listing_take, rows));
    store_free(s);
    return code;
}

int
alerts_list_verb(struct ctl *ctl)
{
    static const char *const states[] = {"open", "acknowledged", "closed", "all", NULL};
    static const char *const severities[] = {"info", "warning", "urgent", NULL};
    struct alerts_filter filter = {.study = ctl->options[OPTION_STUDY]};
    uint64_t limit;

    if (!word_read(ctl, OPTION_STATE, states, &filter.state) ||
        !word_read(ctl, OPTION_SEVERITY, severities, &filter.severity)) {
        ctl_complain("--state is open, acknowledged, closed or all; --severity is info, warning or"
                     " urgent");
        return EXIT_USAGE;
    }
    if (!ctl_since(ctl, &filter.since_us) || !ctl_count(ctl, OPTION_LIMIT, ROWS, ROWS_MAX, &limit))
        return EXIT_USAGE;
    if (filter.state == NULL)
        filter.state = "open";
    else if (strcmp(filter.state, "all") == 0)
        filter.state = NULL;
    json_t *rows = json_array();
    int code = alerts_read(ctl, &filter, limit, rows);
    if (code == EXIT_DONE)
        table_print(rows, columns, COLUMNS_LIST, ctl->json, "no alerts");
    json_decref(rows);
    return code;
}

/* False after a complaint. */
static bool
id_read(const char *text, struct uuid *ret)
{
    if (uuid_parse(text, strlen(text), ret))
        return true;
    ctl_complain("'%s' is no alert's id", text);
    return false;
}

int
alerts_show_verb(struct ctl *ctl)
{
    struct uuid id;
    struct alerts_filter filter = {.id = &id};

    if (!id_read(ctl->args[0], &id))
        return EXIT_USAGE;
    json_t *rows = json_array();
    int code = alerts_read(ctl, &filter, 1, rows);
    const json_t *row = json_array_get(rows, 0);
    if (code == EXIT_DONE && row == NULL) {
        ctl_complain("no alert has the id %s", ctl->args[0]);
        code = EXIT_FAILED;
    } else if (code == EXIT_DONE) {
        table_print_one(row, columns, ARRAY_LEN(columns), ctl->json);
        if (!ctl->json) {
            printf("\n");
            table_print(json_object_get(row, "events"), event_columns, ARRAY_LEN(event_columns),
                        false, "no history");
        }
    }
    json_decref(rows);
    return code;
}

static int
alert_act(const struct edge_session *e, const char *id, const char *verb, const char *body)
{
    static const char *const headers[] = {"Content-Type: application/json"};
    const char *study = e->ctl->options[OPTION_STUDY];
    struct http_answer answer;
    char path[512];

    char *escaped = http_escape(study != NULL ? study : "");
    snprintf(path, sizeof(path), "/api/v1/alerts/%s/%s%s%.300s", id, verb,
             study != NULL ? "?study=" : "", escaped);
    char *url = edge_url(e->ctl, path);
    int code = edge_post(e, url, headers, 1, body, strlen(body), &answer);
    if (code == EXIT_DONE) {
        code = edge_exit(answer.status);
        if (code == EXIT_DONE)
            ctl_done(e->ctl, answer.status == 202 ? "%s of alert %s is on disk" : "%s alert %s",
                     answer.status == 202         ? verb
                     : strcmp(verb, "close") == 0 ? "closed"
                                                  : "acknowledged",
                     id);
        else
            edge_answer_show(e->ctl, &answer);
        free(answer.body);
    }
    free(url);
    free(escaped);
    return code;
}

/* {"note"}; malloc'd. */
static char *
note_body(const struct ctl *ctl)
{
    json_t *body = json_pack("{s:s*}", "note", ctl->options[OPTION_NOTE]);
    char *text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;

    json_decref(body);
    return text;
}

static int
alerts_act(struct ctl *ctl, const char *verb)
{
    struct edge_session session;
    struct uuid id;
    char text[UUID_TEXT_SIZE];
    int code;

    for (size_t i = 0; i < ctl->n_args; i++) {
        if (!id_read(ctl->args[i], &id))
            return EXIT_USAGE;
    }
    if (ctl_confirm(ctl, &code, "%s %zu alert%s (%s%s)", verb, ctl->n_args,
                    ctl->n_args == 1 ? "" : "s", ctl->args[0],
                    ctl->n_args == 1 ? "" : ", …") == CONFIRM_NO)
        return code;
    char *body = note_body(ctl);
    if (body == NULL) {
        ctl_complain("--note is no UTF-8 text");
        return EXIT_USAGE;
    }
    code = edge_open(ctl, &session);
    if (code == EXIT_DONE) {
        for (size_t i = 0; i < ctl->n_args; i++) {
            uuid_parse(ctl->args[i], strlen(ctl->args[i]), &id);
            uuid_format(&id, text);
            int own = alert_act(&session, text, verb, body);
            if (own != EXIT_DONE)
                code = own;
        }
        edge_close(&session);
    }
    free(body);
    return code;
}

int
alerts_ack_verb(struct ctl *ctl)
{
    return alerts_act(ctl, "acknowledge");
}

int
alerts_close_verb(struct ctl *ctl)
{
    return alerts_act(ctl, "close");
}
