/* From files into studies, sites, subjects and questionnaires. Each load is one statement. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "questionnaire/questionnaire.h"
#include "store/catalog.h"
#include "store/catalog_file.h"

#define SUBJECTS_CEILING ((size_t)128 << 20)
#define SUBJECTS_CHUNK 10000 /* rows a statement */

#define NOTIFY "SELECT pg_notify('" CATALOG_CHANNEL "', '')"

static const struct store_statement study_upsert = {
    "study_upsert",
    "WITH site AS (INSERT INTO sluice.sites (study, site_id, name, zone)"
    "  SELECT $1::text, * FROM unnest($9::text[], $10::text[], $11::text[])"
    "  ON CONFLICT (study, site_id) DO UPDATE SET name = excluded.name, zone = excluded.zone,"
    "  loaded_at = now()),"
    " study AS (INSERT INTO sluice.studies (study, trial_code, title, status, zone, started_on,"
    "  default_questionnaire, definition)"
    "  VALUES ($1::text, $2::text, $3::text, $4::text, $5::text, $6::text::date, $7::text,"
    "  convert_from($8::bytea, 'UTF8')::jsonb)"
    "  ON CONFLICT (study) DO UPDATE SET trial_code = excluded.trial_code, title = excluded.title,"
    "  status = excluded.status, zone = excluded.zone, started_on = excluded.started_on,"
    "  default_questionnaire = excluded.default_questionnaire, definition = excluded.definition,"
    "  loaded_at = now()) " NOTIFY};

static const struct store_statement subjects_upsert = {
    "subjects_upsert",
    "WITH i AS (INSERT INTO sluice.subjects (study, subject_id, site_id, status, status_at,"
    "  time_zone, kind)"
    "  SELECT $1::text, subject_id, site_id, status, status_at::timestamptz, time_zone, kind"
    "  FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])"
    "  AS u(subject_id, site_id, status, status_at, time_zone, kind)"
    "  ON CONFLICT (study, subject_id) DO UPDATE SET site_id = excluded.site_id,"
    "  status = excluded.status, status_at = excluded.status_at, time_zone = excluded.time_zone,"
    "  kind = excluded.kind, loaded_at = now()) " NOTIFY};

static const struct store_statement study_exists = {
    "study_exists", "SELECT 1 FROM sluice.studies WHERE study = $1::text"};

static const struct store_statement questionnaire_find = {
    "questionnaire_find",
    "SELECT url = $1::text AND version = $2::text AS same_key, definition_hash = $4::bytea,"
    " url = $1::text FROM sluice.questionnaires"
    " WHERE (url = $1::text AND version = $2::text) OR name = $3::text"
    " OR (url = $1::text AND name <> $3::text)"};

static const struct store_statement questionnaire_insert = {
    "questionnaire_insert",
    "WITH i AS (INSERT INTO sluice.questionnaires (url, version, name, fhir_id, title, status,"
    "  definition, definition_hash) VALUES ($1::text, $2::text, $3::text, $4::text, $5::text,"
    "  $6::text, convert_from($7::bytea, 'UTF8')::jsonb, $8::bytea)) " NOTIFY};

static void
param_string(struct store_params *p, const char *text)
{
    if (text != NULL)
        store_param_text(p, text, strlen(text));
    else
        store_param_null(p);
}

static void
array_string(struct array *a, const char *text)
{
    int full = text != NULL ? array_add(a, text, strlen(text)) : array_add_null(a);

    sluice_assert(full == BUF_OK); /* the file's size and the counts bound it far below */
}

static int
fault_return(struct store *s, const struct catalog_fault *fault)
{
    store_why_set(s, fault->text);
    return STORE_INVALID;
}

/* A row refused by its data (a date, a zone) is the file's fault. */
static int
load_run(struct store *s, const struct store_statement *statement, const struct store_params *p)
{
    int n = store_run(s, statement, p, NULL);

    return n == STORE_ROW ? STORE_INVALID : n;
}

