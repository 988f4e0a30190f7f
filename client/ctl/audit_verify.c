/* audit verify: the trail against its chain, against the journal, and against the record. */
#include <inttypes.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "client/ctl/anchors.h"
#include "client/ctl/database.h"
#include "client/ctl/format.h"
#include "client/ctl/table.h"
#include "client/ctl/verbs.h"
#include "store/audit_verify.h"

#define FAULTS_SHOWN 1000 /* to people; scripts get all */
#define OPEN_SHOWN 20
#define PLACE_SIZE 128

struct report {
    const struct ctl *ctl;
    uint64_t chains, rows, faults, unanchored, open;
    struct audit_compared compared;
    json_t *open_chains; /* rows for people */
};

/* What the fault is of, as members of JSON or for people. */
static void
place_format(const struct audit_finding *f, bool json, char *text, size_t size)
{
    char id[UUID_TEXT_SIZE];

    switch (f->of) {
    case AUDIT_OF_CHAIN:
        uuid_format(&f->writer, id);
        snprintf(text, size,
                 json ? "\"writer\":\"%s\",\"batch\":%" PRId64 ",\"number\":%" PRId64
                      : "chain %s batch %" PRId64 " row %" PRId64,
                 id, f->batch, f->number);
        break;
    case AUDIT_OF_RECORD:
        uuid_format(&f->submission, id);
        snprintf(text, size,
                 json ? "\"submission\":\"%s\",\"revision\":%d" : "submission %s revision %d", id,
                 f->revision);
        break;
    case AUDIT_OF_ALERT:
        uuid_format(&f->alert, id);
        snprintf(text, size, json ? "\"alert\":\"%s\"" : "alert %s", id);
        break;
    }
}

static void
fault_take(void *arg, const struct audit_finding *f)
{
    struct report *r = arg;
    char place[PLACE_SIZE];

    r->faults++;
    place_format(f, r->ctl->json, place, sizeof(place));
    if (r->ctl->json)
        printf("{\"type\":\"fault\",\"rule\":\"%s\",%s,\"detail\":\"%s\"}\n",
               audit_fault_rule(f->fault), place, audit_fault_text(f->fault));
    else if (r->faults <= FAULTS_SHOWN)
        printf("%s: %s: %s\n", place, audit_fault_rule(f->fault), audit_fault_text(f->fault));
}

static void
chain_take(void *arg, const struct audit_told *c)
{
    struct report *r = arg;
    char writer[UUID_TEXT_SIZE], head[2 * AUDIT_MAC_BYTES + 1];

    uuid_format(&c->end.writer, writer);
    sodium_bin2hex(head, sizeof(head), c->end.head, AUDIT_MAC_BYTES);
    r->chains++;
    r->rows += (uint64_t)c->rows;
    r->unanchored += (uint64_t)c->unanchored;
    r->open += c->unanchored > 0;
    json_t *row =
        json_pack("{s:s, s:s, s:I, s:I, s:s, s:I, s:I, s:I, s:I, s:I}", "type", "chain", "writer",
                  writer, "batch", (json_int_t)c->end.batch, "number", (json_int_t)c->end.number,
                  "head", head, "rows", (json_int_t)c->rows, "anchored_batch",
                  (json_int_t)c->anchored_batch, "unanchored", (json_int_t)c->unanchored,
                  "first_us", (json_int_t)c->first_us, "last_us", (json_int_t)c->last_us);
    sluice_assert(row != NULL);
    if (r->ctl->json)
        table_print_json(row);
    else if (c->unanchored > 0 && json_array_size(r->open_chains) < OPEN_SHOWN)
        json_array_append(r->open_chains, row);
    json_decref(row);
}

static void
older_print(const struct audit_compared *c)
{
    char count[FORMAT_SIZE];

    format_count((uint64_t)c->without_mac, count);
    if (c->without_mac > 0)
        printf("Without a MAC of their data: %s revisions, stored by an older release. Were their "
               "answers changed, nothing here would show it.\n",
               count);
    format_count((uint64_t)c->older_mac, count);
    if (c->older_mac > 0)
        printf("With a MAC of an older form: %s revisions. Were their site, device, originator, "
               "flags, source or times of sending changed, nothing here would show it.\n",
               count);
    format_count((uint64_t)c->acts_unaudited, count);
    if (c->acts_unaudited > 0)
        printf("Without an audit row: %s acts on alerts, recorded by an older release. Were they "
               "changed, nothing here would show it.\n",
               count);
}

