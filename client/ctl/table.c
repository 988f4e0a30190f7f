/* Tables: measure every cell first, then print. Numbers stand right, texts left. */
#include "client/ctl/table.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "client/ctl/format.h"

/* malloc'd text of one cell. */
static char *
cell_text(const json_t *row, const struct column *column)
{
    const json_t *value = json_object_get(row, column->member);
    char text[FORMAT_SIZE] = "-";

    if (json_is_string(value)) {
        char *copy = mem_strdup(json_string_value(value));
        format_tame(copy);
        return copy;
    }
    if (json_is_boolean(value)) {
        snprintf(text, sizeof(text), "%s", json_is_true(value) ? "yes" : "");
        return mem_strdup(text);
    }
    if (!json_is_integer(value))
        return mem_strdup(text);
    int64_t n = json_integer_value(value);
    switch (column->form) {
    case COLUMN_AGE:
        format_age(n, text);
        break;
    case COLUMN_BYTES:
        format_bytes((uint64_t)n, text);
        break;
    case COLUMN_COUNT:
        if (n >= 0) {
            format_count((uint64_t)n, text);
            break;
        }
        snprintf(text, sizeof(text), "%" PRId64, n);
        break;
    case COLUMN_TIME:
        clock_format(n, text);
        break;
    case COLUMN_FLAG:
        snprintf(text, sizeof(text), "%s", n != 0 ? "yes" : "");
        break;
    case COLUMN_TEXT:
    case COLUMN_PLAIN:
        snprintf(text, sizeof(text), "%" PRId64, n);
        break;
    }
    return mem_strdup(text);
}

static bool
form_is_right(enum column_form form)
{
    return form == COLUMN_COUNT || form == COLUMN_AGE || form == COLUMN_BYTES ||
           form == COLUMN_PLAIN;
}

static void
cell_print(FILE *out, const char *text, size_t width, bool right, bool last)
{
    size_t own = format_width(text);
    int pad = (int)(width > own ? width - own : 0);

    if (right)
        fprintf(out, "%*s%s", pad, "", text);
    else if (last)
        fprintf(out, "%s", text);
    else
        fprintf(out, "%s%*s", text, pad, "");
    fprintf(out, "%s", last ? "\n" : "  ");
}

void
table_print_json(const json_t *row)
{
    json_dumpf(row, stdout, JSON_COMPACT);
    putchar('\n');
}

void
table_write(FILE *out, const json_t *rows, const struct column *columns, size_t n_columns)
{
    size_t n = json_array_size(rows);
    char **cells = mem_new(n * n_columns, sizeof(*cells));
    size_t *widths = mem_new(n_columns, sizeof(*widths));
    for (size_t c = 0; c < n_columns; c++) {
        widths[c] = format_width(columns[c].title);
        for (size_t r = 0; r < n; r++) {
            char *text = cell_text(json_array_get(rows, r), &columns[c]);
            cells[r * n_columns + c] = text;
            if (format_width(text) > widths[c])
                widths[c] = format_width(text);
        }
    }
    for (size_t c = 0; c < n_columns; c++)
        cell_print(out, columns[c].title, widths[c], form_is_right(columns[c].form),
                   c + 1 == n_columns);
    for (size_t k = 0; k < n * n_columns; k++) {
        size_t c = k % n_columns;
        cell_print(out, cells[k], widths[c], form_is_right(columns[c].form), c + 1 == n_columns);
        free(cells[k]);
    }
    free(cells);
    free(widths);
}

void
table_print(const json_t *rows, const struct column *columns, size_t n_columns, bool json,
            const char *empty)
{
    json_t *row;
    size_t i;

    if (json) {
        json_array_foreach((json_t *)(uintptr_t)rows, i, row) table_print_json(row);
        return;
    }
    if (json_array_size(rows) == 0) {
        printf("%s\n", empty);
        return;
    }
    table_write(stdout, rows, columns, n_columns);
}

void
table_print_one(const json_t *row, const struct column *columns, size_t n_columns, bool json)
{
    size_t width = 0;

    if (json) {
        table_print_json(row);
        return;
    }
    for (size_t c = 0; c < n_columns; c++) {
        if (format_width(columns[c].title) > width)
            width = format_width(columns[c].title);
    }
    for (size_t c = 0; c < n_columns; c++) {
        char *text = cell_text(row, &columns[c]);
        cell_print(stdout, columns[c].title, width, false, false);
        cell_print(stdout, text, 0, false, true);
        free(text);
    }
}
