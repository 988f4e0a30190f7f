/* Studies, sites, subjects and questionnaires: loading them from files (sluicectl) and reading them
 * (workers); value sets stand in valuesets.h. Every load ends with NOTIFY sluice_catalog, on which
 * workers read anew. The files' formats stand in doc/reference.md.
 *
 * Unknown members are refused, with their place. Loading a study again makes a new version of it
 * (all are kept, with who loaded them); loading subjects again updates them; a version of a
 * questionnaire never changes: the same content again does nothing, other content is refused. */
#ifndef SLUICE_STORE_CATALOG_H
#define SLUICE_STORE_CATALOG_H

#include <stddef.h>

#include "store/array.h"
#include "store/connection.h"

#define CATALOG_CHANNEL "sluice_catalog"
#define CATALOG_CODE_MAX 64  /* study, site and subject codes */
#define CATALOG_NAME_MAX 200 /* a questionnaire's name */
#define CATALOG_SUBJECTS_MAX 1000000

struct audit_chain; /* audit.h */

/* What is to be loaded, and how. NULL, zero and false: nothing of it. */
struct catalog_load {
    const char *json;
    size_t len;
    bool check_only;           /* judge the file, write nothing (--dry-run) */
    const char *by, *reason;   /* who loads it, and why */
    struct audit_chain *chain; /* what is written leaves a row in the audit trail, signed by it */
    const char *url, *version; /* where a definition or value set has none */
    bool unchecked;            /* questionnaire: flag what can't be evaluated, don't refuse it */
    /* What people should know beside the outcome: every reason of a refusal, or a warning. */
    void (*say)(void *arg, bool refusal, const char *text);
    void *arg;
};

struct catalog_loaded {
    char name[256]; /* what was loaded: study, or questionnaire name and version */
    size_t count;   /* subjects, sites of a study, items of a questionnaire */
    int version;    /* study: of its file */
    bool unchanged; /* stood there already with this content */
};

/* STORE_OK; STORE_INVALID with store_why naming the fault; or the connection's outcomes. */
int store_study_load(struct store *s, const struct catalog_load *load,
                     struct catalog_loaded *ret_loaded);
int store_subjects_load(struct store *s, const struct catalog_load *load,
                        struct catalog_loaded *ret_loaded);
int store_questionnaire_load(struct store *s, const struct catalog_load *load,
                             struct catalog_loaded *ret_loaded);
/* The same judgement without a database: false when it is refused. */
struct valuesets; /* valuesets.h */
bool catalog_questionnaire_check(const struct catalog_load *load, const struct valuesets *valuesets,
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
    bool unchecked; /* was loaded with what can't be evaluated flagged */
    int64_t loaded_us;
};
/* All rows; what each is given lives only during the call. */
int store_studies_read(struct store *s, void (*each)(void *arg, const struct catalog_study *row),
                       void *arg);
int store_questionnaires_read(struct store *s,
                              void (*each)(void *arg, const struct catalog_questionnaire *row),
                              void *arg);
/* Changes whenever something was loaded: for who may have missed a notification. */
int store_catalog_stamp(struct store *s, int64_t *ret_stamp);
/* What a worker needs to know of a subject. */
struct catalog_subject {
    const char *study, *subject;
    const char *site;        /* or NULL */
    int64_t active_until_us; /* INT64_MAX, or when it withdrew; INT64_MIN: not enrolled yet */
    bool erased;
};
/* Which of the pairs exist; what each is given lives only during the call. */
int store_subjects_find(struct store *s, const struct array *studies, const struct array *subjects,
                        void (*each)(void *arg, const struct catalog_subject *row), void *arg);
/* Some of all subjects, at most limit: what a cache begins with. */
int store_subjects_read(struct store *s, int64_t limit,
                        void (*each)(void *arg, const struct catalog_subject *row), void *arg);

#endif
