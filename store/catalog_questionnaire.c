/* From a file into questionnaires. What its items are is written down by the database itself, in
 * the same transaction (schemas/sql/002_clinical.sql). */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "questionnaire/literal.h"
#include "store/catalog_inner.h"
#include "store/definition_rows.h"
#include "store/valuesets.h"

static const struct store_statement questionnaire_find = {
    "questionnaire_find",
    "SELECT url = $1::text AND version = $2::text AS same_key, definition_hash = $4::bytea,"
    " url = $1::text FROM sluice.questionnaires"
    " WHERE (url = $1::text AND version = $2::text) OR name = $3::text"
    " OR (url = $1::text AND name <> $3::text)"};

static const char questionnaire_insert[] =
    "i AS (INSERT INTO sluice.questionnaires (url, version, name, fhir_id, title, status,"
    "  definition, definition_hash, unchecked) VALUES ($1::text, $2::text, $3::text, $4::text,"
    "  $5::text, $6::text, convert_from($7::bytea, 'UTF8')::jsonb, $8::bytea, $9::bool)),"
    " " DEFINITION_ROWS_SQL;

/* Looks for what stands in the way; *ret_unchanged: this very definition is there already. */
static int
questionnaire_judge(struct store *s, const char *url, const char *version, const char *name,
                    const uint8_t *hash, bool *ret_unchanged)
{
    struct store_params p = {0};
    PGresult *r = NULL;

    catalog_param(&p, url);
    catalog_param(&p, version);
    catalog_param(&p, name);
    store_param_bytes(&p, hash, crypto_hash_sha256_BYTES);
    int n = store_run(s, &questionnaire_find, &p, &r);
    if (n != STORE_OK)
        return n;
    *ret_unchanged = false;
    for (int i = 0; i < PQntuples(r) && n == STORE_OK; i++) {
        bool same_key = *PQgetvalue(r, i, 0) != 0, same_hash = *PQgetvalue(r, i, 1) != 0;
        bool same_url = *PQgetvalue(r, i, 2) != 0;
        if (same_key && same_hash) {
            *ret_unchanged = true;
        } else if (same_key) {
            store_why_set(s, "this version is loaded with other content: give it a new version");
            n = STORE_INVALID;
        } else if (!same_url) {
            store_why_set(s, "another url has this name already");
            n = STORE_INVALID;
        }
    }
    PQclear(r);
    return n;
}

/* A file as it would be loaded. */
struct definition {
    json_t *root;
    char *text; /* sorted and compact: its hash does not depend on how the file is laid out */
    const char *version, *name;
    struct questionnaire *compiled;
};

static void
definition_free(struct definition *d)
{
    questionnaire_free(d->compiled);
    free(d->text);
    json_decref(d->root);
}

static int
questionnaire_write(struct store *s, const struct catalog_load *load, const struct definition *d,
                    struct catalog_loaded *loaded)
{
    uint8_t hash[crypto_hash_sha256_BYTES];
    struct catalog_write w = {.name = "questionnaire_insert",
                              .ctes = questionnaire_insert,
                              .action = "questionnaire.loaded"};
    struct store_params *p = &w.p;
    struct definition_rows rows;
    char what[1200], detail[CATALOG_DETAIL_SIZE];
    const char *url = json_string_value(json_object_get(d->root, "url"));
    const char *status = json_string_value(json_object_get(d->root, "status"));

    crypto_hash_sha256(hash, (const unsigned char *)d->text, strlen(d->text));
    int n = questionnaire_judge(s, url, d->version, d->name, hash, &loaded->unchanged);
    if (n != STORE_OK || loaded->unchanged || load->check_only)
        return n;
    catalog_param(p, url);
    catalog_param(p, d->version);
    catalog_param(p, d->name);
    catalog_param(p, json_string_value(json_object_get(d->root, "id")));
    catalog_param(p, json_string_value(json_object_get(d->root, "title")));
    catalog_param(p, status != NULL ? status : "unknown");
    store_param_bytes(p, d->text, strlen(d->text));
    store_param_bytes(p, hash, sizeof(hash));
    store_param_bytes(p, load->unchecked ? "\x01" : "\x00", 1);
    snprintf(what, sizeof(what), "%s|%s%s", url, d->version, load->unchecked ? " unchecked" : "");
    catalog_detail(detail, what, hash);
    definition_rows_fill(&rows, d->compiled);
    definition_rows_params(&rows, p);
    n = catalog_run(s, load, &w, detail);
    definition_rows_deinit(&rows);
    return n;
}

