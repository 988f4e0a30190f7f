/* Rows for people or for scripts. A row is a JSON object; a column says which member it shows and
 * how. With
 * --json the rows go out as they are, one a line; else as an aligned table, or, for a single thing,
 * as one "name  value" line a column. */
#ifndef SLUICE_CTL_TABLE_H
#define SLUICE_CTL_TABLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum column_form {
    COLUMN_TEXT,
    COLUMN_COUNT, /* 1,414 */
    COLUMN_AGE,   /* microseconds → 3 min 5 s */
    COLUMN_BYTES,
    COLUMN_TIME,  /* microseconds since 1970 → RFC 3339 */
    COLUMN_FLAG,  /* true → yes, false → empty */
    COLUMN_PLAIN, /* a number that names something: no grouping */
};

struct column {
    const char *member; /* of the row; absent or null shows as "-" */
    const char *title;
    enum column_form form;
};

/* rows: a JSON array of objects. empty: what to say when there are none (people only). */
void table_print(const json_t *rows, const struct column *columns, size_t n_columns, bool json,
                 const char *empty);
/* The same table for people, elsewhere; there is one row at least. */
void table_write(FILE *out, const json_t *rows, const struct column *columns, size_t n_columns);
/* One object, a line a column (people), or one line of JSON. */
void table_print_one(const json_t *row, const struct column *columns, size_t n_columns, bool json);
/* One object as a JSON line. */
void table_print_json(const json_t *row);

#endif
