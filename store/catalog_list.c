/* The database makes the JSON; these statements are for people and may take their time. */
#include "store/catalog_list.h"

#include "store/catalog_inner.h"

#define MICROSECONDS(column) "(extract(epoch FROM " column ") * 1000000)::int8"

#define QUESTIONNAIRE                                                                              \
    "jsonb_build_object('name', q.name, 'version', q.version, 'url', q.url, 'id', q.fhir_id,"      \
    " 'title', q.title, 'status', q.status, 'items', (SELECT count(*)"                             \
    " FROM sluice.questionnaire_items i WHERE i.questionnaire = q.name AND i.version = q.version)" \
    ", 'unchecked', q.unchecked, 'loaded_us', " MICROSECONDS(                                      \
        "q.loaded_at") ", 'used',"                                                                 \
                       " EXISTS (SELECT FROM sluice.submissions s WHERE s.questionnaire = q.name"  \
                       " AND s.version = q.version))"

/* A study's active version: the one that its file names, else the only one loaded. */
static const struct store_statement questionnaires_list = {
    "questionnaires_list",
    "WITH named AS (SELECT e->>'questionnaire' AS name, e->>'version' AS version"
    " FROM sluice.studies t, jsonb_array_elements(t.definition->'questionnaires') AS e"
    " WHERE t.study = $1::text)"
    " SELECT (" QUESTIONNAIRE " || CASE WHEN t.study IS NULL THEN '{}'::jsonb ELSE"
    " jsonb_build_object('active', CASE WHEN EXISTS (SELECT FROM named WHERE named.name"
    " IN (q.name, q.url, q.fhir_id)) THEN EXISTS (SELECT FROM named WHERE named.name"
    " IN (q.name, q.url, q.fhir_id) AND coalesce(named.version, q.version) = q.version)"
    " ELSE NOT EXISTS (SELECT FROM sluice.questionnaires o WHERE o.name = q.name"
    " AND o.version <> q.version) END, 'default', t.default_questionnaire"
    " IN (q.name, q.url, q.fhir_id)) END)::text"
    " FROM sluice.questionnaires q LEFT JOIN sluice.studies t ON t.study = $1::text"
    " ORDER BY q.name, q.loaded_at, q.version"};

static const struct store_statement questionnaire_show = {
    "questionnaire_show",
    "SELECT (" QUESTIONNAIRE " || jsonb_build_object('definition', q.definition, 'item',"
    " (SELECT coalesce(jsonb_agg(jsonb_build_object('link_id', i.link_id, 'path', i.path, 'type',"
    " i.type, 'text', i.text, 'repeats', i.repeats, 'unit', i.unit, 'identifier',"
    " i.identifier_kind, 'options', (SELECT count(*) FROM sluice.questionnaire_options o"
    " WHERE o.questionnaire = i.questionnaire AND o.version = i.version AND o.link_id = i.link_id)"
    ") ORDER BY i.ordinal), '[]') FROM sluice.questionnaire_items i WHERE i.questionnaire = q.name"
    " AND i.version = q.version)))::text FROM sluice.questionnaires q"
    " WHERE (split_part($1::text, '|', 1) IN (q.name, q.url, q.fhir_id))"
    " AND ($2::text IS NULL OR q.version = $2::text)"
    " AND (position('|' IN $1::text) = 0 OR q.version = split_part($1::text, '|', 2))"
    " ORDER BY q.loaded_at DESC, q.version DESC LIMIT 1"};

static const struct store_statement studies_list = {
    "studies_list",
    "SELECT jsonb_build_object('study', t.study, 'version', t.version, 'status', t.status,"
    " 'trial_code', t.trial_code, 'title', t.title, 'zone', t.zone, 'default_questionnaire',"
    " t.default_questionnaire, 'sites', (SELECT count(*) FROM sluice.sites x"
    " WHERE x.study = t.study), 'subjects', (SELECT count(*) FROM sluice.subjects x"
    " WHERE x.study = t.study), 'loaded_us', " MICROSECONDS(
        "t.loaded_at") ")::text"
                       " FROM sluice.studies t ORDER BY t.study"};

static const struct store_statement study_versions = {
    "study_versions_list",
    "SELECT jsonb_build_object('study', v.study, 'version', v.version, 'loaded_us',"
    " " MICROSECONDS("v.loaded_at") ", 'loaded_by', v.loaded_by, 'reason', v.reason,"
                                    " 'definition', v.definition)::text FROM sluice.study_versions "
                                    "v WHERE v.study = $1::text"
                                    " ORDER BY v.version DESC"};

static int
rows_read(struct store *s, const struct store_statement *statement, struct store_params *p,
          catalog_each *each, void *arg)
{
    PGresult *r = NULL;
    int n = store_run(s, statement, p, &r);

    if (n != STORE_OK)
        return n;
    for (int i = 0; i < PQntuples(r); i++)
        each(arg, PQgetvalue(r, i, 0), (size_t)PQgetlength(r, i, 0));
    PQclear(r);
    return STORE_OK;
}

int
store_questionnaires_list(struct store *s, const char *study, catalog_each *each, void *arg)
{
    struct store_params p = {0};

    catalog_param(&p, study);
    return rows_read(s, &questionnaires_list, &p, each, arg);
}

int
store_questionnaire_show(struct store *s, const char *name, const char *version, catalog_each *each,
                         void *arg)
{
    struct store_params p = {0};

    catalog_param(&p, name);
    catalog_param(&p, version);
    return rows_read(s, &questionnaire_show, &p, each, arg);
}

int
store_studies_list(struct store *s, catalog_each *each, void *arg)
{
    return rows_read(s, &studies_list, NULL, each, arg);
}

int
store_study_versions(struct store *s, const char *study, catalog_each *each, void *arg)
{
    struct store_params p = {0};

    catalog_param(&p, study);
    return rows_read(s, &study_versions, &p, each, arg);
}
