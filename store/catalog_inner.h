/* What the files of store/catalog share: parameters, refusals, the notification. Inner header. */
#ifndef SLUICE_STORE_CATALOG_INNER_H
#define SLUICE_STORE_CATALOG_INNER_H

#include <jansson.h>

#include "store/array.h"
#include "store/catalog.h"
#include "store/catalog_file.h"

void catalog_param(struct store_params *p, const char *text); /* NULL: SQL null */
/* The file's size and the counts keep it far below the array's ceiling. */
void catalog_array_add(struct array *a, const char *text);
/* The member is text where the file has none; text may be NULL. */
void catalog_default(json_t *root, const char *member, const char *text);
/* STORE_INVALID, with the fault as store_why. */
int catalog_refuse(struct store *s, const struct catalog_fault *fault);
/* What a load writes: CTEs, whose parameters stand in p. */
struct catalog_write {
    const char *name, *ctes;
    const char *action, *study; /* as the audit trail says it; study may be NULL */
    struct store_params p;
};
/* Writes it, its audit row (detail: what exactly was loaded) and the notification in one statement.
 * A row refused by its data (a date, a zone) is the file's fault. */
int catalog_run(struct store *s, const struct catalog_load *load, struct catalog_write *w,
                const char *detail);
/* "WHAT sha256:HEX", for detail. */
#define CATALOG_DETAIL_SIZE 1400
void catalog_detail(char ret[CATALOG_DETAIL_SIZE], const char *what, const uint8_t *hash);
void catalog_warn(const struct catalog_load *load, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
