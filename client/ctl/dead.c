/* dead list, show, requeue, discard: the letters that workers could not do. */
#include <inttypes.h>
#include <stdio.h>

#include "base/error.h"
#include "client/ctl/admin.h"
#include "client/ctl/messages.h"
#include "client/ctl/verbs.h"

#define DEAD_ROWS 100
#define DEAD_ROWS_MAX 1000000
#define LIST_ENOUGH 1000 /* an each that has what it wanted; never an admin_outcome */

struct listing {
    json_t *rows;
    uint64_t limit;
    const char *endpoint; /* NULL: there is only one broker */
};

static int
list_take(void *arg, json_t *row)
{
    struct listing *l = arg;

    if (json_array_size(l->rows) >= l->limit)
        return LIST_ENOUGH;
    if (l->endpoint != NULL)
        json_object_set_new(row, "endpoint", json_string(l->endpoint));
    json_array_append(l->rows, row);
    return 0;
}

int
dead_list_verb(struct ctl *ctl)
{
    const char *service = ctl->options[OPTION_SERVICE];
    const struct admin_argument one[] = {{.key = "service", .text = service}, {0}};
    struct listing l = {.rows = json_array()};
    int code = EXIT_USAGE;
    size_t n;

    if (!ctl_count(ctl, OPTION_LIMIT, DEAD_ROWS, DEAD_ROWS_MAX, &l.limit)) {
        json_decref(l.rows);
        return code;
    }
    struct admin **all = admin_open_all(ctl, &n);
    code = all == NULL ? EXIT_CONFIG : EXIT_DONE;
    for (size_t b = 0; all != NULL && b < n; b++) {
        l.endpoint = n > 1 ? admin_endpoint(all[b]) : NULL;
        int outcome = admin_pages(all[b], "dead", service != NULL ? one : NULL, list_take, &l);
        if (outcome != ADMIN_OK && outcome != LIST_ENOUGH)
            code = admin_exit(all[b], outcome);
    }
    if (code == EXIT_DONE || json_array_size(l.rows) > 0)
        table_print(l.rows, message_columns, message_columns_count, ctl->json, "no dead letters");
    if (all != NULL)
        admin_close_all(all, n);
    json_decref(l.rows);
    return code;
}

struct letter {
    const char *text; /* as given */
    struct uuid broker;
    bool has_broker;
    uint64_t epoch, seq;
};

static bool
letter_parse(const char *text, struct letter *ret)
{
    *ret = (struct letter){.text = text};
    if (origin_parse(text, &ret->broker, &ret->has_broker, &ret->epoch, &ret->seq))
        return true;
    ctl_complain("'%s' is no origin: write EPOCH-SEQ or UUID-EPOCH-SEQ", text);
    return false;
}

static bool
broker_is(struct admin *a, const struct uuid *broker)
{
    json_t *rows = json_array();
    struct uuid own;

    bool is = admin_request(a, "status", NULL, rows, NULL) == ADMIN_OK;
    const char *text = json_string_value(json_object_get(json_array_get(rows, 0), "broker"));
    is = is && text != NULL && uuid_parse(text, UUID_TEXT_SIZE - 1, &own) &&
         uuid_equal(&own, broker);
    json_decref(rows);
    return is;
}

/* The broker that a letter lies at; NULL after a complaint. */
static struct admin *
letter_broker(struct admin **all, size_t n, const struct letter *letter)
{
    if (!letter->has_broker && n == 1)
        return all[0];
    if (!letter->has_broker) {
        ctl_complain("'%s': there are several brokers, write UUID-EPOCH-SEQ", letter->text);
        return NULL;
    }
    for (size_t b = 0; b < n; b++) {
        if (broker_is(all[b], &letter->broker))
            return all[b];
    }
    ctl_complain("'%s': that broker does not answer at any of ctl/admin_endpoints", letter->text);
    return NULL;
}

