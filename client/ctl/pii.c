/* pii scan: where to look, never what stands there. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "base/error.h"
#include "client/ctl/database.h"
#include "client/ctl/table.h"
#include "client/ctl/verbs.h"
#include "store/pii.h"

#define PLACES 1000
#define PLACES_MAX 1000000

struct scan_result {
    json_t *rows;
    uint64_t limit, places;
};

static int
place_take(void *arg, const struct pii_place *p)
{
    struct scan_result *r = arg;
    char kinds[128] = "";
    int n = 0;

    r->places++;
    if (json_array_size(r->rows) >= r->limit)
        return 0;
    for (unsigned k = 0; k < PII_COUNT; k++) {
        if ((p->kinds & 1u << k) != 0)
            n += snprintf(kinds + n, sizeof(kinds) - (size_t)n, "%s%s", n > 0 ? " " : "",
                          pii_kind_text((enum pii_kind)k));
    }
    json_t *row =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:s, s:s}", "study", p->study, "site",
                  p->site, "subject", p->subject, "submission", p->submission, "questionnaire",
                  p->questionnaire, "linkId", p->link_id, "group", p->group_index, "answer",
                  p->answer_index, "column", p->column, "kinds", kinds);
    sluice_assert(row != NULL);
    json_array_append_new(r->rows, row);
    return 0;
}

int
pii_scan_verb(struct ctl *ctl)
{
    static const struct column columns[] = {
        {"study", "study", COLUMN_TEXT},        {"site", "site", COLUMN_TEXT},
        {"subject", "subject", COLUMN_TEXT},    {"submission", "submission", COLUMN_TEXT},
        {"questionnaire", "form", COLUMN_TEXT}, {"linkId", "item", COLUMN_TEXT},
        {"group", "group", COLUMN_TEXT},        {"answer", "answer", COLUMN_PLAIN},
        {"column", "column", COLUMN_TEXT},      {"kinds", "looks like", COLUMN_TEXT},
    };
    struct scan_result result = {.rows = json_array()};
    struct store *s = NULL;
    int code = EXIT_USAGE;

    if (ctl_count(ctl, OPTION_LIMIT, PLACES, PLACES_MAX, &result.limit))
        code = database_open(ctl, true, &s);
    if (code == EXIT_DONE)
        code = database_exit(s, pii_scan(s, ctl->options[OPTION_STUDY], ctl->options[OPTION_SITE],
                                         place_take, &result));
    if (code == EXIT_DONE) {
        table_print(result.rows, columns, ARRAY_LEN(columns), ctl->json, "no suspects");
        if (result.places > json_array_size(result.rows))
            ctl_complain("%" PRIu64 " places in all; --limit shows more", result.places);
    }
    store_free(s);
    json_decref(result.rows);
    return code;
}
