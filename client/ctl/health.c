/* Rows are JSON objects: check, object, status, text, and value, unit, warning, critical where
 * there is a number (seconds as reals). */
#include "client/ctl/health.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "client/ctl/format.h"
#include "client/ctl/table.h"

static const struct {
    const char *name, *unit, *metric, *meaning;
} checks[] = {
#define CHECK(NAME, name, unit, metric, meaning) {name, unit, metric, meaning},
#include "client/ctl/health_checks.def"
#undef CHECK
};

static const char *const statuses[] = {
    [HEALTH_OK] = "ok",
    [HEALTH_WARNING] = "warning",
    [HEALTH_CRITICAL] = "critical",
    [HEALTH_UNKNOWN] = "unknown",
};

#define OBJECT_SHOWN 256 /* of an endpoint or a path: enough to know it by */

struct finding {
    enum health_check check;
    enum health_status status;
    char object[OBJECT_SHOWN];
    char text[512];
    bool has_value;
    int64_t value, warning, critical;
};

struct health {
    struct finding *list;
    size_t n, cap;
};

struct health *
health_new(void)
{
    return mem_new(1, sizeof(struct health));
}

void
health_free(struct health *h)
{
    free(h->list);
    free(h);
}

void
health_add(struct health *h, enum health_check check, const char *object, enum health_status status,
           const char *fmt, ...)
{
    va_list ap;

    if (h->n == h->cap) {
        h->cap = h->cap == 0 ? 32 : 2 * h->cap;
        h->list = mem_grow(h->list, h->cap, sizeof(*h->list));
    }
    struct finding *f = &h->list[h->n++];
    *f = (struct finding){.check = check, .status = status};
    snprintf(f->object, sizeof(f->object), "%s", object);
    va_start(ap, fmt);
    vsnprintf(f->text, sizeof(f->text), fmt, ap);
    va_end(ap);
    format_fold(f->text);
    format_tame(f->object); /* both may hold what somebody else wrote */
    format_tame(f->text);
}

void
health_value(struct health *h, int64_t value, int64_t warning, int64_t critical)
{
    sluice_assert(h->n > 0);
    struct finding *f = &h->list[h->n - 1];
    f->has_value = true;
    f->value = value;
    f->warning = warning;
    f->critical = critical;
}

enum health_status
health_worst(const struct health *h)
{
    static const enum health_status order[] = {HEALTH_CRITICAL, HEALTH_WARNING, HEALTH_UNKNOWN};

    for (size_t k = 0; k < ARRAY_LEN(order); k++) {
        for (size_t i = 0; i < h->n; i++)
            if (h->list[i].status == order[k])
                return order[k];
    }
    return HEALTH_OK;
}

static size_t
status_count(const struct health *h, enum health_status status)
{
    size_t n = 0;

    for (size_t i = 0; i < h->n; i++)
        n += h->list[i].status == status;
    return n;
}

/* "2 critical, 1 warning, 12 ok" */
static void
counts_write(const struct health *h, FILE *out)
{
    static const enum health_status order[] = {HEALTH_CRITICAL, HEALTH_WARNING, HEALTH_UNKNOWN,
                                               HEALTH_OK};
    const char *comma = "";

    for (size_t k = 0; k < ARRAY_LEN(order); k++) {
        size_t n = status_count(h, order[k]);
        if (n == 0)
            continue;
        fprintf(out, "%s%zu %s", comma, n, statuses[order[k]]);
        comma = ", ";
    }
}

static bool
in_seconds(const struct finding *f)
{
    return strcmp(checks[f->check].unit, "s") == 0;
}

static json_t *
number_json(const struct finding *f, int64_t value)
{
    if (value == HEALTH_NO_LIMIT)
        return json_null();
    if (in_seconds(f))
        return json_real((double)value / (double)US_PER_S);
    return json_integer(value);
}

static json_t *
finding_json(const struct finding *f)
{
    json_t *row = json_pack("{s:s, s:s, s:s, s:s}", "check", checks[f->check].name, "object",
                            f->object, "status", statuses[f->status], "text", f->text);

    if (f->has_value) {
        json_object_set_new(row, "value", number_json(f, f->value));
        json_object_set_new(row, "unit", json_string(checks[f->check].unit));
        json_object_set_new(row, "warning", number_json(f, f->warning));
        json_object_set_new(row, "critical", number_json(f, f->critical));
    }
    return row;
}

