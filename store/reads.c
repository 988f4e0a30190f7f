/* Reads about submissions, studies, subjects and definitions; alerts stand in reads_alerts.c. */
#include "store/reads_inner.h"

#include "base/error.h"

#define STUDIES_CEILING ((size_t)256 * 1024)

static const struct store_statement history = {
    "read_history",
    "SELECT json_build_object('id', submission_id, 'study', study, 'revisions', json_agg("
    "json_build_object('revision', revision, 'current', current, 'status', status, 'void', void,"
    " 'authoredAt', " READ_TIME("authored_at") ", 'receivedAt', " READ_TIME(
        "received_at") ", 'storedAt', " READ_TIME("stored_at") ", 'actor', actor, 'role', role, "
                                                               "'organisation', organisation, "
                                                               "'reason', reason, 'source',"
                                                               " source, 'changed', changed) ORDER "
                                                               "BY revision))::text"
                                                               " FROM (SELECT * FROM "
                                                               "sluice.submission_history WHERE "
                                                               "study = ANY ($1::text[])"
                                                               " AND submission_id = $2::uuid "
                                                               "ORDER BY study, revision DESC "
                                                               "LIMIT 50) h"
                                                               " GROUP BY submission_id, study "
                                                               "ORDER BY study LIMIT 1"};
_Static_assert(READ_REVISIONS_MAX == 50, "the LIMIT above");

static const struct store_statement projects = {
    "read_projects",
    "SELECT json_build_object('projects', coalesce(json_agg(json_build_object('projectId', study,"
    " 'trialCode', trial_code, 'title', title, 'status', status, 'startedOn', started_on)"
    " ORDER BY study), '[]'))::text FROM sluice.studies"
    " WHERE study = ANY ($1::text[]) AND status = 'active'"};

static const struct store_statement definition = {
    "read_definition",
    "SELECT definition::text, encode(definition_hash, 'hex') FROM sluice.questionnaires"
    " WHERE url = $1::text AND version = $2::text"};

static const struct store_statement subject_by_code = {
    "read_subject",
    "SELECT u.subject_id, u.status, s.trial_code, u.erased_at IS NOT NULL FROM sluice.subjects u"
    " LEFT JOIN sluice.studies s ON s.study = u.study"
    " WHERE u.study = $1::text AND u.subject_id = $2::text"};

static const struct store_statement subject_counts = {
    "read_subject_counts",
    "SELECT json_build_object('submissions', count(*), 'lastSubmission', (SELECT json_build_object("
    "'id', submission_id, 'questionnaire', questionnaire, 'version', version, "
    "'authoredAt', " READ_TIME(
        "authored_at") ") FROM sluice.submissions"
                       " WHERE study = $1::text AND subject_id = $2::text"
                       " ORDER BY authored_at DESC, submission_id DESC LIMIT 1))::text"
                       " FROM sluice.submissions WHERE study = $1::text AND subject_id = $2::text"};

struct slice
read_slice(const PGresult *r, int row, int column)
{
    if (PQgetisnull(r, row, column))
        return (struct slice){NULL, 0};
    return (struct slice){PQgetvalue(r, row, column), (size_t)PQgetlength(r, row, column)};
}

int
read_studies_param(struct store_params *p, struct array *a, const struct read_studies *studies)
{
    array_init(a, STUDIES_CEILING);
    array_begin(a, OID_TEXT);
    for (size_t i = 0; i < studies->n; i++)
        if (array_add(a, studies->codes[i].at, studies->codes[i].len) != BUF_OK)
            return STORE_INVALID;
    array_end(a);
    store_param_bytes(p, a->bytes.data, a->bytes.size);
    return STORE_OK;
}

int
read_run(struct store *s, const struct store_statement *statement, const struct store_params *p,
         read_take take, void *arg)
{
    PGresult *r = NULL;
    int n = store_run(s, statement, p, &r);

    if (n != STORE_OK)
        return n;
    if (PQntuples(r) > 0 && !PQgetisnull(r, 0, 0))
        take(arg, read_slice(r, 0, 0));
    PQclear(r);
    return STORE_OK;
}

int
store_history_read(struct store *s, const struct read_studies *studies, const struct uuid *id,
                   read_take take, void *arg)
{
    struct store_params p = {0};
    struct array codes;
    int n = read_studies_param(&p, &codes, studies);

    store_param_uuid(&p, id);
    if (n == STORE_OK)
        n = read_run(s, &history, &p, take, arg);
    array_deinit(&codes);
    return n;
}

int
store_projects_read(struct store *s, const struct read_studies *studies, read_take take, void *arg)
{
    struct store_params p = {0};
    struct array codes;
    int n = read_studies_param(&p, &codes, studies);

    if (n == STORE_OK)
        n = read_run(s, &projects, &p, take, arg);
    array_deinit(&codes);
    return n;
}

int
store_definition_read(struct store *s, const char *url, const char *version,
                      void (*take)(void *arg, struct slice definition, struct slice hash),
                      void *arg)
{
    struct store_params p = {0};
    PGresult *r = NULL;

    store_param_text(&p, url, strlen(url));
    store_param_text(&p, version, strlen(version));
    int n = store_run(s, &definition, &p, &r);
    if (n != STORE_OK)
        return n;
    if (PQntuples(r) > 0)
        take(arg, read_slice(r, 0, 0), read_slice(r, 0, 1));
    PQclear(r);
    return STORE_OK;
}

int
store_subject_read(struct store *s, struct slice study, struct slice subject,
                   void (*take)(void *arg, const struct subject_found *found), void *arg)
{
    struct store_params p = {0};
    PGresult *r = NULL;

    store_param_text(&p, study.at, study.len);
    store_param_text(&p, subject.at, subject.len);
    int n = store_run(s, &subject_by_code, &p, &r);
    if (n != STORE_OK)
        return n;
    if (PQntuples(r) > 0)
        take(arg, &(struct subject_found){.subject = read_slice(r, 0, 0),
                                          .status = read_slice(r, 0, 1),
                                          .trial_code = read_slice(r, 0, 2),
                                          .erased = *PQgetvalue(r, 0, 3) != 0});
    PQclear(r);
    return STORE_OK;
}

int
store_subject_counts(struct store *s, struct slice study, struct slice subject, read_take take,
                     void *arg)
{
    struct store_params p = {0};

    store_param_text(&p, study.at, study.len);
    store_param_text(&p, subject.at, subject.len);
    return read_run(s, &subject_counts, &p, take, arg);
}