static const char *
questionnaire_name(const json_t *root)
{
    const char *name = json_string_value(json_object_get(root, "name"));
    const char *id = json_string_value(json_object_get(root, "id"));
    const char *url = json_string_value(json_object_get(root, "url"));

    if (name != NULL && *name != '\0')
        return name;
    if (id != NULL && *id != '\0')
        return id;
    const char *slash = strrchr(url, '/');
    return slash != NULL && slash[1] != '\0' ? slash + 1 : url;
}

/* Every reason of a refusal, and every warning, is said on a line of its own. */
static void
lines_say(const struct catalog_load *load, bool refusal, const char *lines)
{
    char line[1024];

    while (load->say != NULL && *lines != '\0') {
        size_t n = strcspn(lines, "\n");
        snprintf(line, sizeof(line), "%.*s", (int)n, lines);
        load->say(load->arg, refusal, line);
        lines += n + (lines[n] == '\n');
    }
}

static void
definition_read(const struct catalog_load *load, struct definition *d, struct catalog_fault *fault)
{
    d->root = catalog_parse(load->json, load->len, fault);
    if (d->root == NULL)
        return;
    catalog_default(d->root, "url", load->url);
    catalog_default(d->root, "version", load->version);
    const char *url = catalog_string(d->root, "url", 1000, true, fault);
    d->version = catalog_string(d->root, "version", 100, true, fault);
    catalog_string(d->root, "name", CATALOG_NAME_MAX, false, fault);
    catalog_string(d->root, "id", CATALOG_CODE_MAX, false, fault);
    if (url == NULL)
        return;
    if (strchr(url, '|') != NULL)
        catalog_fail(fault, "'url' must not contain '|'");
    d->name = questionnaire_name(d->root);
    if (strlen(d->name) > CATALOG_NAME_MAX)
        catalog_fail(fault, "'name' is needed: the url's last part is too long for one");
    d->text = literal_dump(d->root);
}

/* *ret_why (malloc'd) on STORE_INVALID: all reasons, a line each. */
static int
definition_judge(const struct catalog_load *load, const struct valuesets *valuesets,
                 struct definition *d, char **ret_why)
{
    struct catalog_fault fault = {0};

    definition_read(load, d, &fault);
    if (fault.text[0] != '\0') {
        *ret_why = mem_strdup(fault.text);
        return STORE_INVALID;
    }
    if (valuesets_compile(valuesets, VALUESET_NOW, d->text, strlen(d->text), load->unchecked,
                          &d->compiled, ret_why) != QUESTIONNAIRE_OK)
        return STORE_INVALID;
    for (size_t i = 0; i < questionnaire_warnings(d->compiled); i++)
        lines_say(load, false, questionnaire_warning(d->compiled, i));
    return STORE_OK;
}

bool
catalog_questionnaire_check(const struct catalog_load *load, const struct valuesets *valuesets,
                            struct catalog_loaded *ret_loaded)
{
    struct definition d = {0};
    char *why = NULL;

    bool sound = definition_judge(load, valuesets, &d, &why) == STORE_OK;
    if (sound) {
        *ret_loaded = (struct catalog_loaded){.count = questionnaire_items(d.compiled)};
        snprintf(ret_loaded->name, sizeof(ret_loaded->name), "%s %s", d.name, d.version);
    } else {
        lines_say(load, true, why);
    }
    free(why);
    definition_free(&d);
    return sound;
}

int
store_questionnaire_load(struct store *s, const struct catalog_load *load,
                         struct catalog_loaded *ret_loaded)
{
    struct catalog_loaded loaded = {0};
    struct valuesets *valuesets = NULL;
    struct definition d = {0};
    char *why = NULL;

    int n = store_valuesets_read(s, &valuesets);
    if (n != STORE_OK)
        return n;
    n = definition_judge(load, valuesets, &d, &why);
    if (n == STORE_OK) {
        snprintf(loaded.name, sizeof(loaded.name), "%s %s", d.name, d.version);
        loaded.count = questionnaire_items(d.compiled);
        n = questionnaire_write(s, load, &d, &loaded);
    } else {
        lines_say(load, true, why);
        store_why_set(s, load->say != NULL ? "the definition is refused" : why);
    }
    if (n == STORE_OK)
        *ret_loaded = loaded;
    free(why);
    definition_free(&d);
    valuesets_free(valuesets);
    return n;
}
