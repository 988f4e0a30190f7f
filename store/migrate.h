/* The schema's migrations, embedded at build time from schemas/sql/NNN_name.sql. A file is never
 * changed once released: its checksum is kept in sluice.migrations and compared. */
#ifndef SLUICE_STORE_MIGRATE_H
#define SLUICE_STORE_MIGRATE_H

#include <stddef.h>

#include "store/connection.h"

struct migration {
    int version;
    int compatible_from; /* oldest program (by its newest migration) that still works with it */
    const char *name;    /* "001_foundation" */
    const char *sql;
    size_t len;
};
extern const struct migration store_migrations[];
extern const size_t store_migrations_count;

#define MIGRATION_CHECKSUM_SIZE 65
void migration_checksum(const struct migration *m, char ret_hex[MIGRATION_CHECKSUM_SIZE]);

/* Applies what is missing, each in a transaction of its own, under an advisory lock so that two at
 * once do no harm. dry_run: only tells. told is called per migration that is (or would be) applied.
 * STORE_INVALID: an applied migration's checksum differs (store_why names it). */
int store_migrate(struct store *s, bool dry_run, void (*told)(void *arg, const struct migration *m),
                  void *arg);
/* For programs that start: STORE_OK if the database's schema fits this program, STORE_SCHEMA with
 * store_why otherwise (never migrated, too old, too new, another checksum). */
int store_check_schema(struct store *s);

#endif