static void
sites_take(const json_t *study, struct array columns[3], size_t *ret_n, struct catalog_fault *fault)
{
    static const char *const members[] = {"siteId", "name", "zone", NULL};
    const json_t *sites = json_object_get(study, "sites"), *site;
    size_t i;

    for (int c = 0; c < 3; c++)
        array_begin(&columns[c], OID_TEXT);
    if (sites != NULL && !json_is_array(sites))
        catalog_fail(fault, "'sites' must be an array");
    json_array_foreach(sites, i, site)
    {
        catalog_members(site, "site", members, fault);
        array_string(&columns[0], catalog_code(site, "siteId", true, fault));
        array_string(&columns[1], catalog_string(site, "name", 200, false, fault));
        array_string(&columns[2], catalog_string(site, "zone", 64, false, fault));
    }
    *ret_n = columns[0].n;
    for (int c = 0; c < 3; c++)
        array_end(&columns[c]);
}

static void
study_questionnaires_check(const json_t *study, struct catalog_fault *fault)
{
    static const char *const members[] = {"questionnaire", "version", NULL};
    const json_t *list = json_object_get(study, "questionnaires"), *q;
    size_t i;

    if (list != NULL && !json_is_array(list))
        catalog_fail(fault, "'questionnaires' must be an array");
    json_array_foreach(list, i, q)
    {
        catalog_members(q, "questionnaires", members, fault);
        catalog_string(q, "questionnaire", 2000, true, fault);
        catalog_string(q, "version", 100, false, fault);
    }
}

int
store_study_load(struct store *s, const char *json, size_t len, bool check_only,
                 struct catalog_loaded *ret_loaded)
{
    static const char *const members[] = {"study",
                                          "trialCode",
                                          "title",
                                          "status",
                                          "zone",
                                          "startedOn",
                                          "defaultQuestionnaire",
                                          "questionnaires",
                                          "sites",
                                          NULL};
    static const char *const states[] = {"active", "planned", "closed", NULL};
    struct catalog_fault fault = {""};
    struct catalog_loaded loaded = {0};
    struct store_params p = {0};
    struct array sites[3];
    json_t *root = catalog_parse(json, len, &fault);

    if (root == NULL)
        return fault_return(s, &fault);
    for (int c = 0; c < 3; c++)
        array_init(&sites[c], SUBJECTS_CEILING);
    catalog_members(root, "study", members, &fault);
    const char *study = catalog_code(root, "study", true, &fault);
    param_string(&p, study);
    param_string(&p, catalog_string(root, "trialCode", 200, false, &fault));
    param_string(&p, catalog_string(root, "title", 1000, false, &fault));
    param_string(&p, catalog_word(root, "status", states, &fault));
    const char *zone = catalog_string(root, "zone", 64, false, &fault);
    param_string(&p, zone != NULL ? zone : "UTC");
    param_string(&p, catalog_string(root, "startedOn", 10, false, &fault));
    param_string(&p, catalog_string(root, "defaultQuestionnaire", 2000, false, &fault));
    study_questionnaires_check(root, &fault);
    sites_take(root, sites, &loaded.count, &fault);
    store_param_bytes(&p, json, len);
    for (int c = 0; c < 3; c++)
        store_param_bytes(&p, sites[c].bytes.data, sites[c].bytes.size);
    int n = fault.text[0] != '\0' ? fault_return(s, &fault)
            : check_only          ? STORE_OK
                                  : load_run(s, &study_upsert, &p);
    if (n == STORE_OK) {
        snprintf(loaded.name, sizeof(loaded.name), "%s", study);
        *ret_loaded = loaded;
    }
    for (int c = 0; c < 3; c++)
        array_deinit(&sites[c]);
    json_decref(root);
    return n;
}

enum { SUBJECT_COLUMNS = 6 };