/* The row of exactly this letter. */
static int
letter_find(struct admin *a, const struct letter *letter, json_t **ret_row)
{
    const struct admin_argument arguments[] = {
        {.key = "after", .number = letter->seq - 1}, {.key = "limit", .number = 1}, {0}};
    json_t *rows = json_array();
    int outcome =
        letter->seq == 0 ? ADMIN_NOT_FOUND : admin_request(a, "dead", arguments, rows, NULL);
    json_t *row = json_array_get(rows, 0);

    if (outcome == ADMIN_OK &&
        ((uint64_t)json_integer_value(json_object_get(row, "seq")) != letter->seq ||
         (uint64_t)json_integer_value(json_object_get(row, "epoch")) != letter->epoch))
        outcome = ADMIN_NOT_FOUND;
    if (outcome == ADMIN_OK)
        *ret_row = json_incref(row);
    json_decref(rows);
    return outcome;
}

int
dead_show_verb(struct ctl *ctl)
{
    struct letter letter;
    json_t *row = NULL;
    size_t n;

    if (!letter_parse(ctl->args[0], &letter))
        return EXIT_USAGE;
    struct admin **all = admin_open_all(ctl, &n);
    if (all == NULL)
        return EXIT_CONFIG;
    struct admin *a = letter_broker(all, n, &letter);
    int code = EXIT_UNAVAILABLE;
    if (a != NULL) {
        int outcome = letter_find(a, &letter, &row);
        code = outcome == ADMIN_NOT_FOUND ? EXIT_FAILED : admin_exit(a, outcome);
        if (outcome == ADMIN_NOT_FOUND)
            ctl_complain("no dead letter has the origin %s", letter.text);
    }
    if (row != NULL)
        table_print_one(row, message_columns, message_columns_count, ctl->json);
    json_decref(row);
    admin_close_all(all, n);
    return code;
}

static int
letter_change(struct ctl *ctl, struct admin **all, size_t n, const char *text, const char *verb,
              const char *done)
{
    struct letter letter;

    if (!letter_parse(text, &letter))
        return EXIT_USAGE;
    struct admin *a = letter_broker(all, n, &letter);
    if (a == NULL)
        return EXIT_UNAVAILABLE;
    const struct admin_argument arguments[] = {
        {.key = "epoch", .number = letter.epoch}, {.key = "seq", .number = letter.seq}, {0}};
    int code = admin_exit(a, admin_request(a, verb, arguments, NULL, NULL));
    if (code == EXIT_DONE)
        ctl_done(ctl, "%s %" PRIu64 "-%" PRIu64, done, letter.epoch, letter.seq);
    return code;
}

static int
letters_change(struct ctl *ctl, const char *verb, const char *done)
{
    struct letter letter;
    int code;
    size_t n;

    for (size_t i = 0; i < ctl->n_args; i++) {
        if (!letter_parse(ctl->args[i], &letter))
            return EXIT_USAGE;
    }
    if (ctl_confirm(ctl, &code, "%s %zu dead letter%s (%s%s)", verb, ctl->n_args,
                    ctl->n_args == 1 ? "" : "s", ctl->args[0],
                    ctl->n_args == 1 ? "" : ", …") == CONFIRM_NO)
        return code;
    struct admin **all = admin_open_all(ctl, &n);
    if (all == NULL)
        return EXIT_CONFIG;
    code = EXIT_DONE;
    for (size_t i = 0; i < ctl->n_args; i++) {
        int own = letter_change(ctl, all, n, ctl->args[i], verb, done);
        if (own != EXIT_DONE)
            code = own;
    }
    admin_close_all(all, n);
    return code;
}

int
dead_requeue_verb(struct ctl *ctl)
{
    return letters_change(ctl, "requeue", "requeued");
}

int
dead_discard_verb(struct ctl *ctl)
{
    return letters_change(ctl, "discard", "discarded");
}
