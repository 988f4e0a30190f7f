/* A worker's view of studies and questionnaires, with every questionnaire compiled. Read whole at
 * (re)connect and when a load was notified; subjects stand in subjects.h. */
#ifndef SLUICE_WORKERS_SUBMISSIONS_CATALOG_H
#define SLUICE_WORKERS_SUBMISSIONS_CATALOG_H

#include <stdbool.h>
#include <stddef.h>

#include "questionnaire/findings.h"
#include "questionnaire/questionnaire.h"
#include "store/catalog.h"
#include "store/submissions.h"
#include "workers/submissions/study.h"

/* One version of one questionnaire. */
struct catalog_form {
    char *url, *version, *name, *fhir_id;
    struct questionnaire *compiled; /* never NULL */
    /* What the definition carries. */
    bool identifies, attaches, normalises, scored, alerting, comparative;
};

struct catalog; /* opaque */

struct catalog *catalog_new(void);
void catalog_free(struct catalog *c);
/* STORE_ outcomes; on failure the old view stays. Forms found earlier are gone after STORE_OK. */
int catalog_read(struct catalog *c, struct store *s);
size_t catalog_studies(const struct catalog *c);
size_t catalog_forms(const struct catalog *c);

/* NULL: not known. Valid until the next catalog_read. */
const struct study *catalog_study(const struct catalog *c, struct slice study);
/* Which form a submission means (clinical-rules "Which questionnaire"): questionnaire is a url,
 * url|version, name or id, or null: the study's default; version or null: the study's active one,
 * else the only one loaded. RULE_COUNT and *ret_form, or the rule that is broken. */
enum rule catalog_find(const struct catalog *c, struct slice study, struct slice questionnaire,
                       struct slice version, const struct catalog_form **ret_form);

#endif
