/* What the files of store/catalog share: parameters, refusals, the notification. Inner header. */
#ifndef SLUICE_STORE_CATALOG_INNER_H
#define SLUICE_STORE_CATALOG_INNER_H

#include <jansson.h>

#include "store/array.h"
#include "store/catalog.h"
#include "store/catalog_file.h"

/* The last part of every statement that loads. */
#define CATALOG_NOTIFY "SELECT pg_notify('" CATALOG_CHANNEL "', '')"

void catalog_param(struct store_params *p, const char *text); /* NULL: SQL null */
/* The file's size and the counts keep it far below the array's ceiling. */
void catalog_array_add(struct array *a, const char *text);
/* The member is text where the file has none; text may be NULL. */
void catalog_default(json_t *root, const char *member, const char *text);
/* STORE_INVALID, with the fault as store_why. */
int catalog_refuse(struct store *s, const struct catalog_fault *fault);
/* A row refused by its data (a date, a zone) is the file's fault. */
int catalog_run(struct store *s, const struct store_statement *statement,
                const struct store_params *p);
void catalog_warn(const struct catalog_load *load, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
