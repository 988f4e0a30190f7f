/* rejections revalidate: page by page the sealed originals go to the broker again, as new messages
 * with the ids they had; a page's outcomes are awaited before the next one is read. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "client/ctl/database.h"
#include "client/ctl/rejections.h"
#include "client/ctl/table.h"
#include "client/ctl/verbs.h"
#include "client/lib/courier.h"
#include "schemas/wire/codes.h"

#define SERVICE "submissions"
#define PAGE_CEILING ((size_t)128 << 20) /* one original may be longer than a page */

struct resend {
    struct ctl *ctl;
    struct store *store;
    struct courier *courier;
    struct courier_page *page;
    uint64_t sent, refused, waiting, outcomes[OUTCOME_LIMIT];
};

static const struct column columns[] = {
    {"sent", "sent again", COLUMN_COUNT},     {"stored", "stored", COLUMN_COUNT},
    {"duplicate", "duplicate", COLUMN_COUNT}, {"conflict", "conflict", COLUMN_COUNT},
    {"rejected", "rejected", COLUMN_COUNT},   {"held", "held", COLUMN_COUNT},
    {"dead", "dead", COLUMN_COUNT},           {"waiting", "not decided yet", COLUMN_COUNT},
    {"refused", "refused", COLUMN_COUNT},
};

static void
kept_take(void *arg, const struct rejection_kept *kept)
{
    bool added = courier_page_add(arg, SERVICE, kept->study, kept->study_len, kept->id.bytes,
                                  kept->received_us, kept->sealed, kept->sealed_len);

    sluice_assert(added); /* an original is one record: far below the ceiling */
}

static void
page_count(struct resend *r, const struct courier_message *messages, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct courier_message *m = &messages[i];
        switch (m->state) {
        case COURIER_DECIDED:
            r->outcomes[m->code < OUTCOME_LIMIT ? m->code : OUTCOME_NONE]++;
            break;
        case COURIER_REFUSED:
            r->refused++;
            break;
        case COURIER_UNKNOWN:
        case COURIER_ACCEPTED:
            r->waiting++;
            break;
        }
    }
    r->sent += n;
}

/* *ret_n: how many rows the page had. */
static int
page_send(struct resend *r, const struct rejections_filter *filter, struct rejections_place *place,
          size_t *ret_n)
{
    size_t n;

    courier_page_clear(r->page);
    int code = database_exit(
        r->store, store_rejections_kept(r->store, filter, false, place, kept_take, r->page, ret_n));
    if (code != EXIT_DONE)
        return code;
    struct courier_message *messages = courier_page_messages(r->page, &n);
    int outcome = courier_deliver(r->courier, messages, n, true, r->ctl->timeout_us);
    if (outcome == COURIER_UNREACHABLE) {
        ctl_complain("no broker answers at ctl/client_endpoints (%s)",
                     config_str(r->ctl->config, "ctl", "client_endpoints"));
        return EXIT_UNAVAILABLE;
    }
    page_count(r, messages, n);
    return EXIT_DONE;
}

static int
filter_send(struct resend *r, const struct rejections_filter *filter, struct rejections_place place)
{
    size_t n;
    int code;

    do
        code = page_send(r, filter, &place, &n);
    while (code == EXIT_DONE && n > 0);
    return code;
}

static int
outcome_print(struct resend *r)
{
    json_t *row = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "sent",
                            (json_int_t)r->sent, "stored", (json_int_t)r->outcomes[OUTCOME_STORED],
                            "duplicate", (json_int_t)r->outcomes[OUTCOME_DUPLICATE], "conflict",
                            (json_int_t)r->outcomes[OUTCOME_CONFLICT], "rejected",
                            (json_int_t)r->outcomes[OUTCOME_REJECTED], "held",
                            (json_int_t)r->outcomes[OUTCOME_HELD], "dead",
                            (json_int_t)r->outcomes[OUTCOME_DEAD], "waiting",
                            (json_int_t)r->waiting, "refused", (json_int_t)r->refused);
    sluice_assert(row != NULL);
    table_print_one(row, columns, ARRAY_LEN(columns), r->ctl->json);
    json_decref(row);
    return r->waiting + r->refused > 0 ? EXIT_TEMPFAIL : EXIT_DONE;
}

static int
resend_run(struct resend *r, const struct rejections_filter *filter)
{
    struct rejections_filter own = *filter;
    struct rejections_place place;
    struct rejection_name name;
    bool mine;

    int code = database_exit(r->store, store_rejections_enter(r->store, &mine, &place));
    if (code == EXIT_DONE && !mine) {
        ctl_complain("others are being sent again right now: try later");
        code = EXIT_TEMPFAIL;
    }
    if (code != EXIT_DONE)
        return code;
    if (r->ctl->n_args == 0)
        code = filter_send(r, &own, place);
    for (size_t i = 0; i < r->ctl->n_args && code == EXIT_DONE; i++) {
        rejections_filter_name(r->ctl->args[i], &name, &own);
        code = filter_send(r, &own, place);
    }
    store_rejections_leave(r->store);
    int printed = r->sent > 0 || code == EXIT_DONE ? outcome_print(r) : EXIT_DONE;
    return code != EXIT_DONE ? code : printed;
}

static int
resend_open(struct resend *r, const struct rejections_filter *filter)
{
    char name[64];

    snprintf(name, sizeof(name), "sluicectl-%ld", (long)getpid());
    if (courier_new(config_str(r->ctl->config, "ctl", "client_endpoints"), name, &r->courier) !=
        COURIER_OK) {
        ctl_complain("ctl/client_endpoints: no list of endpoints");
        return EXIT_CONFIG;
    }
    int code = database_open(r->ctl, true, &r->store);
    if (code == EXIT_DONE) {
        code = resend_run(r, filter);
        store_free(r->store);
    }
    courier_free(r->courier);
    return code;
}

int
rejections_revalidate_verb(struct ctl *ctl)
{
    struct rejections_filter filter;
    struct rejection_name name;
    int code;

    if (!rejections_filter_read(ctl, &filter))
        return EXIT_USAGE;
    for (size_t i = 0; i < ctl->n_args; i++) {
        struct rejections_filter own = filter;
        if (!rejections_filter_name(ctl->args[i], &name, &own))
            return EXIT_USAGE;
    }
    if (filter.kind != NULL && strcmp(filter.kind, "conflict") == 0) {
        ctl_complain("a conflict stays one: its id is stored with other content");
        return EXIT_USAGE;
    }
    if (filter.kind == NULL && ctl->n_args == 0)
        filter.kind = "held";
    if (ctl_confirm(ctl, &code, "send again %s%s%s", ctl->n_args > 0 ? "the " : "whatever is ",
                    filter.kind != NULL ? filter.kind : "rejected or held",
                    ctl->n_args > 0 ? " submissions named" : " and fits") == CONFIRM_NO)
        return code;
    struct resend r = {.ctl = ctl, .page = courier_page_new(PAGE_CEILING)};
    code = resend_open(&r, &filter);
    courier_page_free(r.page);
    return code;
}
