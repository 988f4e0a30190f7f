/* Reads the two members once; the JSON tree stays and owns the texts. */
#include "questionnaire/study_rules.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "questionnaire/glucose.h"
#include "questionnaire/item.h"
#include "questionnaire/literal.h"
#include "questionnaire/study_rules_inner.h"

#define WHY_SIZE 256

struct site_uln {
    const char *site;
    struct decimal uln;
};

struct study_rules {
    json_t *tree;
    struct study_rule *rules; /* sorted by id */
    size_t n;
    struct site_uln *sites; /* sorted by site */
    size_t n_sites;
    bool has_uln;
    struct decimal uln;
    char why[WHY_SIZE];
};

static bool __attribute__((format(printf, 2, 3)))
refuse(struct study_rules *s, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vsnprintf(s->why, sizeof(s->why), fmt, args);
    va_end(args);
    return false;
}

static bool
value_take(struct study_rules *s, struct study_rule *r, const json_t *v)
{
    r->has_value = true;
    if (literal_number(v, &r->number)) {
        r->value_kind = ALERT_VALUE_NUMBER;
    } else if (json_is_boolean(v)) {
        r->value_kind = ALERT_VALUE_BOOLEAN;
        r->boolean = json_is_true(v);
    } else if (literal_text(v) != NULL) {
        r->value_kind = ALERT_VALUE_CODE;
        r->code = literal_text(v);
    } else {
        return refuse(s, "alerts/%.64s/value: a number, a code or a boolean", r->id);
    }
    return true;
}

static bool
severity_take(struct study_rules *s, struct study_rule *r, const json_t *v)
{
    const char *code = literal_text(v);

    for (int i = 0; code != NULL && i < ALERT_SEVERITY_COUNT; i++) {
        if (strcmp(code, alert_severity_codes[i]) == 0) {
            r->severity = (enum alert_severity)i;
            r->has_severity = true;
            return true;
        }
    }
    return refuse(s, "alerts/%.64s/severity: info, warning or urgent", r->id);
}

static bool
recipients_take(struct study_rules *s, struct study_rule *r, const json_t *v)
{
    size_t i;
    json_t *name;

    if (!json_is_array(v) || json_array_size(v) > STUDY_RECIPIENTS_MAX)
        return refuse(s, "alerts/%.64s/recipients: up to %d names", r->id, STUDY_RECIPIENTS_MAX);
    json_array_foreach(v, i, name)
    {
        if (literal_text(name) == NULL)
            return refuse(s, "alerts/%.64s/recipients: up to %d names", r->id,
                          STUDY_RECIPIENTS_MAX);
        r->recipients[i] = literal_text(name);
    }
    return true;
}

static bool
rule_take(struct study_rules *s, struct study_rule *r, json_t *v)
{
    const char *key;
    json_t *x;
    bool good = json_is_object(v);

    if (!good)
        return refuse(s, "alerts/%.64s: an object", r->id);
    json_object_foreach(v, key, x)
    {
        if (strcmp(key, "value") == 0)
            good = value_take(s, r, x);
        else if (strcmp(key, "severity") == 0)
            good = severity_take(s, r, x);
        else if (strcmp(key, "recipients") == 0)
            good = recipients_take(s, r, x);
        else if (strcmp(key, "off") == 0 && json_is_boolean(x))
            r->off = json_is_true(x);
        else
            good = refuse(s, "alerts/%.64s/%.64s: no such member, or of another type", r->id, key);
        if (!good)
            return false;
    }
    return true;
}

static int
rule_order(const void *a, const void *b)
{
    const struct study_rule *x = a, *y = b;

    return strcmp(x->id, y->id);
}

static bool
alerts_take(struct study_rules *s, json_t *alerts)
{
    const char *id;
    json_t *v;

    if (alerts == NULL)
        return true;
    if (!json_is_object(alerts) || json_object_size(alerts) > STUDY_RULES_MAX)
        return refuse(s, "alerts: an object of up to %d rules", STUDY_RULES_MAX);
    s->rules = mem_new(json_object_size(alerts) + 1, sizeof(*s->rules));
    json_object_foreach(alerts, id, v)
    {
        struct study_rule *r = &s->rules[s->n++];
        r->id = id;
        if (!rule_take(s, r, v))
            return false;
    }
    qsort(s->rules, s->n, sizeof(*s->rules), rule_order);
    return true;
}

static bool
uln_take(struct study_rules *s, const json_t *v, struct decimal *ret)
{
    if (!literal_number(v, ret) || !glucose_uln_valid(*ret))
        return refuse(s, "parameters/glucose: uln is a positive number of mmol/L");
    return true;
}