static void
report_print(const struct report *r, size_t n_anchors)
{
    static const struct column columns[] = {
        {"writer", "chain", COLUMN_TEXT},
        {"rows", "rows", COLUMN_COUNT},
        {"unanchored", "not anchored", COLUMN_COUNT},
        {"first_us", "first", COLUMN_TIME},
        {"last_us", "last", COLUMN_TIME},
    };
    char rows[FORMAT_SIZE], unanchored[FORMAT_SIZE], revisions[FORMAT_SIZE], acts[FORMAT_SIZE];

    if (r->ctl->json) {
        printf("{\"type\":\"summary\",\"chains\":%" PRIu64 ",\"rows\":%" PRIu64
               ",\"anchors\":%zu,\"faults\":%" PRIu64 ",\"unanchored\":%" PRIu64
               ",\"open_chains\":%" PRIu64 ",\"revisions\":%" PRId64 ",\"without_mac\":%" PRId64
               ",\"older_mac\":%" PRId64 ",\"acts\":%" PRId64 ",\"acts_unaudited\":%" PRId64 "}\n",
               r->chains, r->rows, n_anchors, r->faults, r->unanchored, r->open,
               r->compared.revisions, r->compared.without_mac, r->compared.older_mac,
               r->compared.acts, r->compared.acts_unaudited);
        return;
    }
    if (r->faults > FAULTS_SHOWN)
        printf("... and %" PRIu64 " more\n", r->faults - FAULTS_SHOWN);
    format_count(r->rows, rows);
    format_count(r->unanchored, unanchored);
    format_count((uint64_t)r->compared.revisions, revisions);
    format_count((uint64_t)r->compared.acts, acts);
    printf("%" PRIu64 " chains, %s rows, %zu anchors; %s revisions, %s acts on alerts: %" PRIu64
           " faults\n",
           r->chains, rows, n_anchors, revisions, acts, r->faults);
    older_print(&r->compared);
    if (r->unanchored == 0)
        return;
    printf("Not anchored: the last %s rows of %" PRIu64 " chains. Were they cut off, nothing here "
           "would show it.\n",
           unanchored, r->open);
    table_print(r->open_chains, columns, ARRAY_LEN(columns), false, "");
}

/* The places named; else this host's journal, if there is one. */
static int
anchors_gather(const struct ctl *ctl, struct anchors *anchors)
{
    const char *journal = config_str(ctl->config, "ctl", "journal_dir");
    int code = EXIT_DONE;

    for (size_t i = 0; i < ctl->n_args && code == EXIT_DONE; i++)
        code = anchors_read(anchors, ctl->args[i]);
    if (ctl->n_args == 0 && anchors_place_exists(journal))
        code = anchors_read(anchors, journal);
    else if (ctl->n_args == 0)
        ctl_complain("no journal at %s: nothing can be compared with anchors", journal);
    return code;
}

int
audit_verify_verb(struct ctl *ctl)
{
    struct report report = {.ctl = ctl, .open_chains = json_array()};
    struct audit_hearer hearer = {fault_take, chain_take, &report};
    struct anchors anchors = {0};
    struct audit_keys keys;
    struct store *s = NULL;
    char *why = NULL;
    int code = EXIT_DONE;

    if (audit_keys_load(config_str(ctl->config, "ctl", "audit_key_file"), &keys, &why) != 0) {
        ctl_complain("%s", why);
        free(why);
        code = EXIT_CONFIG;
    }
    /* Anchors first: what is written meanwhile is then new to them, not missing in the table. */
    if (code == EXIT_DONE)
        code = anchors_gather(ctl, &anchors);
    if (code == EXIT_DONE)
        code = database_open(ctl, true, &s);
    if (code == EXIT_DONE)
        code = database_exit(s, audit_verify(s, &keys, anchors.list, anchors.n, &hearer));
    if (code == EXIT_DONE)
        code = database_exit(s, audit_compare(s, &keys, &hearer, &report.compared));
    if (code == EXIT_DONE) {
        report_print(&report, anchors.n);
        code = report.faults > 0 ? EXIT_FAILED : EXIT_DONE;
    }
    store_free(s);
    anchors_free(&anchors);
    sodium_memzero(&keys, sizeof(keys));
    json_decref(report.open_chains);
    return code;
}
