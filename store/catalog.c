/* Reading the reference data, for workers' caches. */
#include "store/catalog.h"

#include <string.h>

static const struct store_statement studies_read = {
    "studies_read",
    "SELECT study, status, default_questionnaire, definition::text FROM sluice.studies"};

static const struct store_statement questionnaires_read = {
    "questionnaires_read",
    "SELECT url, version, name, fhir_id, definition::text, unchecked, loaded_at"
    " FROM sluice.questionnaires ORDER BY name, loaded_at, version"};

/* When the study has left it: never (null), at that time, or from the beginning. */
#define SUBJECT_COLUMNS                                                                            \
    "s.study, s.subject_id, s.site_id, CASE s.status WHEN 'withdrawn' THEN s.status_at"            \
    " WHEN 'screening' THEN '-infinity' END, s.erased_at IS NOT NULL"

static const struct store_statement subjects_find = {
    "subjects_find",
    "SELECT " SUBJECT_COLUMNS " FROM unnest($1::text[], $2::text[]) AS u(study, subject_id)"
    " JOIN sluice.subjects s ON s.study = u.study AND s.subject_id = u.subject_id"};

static const struct store_statement subjects_read = {
    "subjects_read", "SELECT " SUBJECT_COLUMNS " FROM sluice.subjects s LIMIT $1"};

static const struct store_statement catalog_stamp = {
    "catalog_stamp",
    "SELECT coalesce((SELECT count(*) * 31 + coalesce(extract(epoch FROM max(loaded_at)) * 1000000,"
    " 0)::int8 FROM sluice.questionnaires), 0) + coalesce((SELECT count(*) * 31"
    " + coalesce(extract(epoch FROM max(loaded_at)) * 1000000, 0)::int8 FROM sluice.studies), 0)"};

static const char *
text_get(const PGresult *r, int row, int column)
{
    return PQgetisnull(r, row, column) ? NULL : PQgetvalue(r, row, column);
}

int
store_studies_read(struct store *s, void (*each)(void *arg, const struct catalog_study *row),
                   void *arg)
{
    PGresult *r = NULL;
    int n = store_run(s, &studies_read, NULL, &r);

    if (n != STORE_OK)
        return n;
    for (int i = 0; i < PQntuples(r); i++) {
        each(arg, &(struct catalog_study){
                      .study = PQgetvalue(r, i, 0),
                      .status = PQgetvalue(r, i, 1),
                      .fallback = text_get(r, i, 2),
                      .definition = PQgetvalue(r, i, 3),
                      .definition_len = (size_t)PQgetlength(r, i, 3),
                  });
    }
    PQclear(r);
    return STORE_OK;
}

int
store_questionnaires_read(struct store *s,
                          void (*each)(void *arg, const struct catalog_questionnaire *row),
                          void *arg)
{
    PGresult *r = NULL;
    int n = store_run(s, &questionnaires_read, NULL, &r);

    if (n != STORE_OK)
        return n;
    for (int i = 0; i < PQntuples(r); i++) {
        each(arg, &(struct catalog_questionnaire){
                      .url = PQgetvalue(r, i, 0),
                      .version = PQgetvalue(r, i, 1),
                      .name = PQgetvalue(r, i, 2),
                      .fhir_id = text_get(r, i, 3),
                      .definition = PQgetvalue(r, i, 4),
                      .definition_len = (size_t)PQgetlength(r, i, 4),
                      .unchecked = *PQgetvalue(r, i, 5) != 0,
                      .loaded_us = store_get_time(r, i, 6),
                  });
    }
    PQclear(r);
    return STORE_OK;
}

int
store_catalog_stamp(struct store *s, int64_t *ret_stamp)
{
    PGresult *r = NULL;
    int n = store_run(s, &catalog_stamp, NULL, &r);

    if (n != STORE_OK)
        return n;
    *ret_stamp = store_get_bigint(r, 0, 0);
    PQclear(r);
    return STORE_OK;
}

static void
subjects_give(PGresult *r, void (*each)(void *arg, const struct catalog_subject *row), void *arg)
{
    for (int i = 0; i < PQntuples(r); i++)
        each(arg, &(struct catalog_subject){
                      .study = PQgetvalue(r, i, 0),
                      .subject = PQgetvalue(r, i, 1),
                      .site = text_get(r, i, 2),
                      .active_until_us = PQgetisnull(r, i, 3) ? INT64_MAX : store_get_time(r, i, 3),
                      .erased = *PQgetvalue(r, i, 4) != 0,
                  });
    PQclear(r);
}

int
store_subjects_read(struct store *s, int64_t limit,
                    void (*each)(void *arg, const struct catalog_subject *row), void *arg)
{
    struct store_params p = {0};
    PGresult *r = NULL;

    store_param_bigint(&p, limit);
    int n = store_run(s, &subjects_read, &p, &r);
    if (n == STORE_OK)
        subjects_give(r, each, arg);
    return n;
}

int
store_subjects_find(struct store *s, const struct array *studies, const struct array *subjects,
                    void (*each)(void *arg, const struct catalog_subject *row), void *arg)
{
    struct store_params p = {0};
    PGresult *r = NULL;

    store_param_bytes(&p, studies->bytes.data, studies->bytes.size);
    store_param_bytes(&p, subjects->bytes.data, subjects->bytes.size);
    int n = store_run(s, &subjects_find, &p, &r);
    if (n == STORE_OK)
        subjects_give(r, each, arg);
    return n;
}
