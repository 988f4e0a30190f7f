/* From a file into studies, study_versions and sites: one statement. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "questionnaire/alert.h"
#include "questionnaire/literal.h"
#include "store/catalog_inner.h"
#include "store/study_file.h"
#include "store/valuesets.h"

#define SITES_CEILING ((size_t)128 << 20)
#define BY_NOBODY "-"

enum { SITE_COLUMNS = 3 };

static const struct store_statement study_find = {
    "study_find", "SELECT version, definition_hash = $2::bytea FROM sluice.study_versions"
                  " WHERE study = $1::text ORDER BY version DESC LIMIT 1"};

/* Of two loads at the same moment one breaks the key of study_versions: it may be tried again. */
static const char study_upsert[] =
    "site AS (INSERT INTO sluice.sites (study, site_id, name, zone)"
    "  SELECT $1::text, * FROM unnest($9::text[], $10::text[], $11::text[])"
    "  ON CONFLICT (study, site_id) DO UPDATE SET name = excluded.name, zone = excluded.zone,"
    "  loaded_at = now()),"
    " version AS (INSERT INTO sluice.study_versions (study, version, definition, definition_hash,"
    "  loaded_by, reason) VALUES ($1::text, $12::int4, convert_from($8::bytea, 'UTF8')::jsonb,"
    "  $13::bytea, $14::text, $15::text)),"
    " study AS (INSERT INTO sluice.studies (study, trial_code, title, status, zone, started_on,"
    "  default_questionnaire, definition, version)"
    "  VALUES ($1::text, $2::text, $3::text, $4::text, $5::text, $6::text::date, $7::text,"
    "  convert_from($8::bytea, 'UTF8')::jsonb, $12::int4)"
    "  ON CONFLICT (study) DO UPDATE SET trial_code = excluded.trial_code, title = excluded.title,"
    "  status = excluded.status, zone = excluded.zone, started_on = excluded.started_on,"
    "  default_questionnaire = excluded.default_questionnaire, definition = excluded.definition,"
    "  version = excluded.version, loaded_at = now())";

/* What the loaded instruments say about the file: whether the changed alerts exist and take such
 * values, whether what it names is there. */
struct against {
    const struct catalog_load *load;
    const json_t *root;
    const struct study_rules *rules;
    const struct valuesets *valuesets;
    bool *rule_known; /* one a rule of the file */
    bool default_known;
    bool *version_known; /* one an entry of questionnaires */
    char *why;           /* the first refusal; malloc'd */
};

static bool
name_is(const struct catalog_questionnaire *q, const char *name)
{
    return strcmp(q->name, name) == 0 || strcmp(q->url, name) == 0 ||
           (q->fhir_id != NULL && strcmp(q->fhir_id, name) == 0);
}

static void
names_note(struct against *a, const struct catalog_questionnaire *row)
{
    const char *fallback = json_string_value(json_object_get(a->root, "defaultQuestionnaire"));
    const json_t *list = json_object_get(a->root, "questionnaires"), *q;
    size_t i;

    a->default_known = a->default_known || (fallback != NULL && name_is(row, fallback));
    json_array_foreach(list, i, q)
    {
        const char *name = json_string_value(json_object_get(q, "questionnaire"));
        const char *version = json_string_value(json_object_get(q, "version"));
        if (name_is(row, name) && (version == NULL || strcmp(version, row->version) == 0))
            a->version_known[i] = true;
    }
}

static void
rules_note(struct against *a, const struct questionnaire *q)
{
    for (size_t i = 0; i < study_rules_count(a->rules); i++) {
        for (size_t k = 0; k < questionnaire_alerts(q) && !a->rule_known[i]; k++)
            a->rule_known[i] =
                strcmp(questionnaire_alert_id(q, k), study_rules_id(a->rules, i)) == 0;
    }
}

static void
instrument_take(void *arg, const struct catalog_questionnaire *row)
{
    struct against *a = arg;
    struct questionnaire *q = NULL;
    char *why = NULL;

    names_note(a, row);
    if (a->why != NULL || study_rules_count(a->rules) == 0)
        return;
    /* One that this program can't compile any more is the workers' to complain about. */
    if (valuesets_compile(a->valuesets, row->loaded_us, row->definition, row->definition_len,
                          row->unchecked, &q, &why) == QUESTIONNAIRE_OK) {
        rules_note(a, q);
        if (study_rules_check(a->rules, q, &a->why) != STUDY_RULES_OK && a->why == NULL)
            a->why = mem_strdup("alerts: refused");
    }
    questionnaire_free(q);
    free(why);
}

static void
missing_tell(const struct against *a)
{
    const char *fallback = json_string_value(json_object_get(a->root, "defaultQuestionnaire"));
    const json_t *list = json_object_get(a->root, "questionnaires"), *q;
    size_t i;

    if (fallback != NULL && !a->default_known)
        catalog_warn(a->load, "defaultQuestionnaire: '%s' is not loaded yet", fallback);
    json_array_foreach(list, i, q)
    {
        const char *version = json_string_value(json_object_get(q, "version"));
        if (!a->version_known[i])
            catalog_warn(a->load, "questionnaires/%zu: '%s%s%s' is not loaded yet", i,
                         json_string_value(json_object_get(q, "questionnaire")),
                         version != NULL ? "|" : "", version != NULL ? version : "");
    }
    for (i = 0; i < study_rules_count(a->rules); i++) {
        if (!a->rule_known[i])
            catalog_warn(a->load, "alerts/%s: no loaded questionnaire has this rule",
                         study_rules_id(a->rules, i));
    }
}

