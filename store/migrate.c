/* Applying migrations and holding the database against what this program was built with. */
#include "store/migrate.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"

#define MIGRATION_TIMEOUT_US ((int64_t)600 * 1000000)
#define SCRIPT_MAX ((size_t)4 << 20)
#define APPLIED_MAX 1000
/* Any fixed number will do; both ends of "one migration at a time" use this one. */
#define MIGRATION_LOCK "7315001"

struct applied {
    int version;
    int compatible_from;
    char checksum[MIGRATION_CHECKSUM_SIZE];
};

void
migration_checksum(const struct migration *m, char ret_hex[MIGRATION_CHECKSUM_SIZE])
{
    uint8_t hash[crypto_hash_sha256_BYTES];

    crypto_hash_sha256(hash, (const unsigned char *)m->sql, m->len);
    sodium_bin2hex(ret_hex, MIGRATION_CHECKSUM_SIZE, hash, sizeof(hash));
}

/* What the database says; *ret_n 0 if it was never migrated. */
static int
applied_read(struct store *s, struct applied *applied, size_t *ret_n)
{
    PGresult *r = NULL;
    int n = store_run_script(s, "SELECT to_regclass('sluice.migrations') IS NOT NULL",
                             STORE_CONNECT_TIMEOUT_US, &r);
    if (n != STORE_OK)
        return n;
    bool exists = strcmp(PQgetvalue(r, 0, 0), "t") == 0;
    PQclear(r);
    *ret_n = 0;
    if (!exists)
        return STORE_OK;
    n = store_run_script(s,
                         "SELECT version, compatible_from, checksum FROM sluice.migrations"
                         " ORDER BY version",
                         STORE_CONNECT_TIMEOUT_US, &r);
    if (n != STORE_OK)
        return n;
    for (int i = 0; i < PQntuples(r) && i < APPLIED_MAX; i++) {
        applied[i].version = atoi(PQgetvalue(r, i, 0));
        applied[i].compatible_from = atoi(PQgetvalue(r, i, 1));
        snprintf(applied[i].checksum, sizeof(applied[i].checksum), "%s", PQgetvalue(r, i, 2));
        (*ret_n)++;
    }
    PQclear(r);
    return STORE_OK;
}

static const struct applied *
applied_find(const struct applied *applied, size_t n, int version)
{
    for (size_t i = 0; i < n; i++) {
        if (applied[i].version == version)
            return &applied[i];
    }
    return NULL;
}

static int
why_say(struct store *s, int outcome, const char *what, const char *name)
{
    char text[256];

    snprintf(text, sizeof(text), "%s: %s", what, name);
    store_why_set(s, text);
    return outcome;
}

static int
migration_apply(struct store *s, const struct migration *m)
{
    char checksum[MIGRATION_CHECKSUM_SIZE];
    struct buf script;

    migration_checksum(m, checksum);
    buf_init(&script, SCRIPT_MAX);
    buf_append_str(&script,
                   "BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '30s';"
                   "SET LOCAL client_min_messages = warning;\n");
    buf_append(&script, m->sql, m->len);
    buf_printf(&script,
               "\n;INSERT INTO sluice.migrations (version, name, checksum, compatible_from)"
               " VALUES (%d, '%s', '%s', %d); COMMIT;",
               m->version, m->name, checksum, m->compatible_from);
    int full = buf_append(&script, "", 1);
    sluice_assert(full == BUF_OK);
    int n = store_run_script(s, (const char *)script.data, MIGRATION_TIMEOUT_US, NULL);
    buf_deinit(&script);
    if (n != STORE_OK && store_is_open(s)) {
        char why[512];
        snprintf(why, sizeof(why), "%s: %s", m->name, store_why(s));
        store_run_script(s, "ROLLBACK", STORE_CONNECT_TIMEOUT_US, NULL);
        store_why_set(s, why);
    }
    return n;
}

static int
migrations_apply(struct store *s, bool dry_run, void (*told)(void *arg, const struct migration *m),
                 void *arg)
{
    struct applied applied[APPLIED_MAX];
    size_t n_applied;
    int n = applied_read(s, applied, &n_applied);

    for (size_t i = 0; n == STORE_OK && i < store_migrations_count; i++) {
        const struct migration *m = &store_migrations[i];
        const struct applied *a = applied_find(applied, n_applied, m->version);
        char checksum[MIGRATION_CHECKSUM_SIZE];

        migration_checksum(m, checksum);
        if (a != NULL && strcmp(a->checksum, checksum) != 0)
            return why_say(s, STORE_INVALID, "an applied migration was another one", m->name);
        if (a != NULL)
            continue;
        if (!dry_run)
            n = migration_apply(s, m);
        if (n == STORE_OK && told != NULL)
            told(arg, m);
    }
    return n;
}

int
store_migrate(struct store *s, bool dry_run, void (*told)(void *arg, const struct migration *m),
              void *arg)
{
    if (dry_run)
        return migrations_apply(s, true, told, arg);
    int n = store_run_script(s,
                             "SET statement_timeout = 0; SET lock_timeout = 0;"
                             "SELECT pg_advisory_lock(" MIGRATION_LOCK ")",
                             MIGRATION_TIMEOUT_US, NULL);
    if (n != STORE_OK)
        return n;
    n = migrations_apply(s, false, told, arg);
    if (store_is_open(s)) {
        char why[512];
        snprintf(why, sizeof(why), "%s", store_why(s));
        store_run_script(s, "SELECT pg_advisory_unlock(" MIGRATION_LOCK ")",
                         STORE_CONNECT_TIMEOUT_US, NULL);
        store_why_set(s, why);
    }
    return n;
}

int
store_check_schema(struct store *s)
{
    struct applied applied[APPLIED_MAX];
    size_t n_applied;
    const struct migration *newest = &store_migrations[store_migrations_count - 1];
    int n = applied_read(s, applied, &n_applied);

    if (n != STORE_OK)
        return n;
    for (size_t i = 0; i < store_migrations_count; i++) {
        const struct migration *m = &store_migrations[i];
        const struct applied *a = applied_find(applied, n_applied, m->version);
        char checksum[MIGRATION_CHECKSUM_SIZE];

        migration_checksum(m, checksum);
        if (a == NULL)
            return why_say(s, STORE_SCHEMA, "run 'sluicectl db migrate', the database lacks",
                           m->name);
        if (strcmp(a->checksum, checksum) != 0)
            return why_say(s, STORE_SCHEMA, "the database has another migration of this name",
                           m->name);
    }
    for (size_t i = 0; i < n_applied; i++) {
        if (applied[i].compatible_from > newest->version)
            return why_say(s, STORE_SCHEMA, "the database is too new for this program, which knows",
                           newest->name);
    }
    return STORE_OK;
}