static int
site_order(const void *a, const void *b)
{
    const struct site_uln *x = a, *y = b;

    return strcmp(x->site, y->site);
}

static bool
glucose_take(struct study_rules *s, json_t *glucose)
{
    json_t *uln = json_object_get(glucose, "uln"), *sites = json_object_get(glucose, "sites"), *v;
    const char *site;

    if (glucose == NULL)
        return true;
    if (!json_is_object(glucose) || (sites != NULL && !json_is_object(sites)))
        return refuse(s, "parameters/glucose: {\"uln\", \"sites\": {SITE: {\"uln\"}}}");
    s->has_uln = uln != NULL;
    if (uln != NULL && !uln_take(s, uln, &s->uln))
        return false;
    if (sites == NULL)
        return true;
    s->sites = mem_new(json_object_size(sites) + 1, sizeof(*s->sites));
    json_object_foreach(sites, site, v)
    {
        struct site_uln *x = &s->sites[s->n_sites++];
        x->site = site;
        if (!uln_take(s, json_object_get(v, "uln"), &x->uln))
            return false;
    }
    qsort(s->sites, s->n_sites, sizeof(*s->sites), site_order);
    return true;
}

static bool
study_take(struct study_rules *s, const char *json, size_t len)
{
    json_error_t error;

    s->tree = literal_load(json, len, &error);
    if (s->tree == NULL)
        return refuse(s, "line %d: %s", error.line, error.text);
    json_t *parameters = json_object_get(s->tree, "parameters");
    if (!json_is_object(s->tree) || (parameters != NULL && !json_is_object(parameters)))
        return refuse(s, "a study file is an object, and so are its parameters");
    return alerts_take(s, json_object_get(s->tree, "alerts")) &&
           glucose_take(s, json_object_get(parameters, "glucose"));
}

int
study_rules_new(const char *json, size_t len, struct study_rules **ret_rules, char **ret_why)
{
    struct study_rules *s = mem_new(1, sizeof(*s));

    if (study_take(s, json, len)) {
        *ret_rules = s;
        return STUDY_RULES_OK;
    }
    *ret_why = mem_strdup(s->why);
    study_rules_free(s);
    return STUDY_RULES_REFUSED;
}

void
study_rules_free(struct study_rules *s)
{
    if (s == NULL)
        return;
    json_decref(s->tree);
    free(s->rules);
    free(s->sites);
    free(s);
}

const struct study_rule *
study_rules_find(const struct study_rules *s, const char *rule_id)
{
    struct study_rule key = {.id = rule_id};

    if (s == NULL || s->n == 0)
        return NULL;
    return bsearch(&key, s->rules, s->n, sizeof(*s->rules), rule_order);
}

const char *const *
study_rule_recipients(const struct study_rule *r)
{
    return r != NULL && r->recipients[0] != NULL ? r->recipients : NULL;
}

void
study_rules_parameters(const struct study_rules *s, const char *site, struct score_parameters *ret)
{
    struct site_uln key = {.site = site}, *own = NULL;

    *ret = (struct score_parameters){0};
    if (s == NULL)
        return;
    if (site != NULL && s->n_sites > 0)
        own = bsearch(&key, s->sites, s->n_sites, sizeof(*s->sites), site_order);
    ret->has_glucose_uln = own != NULL || s->has_uln;
    ret->glucose_uln = own != NULL ? own->uln : s->uln;
}

int
study_rules_check(const struct study_rules *s, const struct questionnaire *q, char **ret_why)
{
    char why[WHY_SIZE];

    for (uint32_t i = 0; i < q->n_alerts; i++) {
        const struct alert *a = &q->alerts[i];
        const struct study_rule *r = study_rules_find(s, a->id);
        if (r == NULL || !r->has_value || r->value_kind == a->value_kind)
            continue;
        snprintf(why, sizeof(why), "alerts/%.64s/value: the rule's value is %s", a->id,
                 a->value_kind == ALERT_VALUE_NUMBER ? "a number"
                 : a->value_kind == ALERT_VALUE_CODE ? "a code"
                                                     : "a boolean");
        *ret_why = mem_strdup(why);
        return STUDY_RULES_REFUSED;
    }
    return STUDY_RULES_OK;
}

size_t
study_rules_count(const struct study_rules *s)
{
    return s->n;
}

const char *
study_rules_id(const struct study_rules *s, size_t i)
{
    return s->rules[i].id;
}