static int
study_against(struct store *s, const struct catalog_load *load, const json_t *root,
              const struct study_rules *rules)
{
    size_t n_list = json_array_size(json_object_get(root, "questionnaires"));
    struct valuesets *valuesets = NULL;
    int n = store_valuesets_read(s, &valuesets);

    if (n != STORE_OK)
        return n;
    struct against a = {.load = load, .root = root, .rules = rules, .valuesets = valuesets};
    a.rule_known = mem_new(study_rules_count(rules) + 1, sizeof(bool));
    a.version_known = mem_new(n_list + 1, sizeof(bool));
    n = store_questionnaires_read(s, instrument_take, &a);
    if (n == STORE_OK && a.why != NULL) {
        store_why_set(s, a.why);
        n = STORE_INVALID;
    } else if (n == STORE_OK) {
        missing_tell(&a);
    }
    free(a.rule_known);
    free(a.version_known);
    free(a.why);
    valuesets_free(valuesets);
    return n;
}

static void
sites_fill(const json_t *sites, struct array columns[SITE_COLUMNS])
{
    static const char *const members[SITE_COLUMNS] = {"siteId", "name", "zone"};
    const json_t *site;
    size_t i;

    for (int c = 0; c < SITE_COLUMNS; c++) {
        array_init(&columns[c], SITES_CEILING);
        array_begin(&columns[c], OID_TEXT);
        json_array_foreach(sites, i, site)
            catalog_array_add(&columns[c], json_string_value(json_object_get(site, members[c])));
        array_end(&columns[c]);
    }
}

static int
study_write(struct store *s, const struct catalog_load *load, const struct study_file *file,
            const char *text, const uint8_t *hash, int version)
{
    struct catalog_write w = {.name = "study_upsert",
                              .ctes = study_upsert,
                              .action = "study.loaded",
                              .study = file->study};
    struct store_params *p = &w.p;
    struct array sites[SITE_COLUMNS];
    char what[32], detail[CATALOG_DETAIL_SIZE];

    catalog_param(p, file->study);
    catalog_param(p, file->trial_code);
    catalog_param(p, file->title);
    catalog_param(p, file->status);
    catalog_param(p, file->zone);
    catalog_param(p, file->started_on);
    catalog_param(p, file->default_questionnaire);
    store_param_bytes(p, text, strlen(text));
    sites_fill(file->sites, sites);
    for (int c = 0; c < SITE_COLUMNS; c++)
        store_param_bytes(p, sites[c].bytes.data, sites[c].bytes.size);
    store_param_int(p, version);
    store_param_bytes(p, hash, crypto_hash_sha256_BYTES);
    catalog_param(p, load->by != NULL ? load->by : BY_NOBODY);
    catalog_param(p, load->reason);
    snprintf(what, sizeof(what), "version %d", version);
    catalog_detail(detail, what, hash);
    int n = catalog_run(s, load, &w, detail);
    for (int c = 0; c < SITE_COLUMNS; c++)
        array_deinit(&sites[c]);
    return n;
}

/* The version that the file would be; *ret_unchanged: it is the one that holds. */
static int
study_version(struct store *s, const char *study, const uint8_t *hash, int *ret_version,
              bool *ret_unchanged)
{
    struct store_params p = {0};
    PGresult *r = NULL;

    catalog_param(&p, study);
    store_param_bytes(&p, hash, crypto_hash_sha256_BYTES);
    int n = store_run(s, &study_find, &p, &r);
    if (n != STORE_OK)
        return n;
    bool found = PQntuples(r) > 0;
    *ret_unchanged = found && *PQgetvalue(r, 0, 1) != 0;
    *ret_version = found ? store_get_int(r, 0, 0) + !*ret_unchanged : 1;
    PQclear(r);
    return STORE_OK;
}

static int
study_load(struct store *s, const struct catalog_load *load, const struct study_file *file,
           const json_t *root, const char *text, struct catalog_loaded *ret_loaded)
{
    struct catalog_loaded loaded = {.count = json_array_size(file->sites)};
    uint8_t hash[crypto_hash_sha256_BYTES];
    struct study_rules *rules = NULL;
    char *why = NULL;

    if (study_rules_new(text, strlen(text), &rules, &why) != STUDY_RULES_OK) {
        store_why_set(s, why);
        free(why);
        return STORE_INVALID;
    }
    int n = study_against(s, load, root, rules);
    study_rules_free(rules);
    crypto_hash_sha256(hash, (const unsigned char *)text, strlen(text));
    if (n == STORE_OK)
        n = study_version(s, file->study, hash, &loaded.version, &loaded.unchanged);
    if (n == STORE_OK && !loaded.unchanged && !load->check_only)
        n = study_write(s, load, file, text, hash, loaded.version);
    if (n != STORE_OK)
        return n;
    snprintf(loaded.name, sizeof(loaded.name), "%s", file->study);
    *ret_loaded = loaded;
    return STORE_OK;
}

int
store_study_load(struct store *s, const struct catalog_load *load,
                 struct catalog_loaded *ret_loaded)
{
    struct catalog_fault fault = {0};
    struct study_file file;
    json_t *root = catalog_parse(load->json, load->len, &fault);
    int n;

    if (root == NULL || !study_file_judge(root, &file, &fault)) {
        n = catalog_refuse(s, &fault);
    } else {
        /* Sorted and compact, so that the hash does not depend on how the file is laid out. */
        char *text = literal_dump(root);
        n = study_load(s, load, &file, root, text, ret_loaded);
        free(text);
    }
    json_decref(root);
    return n;
}
