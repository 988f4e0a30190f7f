/* db migrate, db check. */
#include <jansson.h>
#include <stdio.h>

#include "base/error.h"
#include "client/ctl/database.h"
#include "client/ctl/table.h"
#include "client/ctl/verbs.h"
#include "store/migrate.h"

struct telling {
    bool json, dry_run;
    size_t n;
};

static void
migration_tell(void *arg, const struct migration *m)
{
    struct telling *t = arg;

    t->n++;
    if (!t->json) {
        printf("%s %s\n", t->dry_run ? "would apply" : "applied", m->name);
        return;
    }
    json_t *row = json_pack("{s:s, s:i, s:b}", "migration", m->name, "version", m->version,
                            "applied", !t->dry_run);
    table_print_json(row);
    json_decref(row);
}

static void
nothing_tell(void *arg, const struct migration *m)
{
    (void)m;
    ++*(size_t *)arg;
}

int
db_migrate_verb(struct ctl *ctl)
{
    struct telling telling = {.json = ctl->json, .dry_run = ctl->options[OPTION_DRY_RUN] != NULL};
    struct store *s;
    size_t missing = 0;
    int code = database_open(ctl, false, &s);

    if (code != EXIT_DONE)
        return code;
    if (!telling.dry_run) {
        int outcome = store_migrate(s, true, nothing_tell, &missing);
        code = database_exit(s, outcome);
        if (code == EXIT_DONE && missing > 0 &&
            ctl_confirm(ctl, &code, "apply %zu migration%s", missing, missing == 1 ? "" : "s") ==
                CONFIRM_NO) {
            store_free(s);
            return code;
        }
    }
    if (code == EXIT_DONE)
        code = database_exit(s, store_migrate(s, telling.dry_run, migration_tell, &telling));
    if (code == EXIT_DONE && telling.n == 0)
        ctl_done(ctl, "the schema is up to date");
    store_free(s);
    return code;
}

int
db_check_verb(struct ctl *ctl)
{
    struct store *s;
    int code = database_open(ctl, true, &s);

    if (code != EXIT_DONE)
        return code;
    code = database_exit(s, store_check_promise(s));
    if (code == EXIT_DONE)
        ctl_done(ctl, "the schema fits, and fsync, full_page_writes and synchronous_commit are on");
    store_free(s);
    return code;
}