static void
subject_take(const json_t *v, struct array columns[SUBJECT_COLUMNS], struct catalog_fault *fault)
{
    static const char *const members[] = {"subjectId", "siteId", "status", "statusAt",
                                          "timeZone",  "kind",   NULL};
    static const char *const states[] = {"enrolled", "screening", "completed", "withdrawn", NULL};
    static const char *const kinds[] = {"real", "test", NULL};
    json_t *object =
        json_is_string(v) ? json_pack("{s:O}", "subjectId", v) : json_incref((json_t *)v);

    if (!json_is_object(object)) {
        catalog_fail(fault, "a subject must be a string or an object");
    } else {
        catalog_members(object, "subject", members, fault);
        const char *code = catalog_code(object, "subjectId", true, fault);
        if (code != NULL && catalog_code_looks_personal(code))
            catalog_fail(fault, "subject %zu looks like a phone number, e-mail or national id",
                         (size_t)columns[0].n + 1);
        array_string(&columns[0], code);
        array_string(&columns[1], catalog_code(object, "siteId", false, fault));
        const char *status = catalog_word(object, "status", states, fault);
        array_string(&columns[2], status);
        const char *at = catalog_string(object, "statusAt", 40, false, fault);
        if (at == NULL && strcmp(status, "withdrawn") == 0)
            catalog_fail(fault, "a withdrawn subject needs 'statusAt'");
        array_string(&columns[3], at);
        array_string(&columns[4], catalog_string(object, "timeZone", 64, false, fault));
        array_string(&columns[5], catalog_word(object, "kind", kinds, fault));
    }
    json_decref(object);
}

/* Subjects [from, to) in one statement. */
static int
subjects_chunk(struct store *s, const char *study, const json_t *list, size_t from, size_t to,
               bool check_only, struct catalog_fault *fault)
{
    struct array columns[SUBJECT_COLUMNS];
    struct store_params p = {0};

    for (int c = 0; c < SUBJECT_COLUMNS; c++) {
        array_init(&columns[c], SUBJECTS_CEILING);
        array_begin(&columns[c], OID_TEXT);
    }
    for (size_t i = from; i < to; i++)
        subject_take(json_array_get(list, i), columns, fault);
    store_param_text(&p, study, strlen(study));
    for (int c = 0; c < SUBJECT_COLUMNS; c++) {
        array_end(&columns[c]);
        store_param_bytes(&p, columns[c].bytes.data, columns[c].bytes.size);
    }
    int n = fault->text[0] != '\0' ? fault_return(s, fault)
            : check_only           ? STORE_OK
                                   : load_run(s, &subjects_upsert, &p);
    for (int c = 0; c < SUBJECT_COLUMNS; c++)
        array_deinit(&columns[c]);
    return n;
}

static int
study_must_exist(struct store *s, const char *study)
{
    struct store_params p = {0};
    PGresult *r = NULL;

    store_param_text(&p, study, strlen(study));
    int n = store_run(s, &study_exists, &p, &r);
    if (n != STORE_OK)
        return n;
    if (PQntuples(r) == 0) {
        store_why_set(s, "the study is not loaded: load it first");
        n = STORE_INVALID;
    }
    PQclear(r);
    return n;
}

int
store_subjects_load(struct store *s, const char *json, size_t len, bool check_only,
                    struct catalog_loaded *ret_loaded)
{
    static const char *const members[] = {"study", "subjects", NULL};
    struct catalog_fault fault = {""};
    json_t *root = catalog_parse(json, len, &fault);
    int n = STORE_OK;

    if (root == NULL)
        return fault_return(s, &fault);
    catalog_members(root, "subjects", members, &fault);
    const char *study = catalog_code(root, "study", true, &fault);
    const json_t *list = json_object_get(root, "subjects");
    size_t count = json_array_size(list);
    if (!json_is_array(list) || count == 0 || count > CATALOG_SUBJECTS_MAX)
        catalog_fail(&fault, "'subjects' must be an array of 1 to %d", CATALOG_SUBJECTS_MAX);
    if (fault.text[0] != '\0')
        n = fault_return(s, &fault);
    if (n == STORE_OK)
        n = study_must_exist(s, study);
    /* The whole file is judged before the first row is written. */
    for (int writing = 0; writing <= !check_only && n == STORE_OK; writing++) {
        for (size_t i = 0; i < count && n == STORE_OK; i += SUBJECTS_CHUNK) {
            size_t to = i + SUBJECTS_CHUNK < count ? i + SUBJECTS_CHUNK : count;
            n = subjects_chunk(s, study, list, i, to, !writing, &fault);
        }
    }
    if (n == STORE_OK) {
        *ret_loaded = (struct catalog_loaded){.count = count};
        snprintf(ret_loaded->name, sizeof(ret_loaded->name), "%s", study);
    }
    json_decref(root);
    return n;
}

