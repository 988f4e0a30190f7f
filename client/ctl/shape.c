/* Groups by name in one JSON object; a group counts by state and by age. */
#include "client/ctl/shape.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "client/ctl/rows.h"
#include "client/ctl/table.h"

#define OTHERS "(others)"

static const char *const age_titles[SHAPE_AGES] = {"<1s",   "1-2", "2-4", "4-8", "8-16", "16-32",
                                                   "32-64", "1m",  "2m",  "4m",  "8m",   "17m+"};

struct shape {
    json_t *groups; /* by name */
    json_t *total;
};

static json_t *
group_new(const char *type, const char *name)
{
    json_t *ages = json_array();

    for (size_t i = 0; i < SHAPE_AGES; i++)
        json_array_append_new(ages, json_integer(0));
    return json_pack("{s:s, s:s, s:i, s:i, s:{}, s:o}", "type", type, "name", name, "n", 0,
                     "oldest_us", 0, "states", "ages", ages);
}

struct shape *
shape_new(void)
{
    struct shape *s = mem_new(1, sizeof(*s));

    s->groups = json_object();
    s->total = group_new("total", "TOTAL");
    return s;
}

void
shape_free(struct shape *s)
{
    json_decref(s->groups);
    json_decref(s->total);
    free(s);
}

static void
number_add(json_t *object, const char *member, json_int_t n)
{
    json_object_set_new(object, member, json_integer(row_number(object, member) + n));
}

static void
group_count(json_t *group, const char *state, size_t age, json_int_t n, json_int_t oldest_us)
{
    json_t *at = json_array_get(json_object_get(group, "ages"), age);

    json_integer_set(at, json_integer_value(at) + n);
    number_add(group, "n", n);
    number_add(json_object_get(group, "states"), state, n);
    if (oldest_us > row_number(group, "oldest_us"))
        json_object_set_new(group, "oldest_us", json_integer(oldest_us));
}

void
shape_add(struct shape *s, const char *name, const char *state, size_t age, json_int_t n,
          json_int_t oldest_us)
{
    json_t *group = json_object_get(s->groups, name);

    if (n == 0)
        return;
    if (group == NULL) {
        bool full = json_object_size(s->groups) >= SHAPE_NAMES_MAX;
        name = full ? OTHERS : name;
        group = full ? json_object_get(s->groups, OTHERS) : NULL;
    }
    if (group == NULL) {
        group = group_new("group", name);
        json_object_set_new(s->groups, name, group);
    }
    group_count(group, state, age, n, oldest_us);
    group_count(s->total, state, age, n, oldest_us);
}

bool
shape_add_row(struct shape *s, const json_t *row, bool by_state)
{
    const char *name = json_string_value(json_object_get(row, "name"));
    const char *state = json_string_value(json_object_get(row, "state"));
    const json_t *ages = json_object_get(row, "ages");

    if (name == NULL || state == NULL || json_array_size(ages) != SHAPE_AGES)
        return false;
    for (size_t i = 0; i < SHAPE_AGES; i++)
        shape_add(s, by_state ? state : name, state, i, json_integer_value(json_array_get(ages, i)),
                  row_number(row, "oldest_us"));
    return true;
}

static int
group_compare(const void *a, const void *b)
{
    const json_t *left = *(json_t *const *)a, *right = *(json_t *const *)b;
    json_int_t l = row_number(left, "n"), r = row_number(right, "n");

    if (l != r)
        return l < r ? 1 : -1;
    return strcmp(json_string_value(json_object_get(left, "name")),
                  json_string_value(json_object_get(right, "name")));
}

/* Adds one group to another. */
static void
group_join(json_t *to, const json_t *from)
{
    const char *state;
    json_t *n;
    size_t i;

    number_add(to, "n", row_number(from, "n"));
    json_object_foreach(json_object_get(from, "states"), state, n)
        number_add(json_object_get(to, "states"), state, json_integer_value(n));
    json_array_foreach(json_object_get(from, "ages"), i, n)
    {
        json_t *at = json_array_get(json_object_get(to, "ages"), i);
        json_integer_set(at, json_integer_value(at) + json_integer_value(n));
    }
    if (row_number(from, "oldest_us") > row_number(to, "oldest_us"))
        json_object_set_new(to, "oldest_us", json_integer(row_number(from, "oldest_us")));
}

json_t *
shape_rows(const struct shape *s, const char *by, size_t limit)
{
    size_t n = json_object_size(s->groups), i = 0;
    json_t **sorted = mem_new(n + 1, sizeof(json_t *));
    json_t *rows = json_array(), *others = NULL, *group;
    const char *name;

    json_object_foreach(s->groups, name, group) sorted[i++] = group;
    qsort(sorted, n, sizeof(*sorted), group_compare);
    json_array_append_new(rows, json_deep_copy(s->total));
    for (i = 0; i < n; i++) {
        if (i < limit) {
            json_array_append_new(rows, json_deep_copy(sorted[i]));
            continue;
        }
        if (others == NULL)
            others = group_new("others", OTHERS);
        group_join(others, sorted[i]);
    }
    if (others != NULL)
        json_array_append_new(rows, others);
    json_array_foreach(rows, i, group) json_object_set_new(group, "by", json_string(by));
    free(sorted);
    return rows;
}

static void
count_set(json_t *line, const char *member, json_int_t n)
{
    if (n > 0)
        json_object_set_new(line, member, json_integer(n));
}

/* Which states have a column: those that some group has, in this order. */
static const char *const states[] = {"ready", "leased",   "delayed", "dead",
                                     "held",  "rejected", "conflict"};

void
shape_print(const json_t *rows, const char *by)
{
    struct column columns[3 + ARRAY_LEN(states) + SHAPE_AGES] = {
        {"name", by, COLUMN_TEXT}, {"n", "T", COLUMN_COUNT}, {"oldest_us", "oldest", COLUMN_AGE}};
    const json_t *all = json_object_get(json_array_get(rows, 0), "states");
    json_t *lines = json_array(), *row;
    size_t n = 3, i;

    for (i = 0; i < ARRAY_LEN(states); i++) {
        if (strcmp(by, "state") != 0 && row_number(all, states[i]) > 0)
            columns[n++] = (struct column){states[i], states[i], COLUMN_COUNT};
    }
    for (i = 0; i < SHAPE_AGES; i++)
        columns[n++] = (struct column){age_titles[i], age_titles[i], COLUMN_COUNT};
    json_array_foreach((json_t *)(uintptr_t)rows, i, row)
    {
        const char *name = json_string_value(json_object_get(row, "name"));
        json_t *line =
            json_pack("{s:s, s:O, s:O}", "name", *name != '\0' ? name : "-", "n",
                      json_object_get(row, "n"), "oldest_us", json_object_get(row, "oldest_us"));
        for (size_t k = 0; k < ARRAY_LEN(states); k++)
            count_set(line, states[k], row_number(json_object_get(row, "states"), states[k]));
        for (size_t k = 0; k < SHAPE_AGES; k++)
            count_set(line, age_titles[k],
                      json_integer_value(json_array_get(json_object_get(row, "ages"), k)));
        json_array_append_new(lines, line);
    }
    table_print(lines, columns, n, false, "nothing waits");
    json_decref(lines);
}
