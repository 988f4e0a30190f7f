/* Connecting, and what the store's outcomes mean to whoever typed the command. */
#include "client/ctl/database.h"

#include "base/error.h"
#include "store/migrate.h"

int
database_exit(const struct store *s, int outcome)
{
    switch (outcome) {
    case STORE_OK:
        return EXIT_DONE;
    case STORE_RETRY:
        ctl_complain("PostgreSQL: %s", store_why(s));
        return store_is_open(s) ? EXIT_TEMPFAIL : EXIT_UNAVAILABLE;
    case STORE_SCHEMA:
        ctl_complain("PostgreSQL: %s (see 'sluicectl db migrate')", store_why(s));
        return EXIT_CONFIG;
    case STORE_UNSAFE:
        ctl_complain("PostgreSQL does not keep its promise: %s", store_why(s));
        return EXIT_CONFIG;
    default: /* STORE_ROW, STORE_INVALID: what was given is refused */
        ctl_complain("%s", store_why(s));
        return EXIT_FAILED;
    }
}

int
database_open(const struct ctl *ctl, bool fitting, struct store **ret_store)
{
    struct store_options options = {
        .conninfo = config_str(ctl->config, "ctl", "postgres"),
        .program = "sluicectl",
        .statement_timeout_us = DATABASE_STATEMENT_US,
    };
    struct store *s = store_new(&options);
    int outcome = store_connect(s);

    if (outcome == STORE_OK && fitting)
        outcome = store_check_schema(s);
    if (outcome != STORE_OK) {
        int code = database_exit(s, outcome);
        store_free(s);
        return code;
    }
    *ret_store = s;
    return EXIT_DONE;
}
