/* Numbers keep the digits that PostgreSQL gave them; nothing is rounded or reformatted. */
#include "client/ctl/dataset.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/error.h"

#define US_PER_S 1000000

static const char *const forms[] = {
    [DATASET_CSV] = "csv", [DATASET_NDJSON] = "ndjson", [DATASET_JSON] = "dataset-json"};
static const char *const suffixes[] = {
    [DATASET_CSV] = ".csv", [DATASET_NDJSON] = ".ndjson", [DATASET_JSON] = ".json"};
static const char *const types[] = {
    [EXPORT_STRING] = "string",   [EXPORT_PROSE] = "string",    [EXPORT_INTEGER] = "integer",
    [EXPORT_DECIMAL] = "decimal", [EXPORT_BOOLEAN] = "boolean", [EXPORT_DATETIME] = "datetime",
};

bool
dataset_form_find(const char *word, enum dataset_form *ret_form)
{
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        if (strcmp(word, forms[i]) == 0) {
            *ret_form = (enum dataset_form)i;
            return true;
        }
    }
    return false;
}

const char *
dataset_suffix(enum dataset_form form)
{
    return suffixes[form];
}

static void
json_put(FILE *out, const char *text)
{
    fputc('"', out);
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++) {
        if (*at == '"' || *at == '\\')
            fprintf(out, "\\%c", *at);
        else if (*at < 0x20)
            fprintf(out, "\\u%04x", *at);
        else
            fputc(*at, out);
    }
    fputc('"', out);
}

static void
csv_put(FILE *out, const char *text)
{
    if (strpbrk(text, ",\"\r\n") == NULL) {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (; *text != '\0'; text++) {
        if (*text == '"')
            fputc('"', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

/* Numbers keep PostgreSQL's digits; Dataset-JSON has decimals as strings, for the same reason. */
static void
json_value_put(const struct dataset *s, enum export_type type, const char *text)
{
    if (type == EXPORT_BOOLEAN)
        fputs(*text == 't' ? "true" : "false", s->out);
    else if (type == EXPORT_INTEGER || (type == EXPORT_DECIMAL && s->form == DATASET_NDJSON))
        fputs(text, s->out);
    else
        json_put(s->out, text);
}

static void
json_head(struct dataset *s, const char *study, const char *now)
{
    const struct export_set *set = s->set;

    fprintf(s->out,
            "{\"datasetJSONCreationDateTime\":\"%s\",\"datasetJSONVersion\":\"1.1.0\","
            "\"originator\":\"Sluice\",\"sourceSystem\":{\"name\":\"Sluice\",\"version\":\"%s\"},"
            "\"studyOID\":",
            now, SLUICE_VERSION);
    json_put(s->out, study != NULL ? study : "all");
    fprintf(s->out,
            ",\"metaDataVersionOID\":\"MDV.SLUICE.%s\",\"itemGroupOID\":\"IG.%s\",\"name\":\"%s\","
            "\"label\":\"%s\",\"columns\":[",
            SLUICE_VERSION, set->name, set->name, set->label);
    for (size_t c = 0; c < set->n_columns; c++) {
        enum export_type type = set->columns[c].type;
        fprintf(
            s->out,
            "%s{\"itemOID\":\"IT.%s.%s\",\"name\":\"%s\",\"label\":\"%s\",\"dataType\":\"%s\"%s}",
            c > 0 ? "," : "", set->name, set->columns[c].name, set->columns[c].name,
            set->columns[c].label, types[type],
            type == EXPORT_DECIMAL ? ",\"targetDataType\":\"decimal\"" : "");
    }
    fputs("],\"rows\":[", s->out);
}

void
dataset_begin(struct dataset *s, const char *study, int64_t now_us)
{
    time_t now = (time_t)(now_us / US_PER_S);
    char text[40];
    struct tm tm;

    s->rows = 0;
    gmtime_r(&now, &tm);
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
    if (s->form == DATASET_JSON)
        json_head(s, study, text);
    for (size_t c = 0; s->form == DATASET_CSV && c < s->set->n_columns; c++)
        fprintf(s->out, "%s%s", c > 0 ? "," : "", s->set->columns[c].name);
    if (s->form == DATASET_CSV)
        fputs("\r\n", s->out);
}

int
dataset_row(void *arg, const PGresult *row)
{
    struct dataset *s = arg;
    bool csv = s->form == DATASET_CSV, lines = s->form == DATASET_NDJSON;

    fputs(csv ? "" : lines ? "{" : s->rows > 0 ? ",\n[" : "\n[", s->out);
    for (size_t c = 0; c < s->set->n_columns; c++) {
        const struct export_column *column = &s->set->columns[c];
        const char *text = PQgetvalue(row, 0, (int)c);
        bool null = PQgetisnull(row, 0, (int)c) != 0;
        if (s->codes != NULL && !null)
            text = codes_text(s->codes, s->set, row, c);
        if (c > 0)
            fputc(',', s->out);
        if (lines)
            fprintf(s->out, "\"%s\":", column->name);
        if (csv && !null)
            csv_put(s->out, text);
        else if (!csv && null)
            fputs("null", s->out);
        else if (!csv)
            json_value_put(s, column->type, text);
    }
    fputs(csv ? "\r\n" : lines ? "}\n" : "]", s->out);
    s->rows++;
    return ferror(s->out);
}

int
dataset_end(struct dataset *s)
{
    if (s->form == DATASET_JSON)
        fprintf(s->out, "],\"records\":%" PRIu64 "}\n", s->rows);
    errno = 0;
    if (fflush(s->out) != 0 || ferror(s->out))
        return errno != 0 ? errno : EIO;
    return 0;
}
