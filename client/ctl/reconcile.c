/* reconcile: the books of every broker against the database. One look at a broker is: ledger, what
 * lives, all its rows, ledger again; if the ledger did not change meanwhile the look is exact, else
 * something moves and it is done again until --settle is over. With --settle the end of what lives
 * is waited for, too. */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "client/ctl/admin.h"
#include "client/ctl/books.h"
#include "client/ctl/database.h"
#include "client/ctl/reconcile_print.h"
#include "client/ctl/verbs.h"
#include "store/trace.h"

#define LOOK_AGAIN_MS 100          /* neither side tells an admin of a change */
#define DUPLICATES_RIDING_MAX 4096 /* past that, segments that told of them are gone */
#define LOOKS_LEAST 3              /* of a broker that moves, however short --settle is */

struct looking {
    struct admin *admin;
    struct store *store;
    struct books *books;
    bool overflow;
    struct uuid *duplicates; /* gathered to be looked up */
    size_t n_duplicates;
};

static uint64_t
uint_of(const json_t *row, const char *member)
{
    return (uint64_t)json_integer_value(json_object_get(row, member));
}

/* Ranges of lost messages, and how many of each. */
static uint64_t
losses_sum(const json_t *losses)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < json_array_size(losses); i++)
        sum += uint_of(json_array_get(losses, i), "messages");
    return sum;
}

static int
ledger_read(struct admin *a, struct books *b)
{
    json_t *rows = json_array(), *row;
    int outcome = admin_request(a, "ledger", NULL, rows, NULL);
    const char *broker;

    row = json_array_get(rows, 0);
    broker = json_string_value(json_object_get(row, "broker"));
    if (outcome == ADMIN_OK && (broker == NULL || !uuid_parse(broker, strlen(broker), &b->broker) ||
                                !json_is_integer(json_object_get(row, "accepted"))))
        outcome = ADMIN_GARBLED;
    if (outcome == ADMIN_OK) {
        b->epoch = uint_of(row, "epoch");
        b->last_seq = uint_of(row, "last_seq");
        b->accepted = uint_of(row, "accepted");
        b->live = uint_of(row, "live");
        b->unacknowledged_damage = losses_sum(json_object_get(row, "unacknowledged_damage"));
        for (unsigned o = 0; o < OUTCOME_LIMIT; o++)
            b->by_outcome[o] = outcome_is_counted(o) ? uint_of(row, outcome_text(o)) : 0;
    }
    json_decref(rows);
    return outcome;
}

static bool
ledger_is(const struct books *a, const struct books *b)
{
    return uuid_equal(&a->broker, &b->broker) && a->epoch == b->epoch &&
           a->accepted == b->accepted && a->live == b->live && a->last_seq == b->last_seq &&
           memcmp(a->by_outcome, b->by_outcome, sizeof(a->by_outcome)) == 0;
}

static int
epochs_read(struct admin *a, struct books *b)
{
    json_t *rows = json_array(), *row;
    int outcome = admin_request(a, "epochs", NULL, rows, NULL);
    size_t i;

    json_array_foreach(rows, i, row)
        books_epoch_add(b, uint_of(row, "epoch"), uint_of(row, "last_seq"));
    json_decref(rows);
    return outcome;
}

static int
live_take(void *arg, json_t *row)
{
    struct looking *l = arg;
    const char *state = json_string_value(json_object_get(row, "state"));

    if (!books_live_add(l->books, uint_of(row, "epoch"), uint_of(row, "seq"),
                        state != NULL && strcmp(state, "dead") == 0))
        l->overflow = true;
    return 0;
}

static int
row_take(void *arg, const struct reconcile_row *row)
{
    books_row_add(((struct looking *)arg)->books, row);
    return 0;
}

#define DUPLICATES_AT_ONCE 256

static int
duplicates_check(struct looking *l)
{
    bool stored[DUPLICATES_AT_ONCE];
    int outcome = STORE_OK;

    if (l->n_duplicates > 0)
        outcome = store_trace_stored(l->store, l->duplicates, l->n_duplicates, stored);
    for (size_t i = 0; i < l->n_duplicates; i++) {
        if (outcome == STORE_OK && !stored[i])
            l->books->duplicates_not_stored++;
    }
    l->books->duplicates += l->n_duplicates;
    l->n_duplicates = 0;
    return outcome;
}

/* An outcome of the store on its way through admin_pages. */
#define STORE_SAID 1000

static int
done_take(void *arg, json_t *row)
{
    struct looking *l = arg;
    const char *outcome = json_string_value(json_object_get(row, "outcome"));
    const char *id = json_string_value(json_object_get(row, "id"));

    if (outcome == NULL || id == NULL || strcmp(outcome, outcome_text(OUTCOME_DUPLICATE)) != 0 ||
        !uuid_parse(id, strlen(id), &l->duplicates[l->n_duplicates]))
        return 0;
    if (++l->n_duplicates < DUPLICATES_AT_ONCE)
        return 0;
    int r = duplicates_check(l);
    return r == STORE_OK ? 0 : STORE_SAID + r;
}

