/* Small lists, walked: a study has a handful of recipients. */
#include "workers/notifications/plan.h"

#include <string.h>

#include "base/error.h"
#include "base/log.h"

#define NAMES_MAX 64
#define EVERYONE "everyone"

struct names {
    char *copy; /* what list points into, or NULL */
    const char *list[NAMES_MAX];
    size_t n;
};

static void
names_from_json(struct names *names, const json_t *list)
{
    const json_t *x;
    size_t i;

    json_array_foreach(list, i, x)
    {
        if (json_is_string(x) && names->n < NAMES_MAX)
            names->list[names->n++] = json_string_value(x);
    }
}

/* What the alert's rule says; none: it says nothing. */
static void
names_of_rule(struct names *names, const struct study *s, const struct alert_found *a)
{
    if (a->recipients != NULL && *a->recipients != '\0') {
        char *rest = NULL;
        names->copy = mem_strdup(a->recipients);
        for (char *t = strtok_r(names->copy, "\n", &rest); t != NULL && names->n < NAMES_MAX;
             t = strtok_r(NULL, "\n", &rest))
            names->list[names->n++] = t;
        return;
    }
    names_from_json(names, json_object_get(json_object_get(s->rules, a->rule), "recipients"));
}

static bool
is_named(const struct recipient *r, const struct names *names)
{
    for (size_t i = 0; i < names->n; i++) {
        if (recipient_is_called(r, names->list[i]))
            return true;
    }
    return false;
}

static size_t
recipient_add(struct alert_plan *p, const struct recipient *r, const struct uuid *alert, int step,
              int *ret_full)
{
    size_t n = 0;

    for (int c = 0; c < CHANNELS; c++) {
        if (!recipient_has(r, (enum alert_channel)c))
            continue;
        *ret_full |= alert_plan_delivery(p, alert, r->study, r->name, (enum alert_channel)c, step);
        n++;
    }
    return n;
}

/* Names none: all ordinary ones. site NULL: whatever they serve. */
static size_t
study_add(struct alert_plan *p, const struct study *s, const struct names *names, const char *site,
          const struct uuid *alert, int step, int *ret_full)
{
    size_t n = 0;

    for (size_t i = 0; i < s->n; i++) {
        const struct recipient *r = &s->list[i];
        if ((names->n > 0 ? is_named(r, names) : recipient_is_ordinary(r)) &&
            (site == NULL || recipient_serves_site(r, site)))
            n += recipient_add(p, r, alert, step, ret_full);
    }
    return n;
}

static size_t
first_step(struct alert_plan *p, const struct study *s, const struct alert_found *a, int *ret_full)
{
    struct names names = {0};
    size_t n = 0;

    names_of_rule(&names, s, a);
    bool unevaluated = strcmp(a->kind, "unevaluated") == 0;
    if (names.n == 0 && unevaluated) {
        names.list[names.n++] = RECIPIENT_OPERATOR;
        n = study_add(p, s, &names, NULL, &a->id, 0, ret_full);
        names.n = 0;
        if (n == 0)
            names_from_json(&names, s->contacts);
    }
    if (n == 0)
        n = study_add(p, s, &names, a->site, &a->id, 0, ret_full);
    names.n = 0;
    if (n == 0)
        n = study_add(p, s, &names, NULL, &a->id, 0, ret_full);
    free(names.copy);
    return n;
}

/* Once for each study and reading of its file: in a flood of alerts one line says it all. */
static void
unheard(struct study *s, const char *code, const char *severity, const char *why)
{
    if (s != NULL && s->is_unheard)
        return;
    if (s != NULL)
        s->is_unheard = true;
    log_event(EVENT_ALERT_UNHEARD, LOG_S("study", code), LOG_S("severity", severity),
              LOG_S("why", why));
}

size_t
plan_alert(struct alert_plan *p, const struct recipients *r, const struct alert_found *a,
           int64_t raised_us, int *ret_full)
{
    struct study *s = recipients_study(r, a->study);

    if (strcmp(a->kind, "canary") == 0) {
        plan_canary(p, r, &a->id, ret_full);
        return 0;
    }
    if (s == NULL || s->n == 0) {
        unheard(s, a->study, a->severity, "the study file names no recipient");
        return 0;
    }
    size_t n = first_step(p, s, a, ret_full);
    if (n == 0)
        unheard(s, a->study, a->severity, "no recipient of the study file can be reached");
    int64_t limit_us = s->limits_us[severity_of(a->severity)];
    if (limit_us >= 0 && strcmp(a->state, "open") == 0)
        *ret_full |= alert_plan_escalation(p, &a->id, a->study, a->severity, raised_us + limit_us);
    return n;
}

void
plan_escalation(struct alert_plan *p, const struct recipients *r, const struct escalation_due *due,
                int *ret_full)
{
    const struct alert_found *a = &due->found;
    struct study *s = recipients_study(r, a->study);
    struct names names = {0};
    const char *contact = NULL;
    int64_t limit_us = s != NULL ? s->limits_us[severity_of(a->severity)] : -1;

    if (s != NULL)
        names_from_json(&names, s->contacts);
    if ((size_t)due->step < names.n)
        contact = names.list[due->step];
    else if (s != NULL && names.n == 0 && due->step == 0)
        contact = EVERYONE;
    if (contact == NULL) {
        *ret_full |= alert_plan_escalate(p, &a->id, due->step, -1, NULL);
        return;
    }
    struct names one = {.list = {contact}, .n = strcmp(contact, EVERYONE) != 0 || names.n > 0};
    size_t n = study_add(p, s, &one, NULL, &a->id, due->step + 1, ret_full);
    if (n == 0)
        unheard(s, a->study, a->severity, "the next contact can't be reached");
    /* A limit that was taken out of the study file since: this contact is the last. */
    *ret_full |= alert_plan_escalate(p, &a->id, due->step, limit_us, contact);
}

void
plan_canary(struct alert_plan *p, const struct recipients *r, const struct uuid *alert,
            int *ret_full)
{
    const struct names canary = {.list = {RECIPIENT_CANARY}, .n = 1};
    size_t n_studies, n = 0;
    const struct study *studies = recipients_studies(r, &n_studies);

    for (size_t i = 0; i < n_studies; i++)
        n += study_add(p, &studies[i], &canary, NULL, alert, 0, ret_full);
    const struct recipient *nobody = recipients_find(r, NOBODY_STUDY, NOBODY_NAME);
    if (n == 0 && nobody != NULL)
        recipient_add(p, nobody, alert, 0, ret_full);
}
