/* Small lists searched in order: a fleet runs tens of questionnaires, and the search ends before
 * the first cache miss would. */
#include "workers/submissions/catalog.h"

#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "questionnaire/alert.h"
#include "questionnaire/attachments_take.h"
#include "questionnaire/identifiers.h"
#include "questionnaire/normal.h"
#include "questionnaire/score.h"
#include "store/valuesets.h"

struct catalog {
    struct valuesets *valuesets; /* while it is read */
    struct study *studies;
    size_t n_studies;
    struct catalog_form *forms;
    size_t n_forms;
};

struct catalog *
catalog_new(void)
{
    return mem_new(1, sizeof(struct catalog));
}

static void
catalog_clear(struct catalog *c)
{
    for (size_t i = 0; i < c->n_studies; i++)
        study_deinit(&c->studies[i]);
    for (size_t i = 0; i < c->n_forms; i++) {
        struct catalog_form *f = &c->forms[i];
        free(f->url);
        free(f->version);
        free(f->name);
        free(f->fhir_id);
        questionnaire_free(f->compiled);
    }
    free(c->studies);
    free(c->forms);
    *c = (struct catalog){0};
}

void
catalog_free(struct catalog *c)
{
    if (c == NULL)
        return;
    catalog_clear(c);
    free(c);
}

static char *
text_keep(const char *text)
{
    return text != NULL ? mem_strdup(text) : NULL;
}

static void
study_take(void *arg, const struct catalog_study *row)
{
    struct catalog *c = arg;

    c->studies = mem_grow(c->studies, c->n_studies + 1, sizeof(*c->studies));
    study_init(&c->studies[c->n_studies++], row); /* refused rules: the instruments' own hold */
}

static void
form_take(void *arg, const struct catalog_questionnaire *row)
{
    struct catalog *c = arg;
    struct questionnaire *compiled;
    char *why;

    if (valuesets_compile(c->valuesets, row->loaded_us, row->definition, row->definition_len,
                          row->unchecked, &compiled, &why) != QUESTIONNAIRE_OK) {
        log_event(EVENT_DEFINITION_REFUSED, LOG_S("questionnaire", row->name),
                  LOG_S("version", row->version), LOG_S("why", why));
        free(why);
        return;
    }
    c->forms = mem_grow(c->forms, c->n_forms + 1, sizeof(*c->forms));
    c->forms[c->n_forms++] = (struct catalog_form){
        .url = mem_strdup(row->url),
        .version = mem_strdup(row->version),
        .name = mem_strdup(row->name),
        .fhir_id = text_keep(row->fhir_id),
        .compiled = compiled,
        .identifies = questionnaire_identifies(compiled),
        .attaches = questionnaire_attaches(compiled),
        .normalises = questionnaire_normalises(compiled),
        .scored = questionnaire_scores(compiled) > 0,
        .alerting = questionnaire_alerts(compiled) > 0,
        .comparative = questionnaire_has_comparative(compiled),
    };
}

int
catalog_read(struct catalog *c, struct store *s)
{
    struct catalog fresh = {0};
    int n = store_studies_read(s, study_take, &fresh);

    if (n == STORE_OK)
        n = store_valuesets_read(s, &fresh.valuesets);
    if (n == STORE_OK)
        n = store_questionnaires_read(s, form_take, &fresh);
    valuesets_free(fresh.valuesets); /* what a form needs of them it has kept */
    fresh.valuesets = NULL;
    if (n != STORE_OK) {
        catalog_clear(&fresh);
        return n;
    }
    catalog_clear(c);
    *c = fresh;
    return STORE_OK;
}

size_t
catalog_studies(const struct catalog *c)
{
    return c->n_studies;
}

size_t
catalog_forms(const struct catalog *c)
{
    return c->n_forms;
}

static bool
is(const char *text, struct slice s)
{
    return text != NULL && strlen(text) == s.len && memcmp(text, s.at, s.len) == 0;
}

static bool
form_is_called(const struct catalog_form *f, struct slice name)
{
    return is(f->name, name) || is(f->url, name) || is(f->fhir_id, name);
}

/* What the study lists for this questionnaire; *ret_allowed false: it lists others only. */
static const struct study_listed *
listed_find(const struct study *s, const struct catalog_form *f, bool *ret_allowed)
{
    for (size_t i = 0; i < s->n_listed; i++) {
        if (s->listed[i].questionnaire != NULL &&
            form_is_called(f, slice_of(s->listed[i].questionnaire))) {
            *ret_allowed = true;
            return &s->listed[i];
        }
    }
    *ret_allowed = s->n_listed == 0;
    return NULL;
}

static enum rule
version_find(const struct catalog *c, const struct study *s, struct slice name,
             struct slice version, const struct catalog_form **ret_form)
{
    const struct catalog_form *only = NULL;
    size_t n = 0;

    for (size_t i = 0; i < c->n_forms; i++) {
        const struct catalog_form *f = &c->forms[i];
        bool allowed;
        if (!form_is_called(f, name))
            continue;
        const struct study_listed *listed = listed_find(s, f, &allowed);
        if (!allowed)
            continue;
        struct slice wanted = version.at != NULL ? version
                              : listed != NULL   ? slice_of(listed->version)
                                                 : (struct slice){NULL, 0};
        n++;
        only = f;
        if (wanted.at != NULL && is(f->version, wanted)) {
            *ret_form = f;
            return RULE_COUNT;
        }
        if (wanted.at != NULL)
            only = NULL;
    }
    if (n == 0)
        return RULE_UNKNOWN_QUESTIONNAIRE;
    if (version.at != NULL || only == NULL)
        return RULE_UNKNOWN_VERSION;
    if (n > 1)
        return RULE_VERSION_REQUIRED;
    *ret_form = only;
    return RULE_COUNT;
}

const struct study *
catalog_study(const struct catalog *c, struct slice study)
{
    for (size_t i = 0; i < c->n_studies; i++)
        if (is(c->studies[i].code, study))
            return &c->studies[i];
    return NULL;
}

enum rule
catalog_find(const struct catalog *c, struct slice study, struct slice questionnaire,
             struct slice version, const struct catalog_form **ret_form)
{
    const struct study *s = catalog_study(c, study);

    if (s == NULL)
        return RULE_UNKNOWN_STUDY;
    if (questionnaire.at == NULL)
        questionnaire = slice_of(s->fallback);
    if (questionnaire.at == NULL)
        return RULE_QUESTIONNAIRE_REQUIRED;
    /* url|version; a version said beside it must be the same. */
    const char *bar = memchr(questionnaire.at, '|', questionnaire.len);
    if (bar != NULL) {
        size_t n = (size_t)(bar - (const char *)questionnaire.at);
        struct slice stated = {bar + 1, questionnaire.len - n - 1};
        if (version.at != NULL &&
            (version.len != stated.len || memcmp(version.at, stated.at, stated.len) != 0))
            return RULE_UNKNOWN_VERSION;
        version = stated;
        questionnaire.len = n;
    }
    return version_find(c, s, questionnaire, version, ret_form);
}
