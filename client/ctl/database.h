/* The database as ctl/postgres names it. */
#ifndef SLUICE_CTL_DATABASE_H
#define SLUICE_CTL_DATABASE_H

#include "client/ctl/ctl.h"
#include "store/connection.h"

#define DATABASE_STATEMENT_US ((int64_t)60 * 1000000)

/* Connects. EXIT_DONE and *ret_store (store_free it), or the exit code after a complaint. fitting:
 * the schema must fit this program (everything but migrating). */
int database_open(const struct ctl *ctl, bool fitting, struct store **ret_store);
/* Complains about an outcome of the store that is not STORE_OK; what the program exits with. */
int database_exit(const struct store *s, int outcome);

#endif