void
health_json(const struct health *h, FILE *out)
{
    for (size_t i = 0; i < h->n; i++) {
        json_t *row = finding_json(&h->list[i]);
        json_dumpf(row, out, JSON_COMPACT | JSON_REAL_PRECISION(15));
        fputc('\n', out);
        json_decref(row);
    }
}

void
health_text(const struct health *h, FILE *out)
{
    static const struct column columns[] = {{"status", "status", COLUMN_TEXT},
                                            {"check", "check", COLUMN_TEXT},
                                            {"object", "of", COLUMN_TEXT},
                                            {"text", "what", COLUMN_TEXT}};
    json_t *rows = json_array();

    for (size_t i = 0; i < h->n; i++)
        json_array_append_new(rows, finding_json(&h->list[i]));
    table_write(out, rows, columns, ARRAY_LEN(columns));
    fprintf(out, "\n%s: ", statuses[health_worst(h)]);
    counts_write(h, out);
    fprintf(out, "\n");
    json_decref(rows);
}

static void
number_write(FILE *out, const struct finding *f, int64_t value)
{
    if (in_seconds(f))
        fprintf(out, "%.6f", (double)value / (double)US_PER_S);
    else
        fprintf(out, "%lld", (long long)value);
}

/* A label's value: what the text format wants escaped is. */
static void
label_write(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            fputc('\\', out);
        fputc(*text, out);
    }
}

void
health_prometheus(const struct health *h, FILE *out)
{
    fprintf(out, "# HELP sluice_check_status 0 ok, 1 warning, 2 critical, 3 unknown\n"
                 "# TYPE sluice_check_status gauge\n");
    for (size_t i = 0; i < h->n; i++) {
        fprintf(out, "sluice_check_status{check=\"%s\",object=\"", checks[h->list[i].check].name);
        label_write(out, h->list[i].object);
        fprintf(out, "\"} %d\n", (int)h->list[i].status);
    }
    for (unsigned c = 0; c < HEALTH_CHECKS; c++) {
        bool told = false;
        for (size_t i = 0; i < h->n; i++) {
            const struct finding *f = &h->list[i];
            if (f->check != c || !f->has_value || *checks[c].metric == '\0')
                continue;
            if (!told)
                fprintf(out, "# HELP %s %s\n# TYPE %s gauge\n", checks[c].metric, checks[c].meaning,
                        checks[c].metric);
            told = true;
            fprintf(out, "%s{object=\"", checks[c].metric);
            label_write(out, f->object);
            fprintf(out, "\"} ");
            number_write(out, f, f->value);
            fputc('\n', out);
        }
    }
}

/* In output and labels of a plugin '|', and in a label also '=' and the quote, mean something. */
static void
plugin_write(FILE *out, const char *text, const char *taken)
{
    for (; *text != '\0'; text++)
        fputc(strchr(taken, *text) != NULL ? '_' : *text, out);
}

static void
perfdata_write(const struct finding *f, FILE *out)
{
    const int64_t limits[] = {f->warning, f->critical};

    fprintf(out, " '");
    plugin_write(out, checks[f->check].name, "|='");
    if (*f->object != '\0')
        fputc(' ', out);
    plugin_write(out, f->object, "|='");
    fprintf(out, "'=");
    number_write(out, f, f->value);
    fprintf(out, "%s", in_seconds(f) ? "s" : "");
    for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
        fputc(';', out);
        if (limits[i] != HEALTH_NO_LIMIT)
            number_write(out, f, limits[i]);
    }
}

static void
finding_line(const struct finding *f, FILE *out)
{
    fprintf(out, "%s%s", checks[f->check].name, *f->object != '\0' ? " " : "");
    plugin_write(out, f->object, "|");
    fprintf(out, ": ");
    plugin_write(out, f->text, "|");
}

void
health_nagios(const struct health *h, FILE *out)
{
    static const char *const words[] = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};
    enum health_status worst = health_worst(h);
    bool first = true;

    fprintf(out, "SLUICE %s - ", words[worst]);
    counts_write(h, out);
    for (size_t i = 0; i < h->n; i++) {
        if (h->list[i].status != worst || worst == HEALTH_OK)
            continue;
        fprintf(out, "%s", first ? ": " : "; ");
        finding_line(&h->list[i], out);
        first = false;
    }
    fprintf(out, " |");
    for (size_t i = 0; i < h->n; i++)
        if (h->list[i].has_value)
            perfdata_write(&h->list[i], out);
    fputc('\n', out);
    for (size_t i = 0; i < h->n; i++) {
        fprintf(out, "[%s] ", statuses[h->list[i].status]);
        finding_line(&h->list[i], out);
        fputc('\n', out);
    }
}
