/* Studies, sites, subjects and questionnaires: loading them from files (sluicectl) and reading them
 * (workers). Every load ends with NOTIFY sluice_catalog, on which workers read anew.
 *
 * Study file, one JSON object:
 *   {"study": "NCT007",                  required: [A-Za-z0-9._-], at most 64 characters
 *    "trialCode": "…", "title": "…",
 *    "status": "planned|active|closed",  default active
 *    "zone": "Europe/Berlin",            default UTC
 *    "startedOn": "2026-01-31",
 *    "defaultQuestionnaire": NAME or URL,
 *    "questionnaires": [{"questionnaire": NAME or URL, "version": "1.0"}],
 *                                        the study's active versions; none listed: whatever is
 * loaded "sites": [{"siteId": "S01", "name": "…", "zone": "…"}]} Subjects file:
 *   {"study": "NCT007",
 *    "subjects": ["SUB123",              short for {"subjectId": "SUB123"}
 *      {"subjectId": "SUB124", "siteId": "S01",
 *       "status": "screening|enrolled|completed|withdrawn",   default enrolled
 *       "statusAt": "2026-03-01T00:00:00Z", "timeZone": "…", "kind": "real|test"}]}
 * Questionnaire file: FHIR R4 Questionnaire JSON with url and version (or given beside it); name
 * (else id, else the url's last part) is what submissions call it and belongs to that url alone.
 *
 * Unknown members are refused. Loading again updates studies, sites and subjects; a questionnaire's
 * version is immutable: the same content again changes nothing, other content is refused. */
#ifndef SLUICE_STORE_CATALOG_H
#define SLUICE_STORE_CATALOG_H

#include <stddef.h>

#include "store/array.h"
#include "store/connection.h"

#define CATALOG_CHANNEL "sluice_catalog"
#define CATALOG_CODE_MAX 64  /* study, site and subject codes */
#define CATALOG_NAME_MAX 200 /* a questionnaire's name */
#define CATALOG_SUBJECTS_MAX 1000000

struct catalog_loaded {
    char name[256]; /* what was loaded: study, or questionnaire name and version */
    size_t count;   /* subjects, or sites of a study */
    bool unchanged; /* questionnaire: stood there already with this content */
};

/* STORE_OK; STORE_INVALID with store_why naming the fault; or the connection's outcomes. check_only
 * judges the file without writing (--dry-run). */
int store_study_load(struct store *s, const char *json, size_t len, bool check_only,
                     struct catalog_loaded *ret_loaded);
int store_subjects_load(struct store *s, const char *json, size_t len, bool check_only,
                        struct catalog_loaded *ret_loaded);
/* url, version: used where the definition has none; may be NULL. */
int store_questionnaire_load(struct store *s, const char *json, size_t len, const char *url,
                             const char *version, bool check_only,
                             struct catalog_loaded *ret_loaded);

struct catalog_study {
    const char *study;
    const char *status;
    const char *fallback;   /* default questionnaire or NULL */
    const char *definition; /* the study file, JSON text */
    size_t definition_len;
};
struct catalog_questionnaire {
    const char *url, *version, *name, *fhir_id; /* fhir_id may be NULL */
    const char *definition;
    size_t definition_len;
};
/* All rows; what each is given lives only during the call. */
int store_studies_read(struct store *s, void (*each)(void *arg, const struct catalog_study *row),
                       void *arg);
int store_questionnaires_read(struct store *s,
                              void (*each)(void *arg, const struct catalog_questionnaire *row),
                              void *arg);
/* Changes whenever something was loaded: for who may have missed a notification. */
int store_catalog_stamp(struct store *s, int64_t *ret_stamp);
/* Which of the pairs exist. active_until_us: INT64_MAX, or when the subject withdrew. */
int store_subjects_find(struct store *s, const struct array *studies, const struct array *subjects,
                        void (*each)(void *arg, const char *study, const char *subject,
                                     int64_t active_until_us),
                        void *arg);
/* Some of all subjects, at most limit: what a cache begins with. */
int store_subjects_read(struct store *s, int64_t limit,
                        void (*each)(void *arg, const char *study, const char *subject,
                                     int64_t active_until_us),
                        void *arg);

#endif
