/* What leaves the house as files: named sets of rows with named columns, every value as text. The
 * sets are the views of a data manager, without their filter on what is void or unfinished where a
 * complete copy needs it. */
#ifndef SLUICE_STORE_EXPORT_H
#define SLUICE_STORE_EXPORT_H

#include <stddef.h>

#include "store/connection.h"

/* PROSE: a string that people wrote, or that names somebody. */
enum export_type {
    EXPORT_STRING,
    EXPORT_PROSE,
    EXPORT_INTEGER,
    EXPORT_DECIMAL,
    EXPORT_BOOLEAN,
    EXPORT_DATETIME
};

struct export_column {
    const char *name, *label;
    enum export_type type;
};

struct export_set {
    const char *name, *label;
    const struct export_column *columns;
    size_t n_columns;
    /* $1 study or null, $2 site or null, $3 since or null; but for audit $4 order or null */
    struct store_statement statement;
};

/* answers, scores, changes, deviations, submissions. */
extern const struct export_set export_sets[];
extern const size_t export_sets_count;
/* The audit trail itself, by time. */
extern const struct export_set export_audit;

/* Row by row; columns in the set's order, SQL null as PQgetisnull. study and site may be NULL
 * (all), since_us TIME_NONE. order: NULL, subjects by their codes; else any text, which puts them
 * in an order that only it makes. */
int store_export(struct store *s, const struct export_set *set, const char *study, const char *site,
                 int64_t since_us, const char *order, int (*each)(void *arg, const PGresult *row),
                 void *arg);

#endif