/* Looks for what stands in the way; *ret_unchanged: this very definition is there already. */
static int
questionnaire_judge(struct store *s, const char *url, const char *version, const char *name,
                    const uint8_t *hash, bool *ret_unchanged)
{
    struct store_params p = {0};
    PGresult *r = NULL;

    param_string(&p, url);
    param_string(&p, version);
    param_string(&p, name);
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

static int
questionnaire_write(struct store *s, const json_t *root, const char *name, const char *text,
                    bool check_only, struct catalog_loaded *loaded)
{
    uint8_t hash[crypto_hash_sha256_BYTES];
    struct store_params p = {0};
    const char *url = json_string_value(json_object_get(root, "url"));
    const char *version = json_string_value(json_object_get(root, "version"));
    const char *status = json_string_value(json_object_get(root, "status"));

    crypto_hash_sha256(hash, (const unsigned char *)text, strlen(text));
    int n = questionnaire_judge(s, url, version, name, hash, &loaded->unchanged);
    if (n != STORE_OK || loaded->unchanged || check_only)
        return n;
    param_string(&p, url);
    param_string(&p, version);
    param_string(&p, name);
    param_string(&p, json_string_value(json_object_get(root, "id")));
    param_string(&p, json_string_value(json_object_get(root, "title")));
    param_string(&p, status != NULL ? status : "unknown");
    store_param_bytes(&p, text, strlen(text));
    store_param_bytes(&p, hash, sizeof(hash));
    return load_run(s, &questionnaire_insert, &p);
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

int
store_questionnaire_load(struct store *s, const char *json, size_t len, const char *url,
                         const char *version, bool check_only, struct catalog_loaded *ret_loaded)
{
    struct catalog_fault fault = {""};
    struct catalog_loaded loaded = {0};
    struct questionnaire *compiled = NULL;
    char *why = NULL, *text = NULL;
    json_t *root = catalog_parse(json, len, &fault);
    int n;

    if (root == NULL)
        return fault_return(s, &fault);
    if (json_object_get(root, "url") == NULL && url != NULL)
        json_object_set_new(root, "url", json_string(url));
    if (json_object_get(root, "version") == NULL && version != NULL)
        json_object_set_new(root, "version", json_string(version));
    url = catalog_string(root, "url", 1000, true, &fault);
    version = catalog_string(root, "version", 100, true, &fault);
    catalog_string(root, "name", CATALOG_NAME_MAX, false, &fault);
    catalog_string(root, "id", CATALOG_CODE_MAX, false, &fault);
    if (url != NULL && strlen(questionnaire_name(root)) > CATALOG_NAME_MAX)
        catalog_fail(&fault, "'name' is needed: the url's last part is too long for one");
    if (url != NULL && strchr(url, '|') != NULL)
        catalog_fail(&fault, "'url' must not contain '|'");
    /* Sorted and compact, so that the hash does not depend on how the file is laid out. */
    text = json_dumps(root, JSON_COMPACT | JSON_SORT_KEYS);
    if (fault.text[0] == '\0' &&
        questionnaire_compile(text, strlen(text), NULL, &compiled, &why) != QUESTIONNAIRE_OK)
        catalog_fail(&fault, "%s", why);
    if (fault.text[0] != '\0') {
        n = fault_return(s, &fault);
    } else {
        const char *name = questionnaire_name(root);
        snprintf(loaded.name, sizeof(loaded.name), "%s %s", name, version);
        n = questionnaire_write(s, root, name, text, check_only, &loaded);
    }
    if (n == STORE_OK)
        *ret_loaded = loaded;
    questionnaire_free(compiled);
    free(why);
    free(text);
    json_decref(root);
    return n;
}