/* Every duplicate that kept segments still tell of names what is stored. Returns the exit code. */
static int
duplicates_read(struct looking *l)
{
    struct uuid ids[DUPLICATES_AT_ONCE];
    int r;

    l->duplicates = ids;
    r = admin_pages(l->admin, "done", NULL, done_take, l);
    int rest = duplicates_check(l);
    if (r >= STORE_SAID)
        return database_exit(l->store, r - STORE_SAID);
    return r != ADMIN_OK ? admin_exit(l->admin, r) : database_exit(l->store, rest);
}

/* The newest done records may still ride in the broker's memory for a moment: what little is
 * missing is waited for. */
static int
duplicates_settle(struct looking *l)
{
    struct books *b = l->books;
    int code = EXIT_DONE;

    for (int tries = 0; tries < LOOKS_LEAST && code == EXIT_DONE; tries++) {
        b->duplicates = b->duplicates_not_stored = 0;
        code = duplicates_read(l);
        uint64_t all = b->by_outcome[OUTCOME_DUPLICATE];
        if (b->duplicates >= all || all - b->duplicates > DUPLICATES_RIDING_MAX)
            break;
        poll(NULL, 0, LOOK_AGAIN_MS);
    }
    return code;
}

/* One look. EXIT_DONE balanced, EXIT_FAILED not, EXIT_TEMPFAIL moving or not now, else why not. */
static int
broker_look(struct admin *a, struct store *s, struct books *b)
{
    struct looking l = {.admin = a, .store = s, .books = b};
    struct books after = {0};

    int outcome = ledger_read(a, b);
    if (outcome == ADMIN_OK)
        outcome = epochs_read(a, b);
    if (outcome == ADMIN_OK && b->live + b->by_outcome[OUTCOME_DEAD] > 0)
        outcome = admin_pages(a, "live", NULL, live_take, &l);
    if (outcome != ADMIN_OK)
        return admin_exit(a, outcome);
    if (l.overflow) {
        ctl_complain("broker %s: too many live messages to compare", admin_endpoint(a));
        return EXIT_TEMPFAIL;
    }
    int code = database_exit(s, store_reconcile_origins(s, &b->broker, 0, 0, row_take, &l));
    if (code != EXIT_DONE)
        return code;
    outcome = ledger_read(a, &after);
    if (outcome != ADMIN_OK)
        return admin_exit(a, outcome);
    if (!ledger_is(b, &after))
        return EXIT_TEMPFAIL;
    code = duplicates_settle(&l);
    if (code != EXIT_DONE)
        return code;
    return books_judge(b) ? EXIT_DONE : EXIT_FAILED;
}

/* Lets what lives come to its end, as far as the time reaches. */
static void
live_await(struct admin *a, int64_t deadline_us)
{
    struct books b;

    while (clock_mono_us() < deadline_us) {
        books_init(&b);
        if (ledger_read(a, &b) == ADMIN_OK && b.live == 0)
            return;
        poll(NULL, 0, LOOK_AGAIN_MS);
    }
}

static int
broker_reconcile(struct ctl *ctl, struct admin *a, int64_t deadline_us)
{
    struct books *b = mem_new(1, sizeof(*b));
    struct store *s = NULL;
    int code = EXIT_TEMPFAIL;

    live_await(a, deadline_us);
    for (int looks = 1;; looks++) {
        books_deinit(b);
        code = s == NULL ? database_open(ctl, true, &s) : EXIT_DONE;
        if (code == EXIT_DONE)
            code = broker_look(a, s, b);
        bool late = clock_mono_us() >= deadline_us;
        if (code == EXIT_DONE || (late && code != EXIT_TEMPFAIL) || (late && looks >= LOOKS_LEAST))
            break;
        if (s != NULL && !store_is_open(s)) {
            store_free(s);
            s = NULL;
        }
        poll(NULL, 0, LOOK_AGAIN_MS);
    }
    if (code == EXIT_DONE || code == EXIT_FAILED || code == EXIT_TEMPFAIL)
        reconcile_print(ctl, admin_endpoint(a), b, code);
    if (s != NULL)
        store_free(s);
    books_deinit(b);
    free(b);
    return code;
}

/* 69 and 78 tell of something to mend first, 1 of a loss, 75 of nothing yet. */
static int
code_worse(int a, int b)
{
    static const int order[] = {EXIT_DONE, EXIT_TEMPFAIL, EXIT_FAILED, EXIT_UNAVAILABLE,
                                EXIT_CONFIG};
    size_t at_a = 0, at_b = 0;

    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        at_a = order[i] == a ? i : at_a;
        at_b = order[i] == b ? i : at_b;
    }
    return at_a > at_b ? a : b;
}

int
reconcile_verb(struct ctl *ctl)
{
    int64_t settle_us;
    size_t n;
    int code = EXIT_DONE;

    if (!ctl_duration(ctl, OPTION_SETTLE, 0, &settle_us))
        return EXIT_USAGE;
    int64_t deadline_us = clock_mono_us() + settle_us;
    struct admin **all = admin_open_all(ctl, &n);
    if (all == NULL)
        return EXIT_CONFIG;
    for (size_t i = 0; i < n; i++)
        code = code_worse(code, broker_reconcile(ctl, all[i], deadline_us));
    admin_close_all(all, n);
    return code;
}
