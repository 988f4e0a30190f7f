/* A study file judged, member by member, before anything of it is written. Pure: knows no database.
 * Inner header of store/catalog; the format stands in doc/reference.md. */
#ifndef SLUICE_STORE_STUDY_FILE_H
#define SLUICE_STORE_STUDY_FILE_H

#include <jansson.h>
#include <stddef.h>

#include "store/catalog_file.h"

#define STUDY_SITES_MAX 100000
#define STUDY_RECIPIENTS_FILE_MAX 1000
#define STUDY_CONTACTS_MAX 32

/* What the file says for columns; texts belong to the JSON tree, NULL where it is silent. */
struct study_file {
    const char *study, *trial_code, *title, *status, *zone, *started_on, *default_questionnaire;
    const json_t *sites; /* array of judged objects, or NULL */
};

/* True: all of it is sound. Else the first fault, behind its place. */
bool study_file_judge(const json_t *root, struct study_file *ret_file, struct catalog_fault *fault);

#endif
