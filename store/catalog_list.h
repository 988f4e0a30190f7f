/* The reference data for people: each row as one JSON object. */
#ifndef SLUICE_STORE_CATALOG_LIST_H
#define SLUICE_STORE_CATALOG_LIST_H

#include <stddef.h>

#include "store/connection.h"

typedef void catalog_each(void *arg, const char *json, size_t len);

/* name, version, url, title, status, items, unchecked, loaded_us, used (a submission has it) and,
 * with a study, active (what its submissions get that name no version). study NULL: none in
 * particular. */
int store_questionnaires_list(struct store *s, const char *study, catalog_each *each, void *arg);
/* name: name, id, url or url|version; version NULL: the newest loaded. One row of the list's
 * members with item: [{link_id, path, type, text, repeats, unit, identifier, options}] and
 * definition, the resource as it was loaded. No row: not there. */
int store_questionnaire_show(struct store *s, const char *name, const char *version,
                             catalog_each *each, void *arg);
/* study, version, status, trial_code, title, zone, default_questionnaire, sites, subjects,
 * loaded_us. */
int store_studies_list(struct store *s, catalog_each *each, void *arg);
/* Every version of a study's file, newest first: version, loaded_us, loaded_by, reason, definition.
 */
int store_study_versions(struct store *s, const char *study, catalog_each *each, void *arg);

#endif
