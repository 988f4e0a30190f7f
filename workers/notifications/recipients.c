/* Study files were checked when they were loaded; whatever is wrong here all the same costs its own
 * recipient only, and is said. */
#include "workers/notifications/recipients.h"

#include <string.h>

#include "base/clock.h"
#include "base/config_value.h"
#include "base/error.h"
#include "base/log.h"
#include "workers/notifications/mail.h"

#define URGENT_US (30 * 60 * US_PER_S)
#define LIMIT_MAX_US (30 * 24 * 3600 * US_PER_S)
#define NAME_MAX_BYTES 200
#define STUDIES_STEP 16

static const char *const severities[SEVERITIES] = {"info", "warning", "urgent"};

struct recipients {
    struct study *studies; /* in the order of their codes' bytes, the first one is "nobody" */
    size_t n, cap;
    size_t count; /* of recipients */
};

enum severity
severity_of(const char *text)
{
    int s = SEVERITY_URGENT;

    while (s > 0 && strcmp(severities[s], text) != 0)
        s--;
    return (enum severity)s;
}

static void
studies_clear(struct recipients *r)
{
    for (size_t i = 0; i < r->n; i++) {
        struct study *s = &r->studies[i];
        for (size_t k = 0; k < s->n; k++) {
            struct recipient *x = &s->list[k];
            free(x->name);
            free(x->url);
            free(x->secret_file);
            free(x->email);
            json_decref(x->sites);
            json_decref(x->roles);
        }
        free(s->list);
        free(s->code);
        json_decref(s->rules);
        json_decref(s->contacts);
    }
    free(r->studies);
    *r = (struct recipients){0};
}

static struct study *
study_new(struct recipients *r, const char *code)
{
    if (r->n == r->cap) {
        r->cap += STUDIES_STEP;
        r->studies = mem_grow(r->studies, r->cap, sizeof(*r->studies));
    }
    struct study *s = &r->studies[r->n++];
    *s = (struct study){
        .code = mem_strdup(code),
        .limits_us = {
            [SEVERITY_INFO] = -1, [SEVERITY_WARNING] = -1, [SEVERITY_URGENT] = URGENT_US}};
    return s;
}

static void
nobody_add(struct recipients *r)
{
    struct study *s = study_new(r, NOBODY_STUDY);

    s->list = mem_new(1, sizeof(*s->list));
    s->list[0] = (struct recipient){.study = s->code, .name = mem_strdup(NOBODY_NAME)};
    s->n = 1;
    r->count++;
}

struct recipients *
recipients_new(void)
{
    struct recipients *r = mem_new(1, sizeof(*r));

    nobody_add(r);
    return r;
}

void
recipients_free(struct recipients *r)
{
    if (r == NULL)
        return;
    studies_clear(r);
    free(r);
}

/* ---- reading a study file's members ---- */

static void
refuse(const struct study *s, const char *why)
{
    log_event(EVENT_RECIPIENT_BAD, LOG_S("study", s->code), LOG_S("why", why));
}

static char *
string_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text != NULL && *text != '\0' ? mem_strdup(text) : NULL;
}

static json_t *
strings_of(const json_t *object, const char *name)
{
    json_t *list = json_object_get(object, name), *x;
    size_t i;

    if (!json_is_array(list) || json_array_size(list) == 0)
        return NULL;
    json_array_foreach(list, i, x)
    {
        if (!json_is_string(x))
            return NULL;
    }
    return json_incref(list);
}

static bool
url_is_good(const char *url)
{
    return strncmp(url, "https://", 8) == 0 || strncmp(url, "http://", 7) == 0;
}

static void
webhook_read(const struct study *s, struct recipient *x, const json_t *webhook)
{
    x->url = string_of(webhook, "url");
    x->secret_file = string_of(webhook, "secretFile");
    const char *why =
        x->url == NULL || !url_is_good(x->url) ? "a webhook's url is none"
        : x->secret_file == NULL || strchr(x->secret_file, '/') != NULL || *x->secret_file == '.'
            ? "a webhook's secretFile is not the name of a file"
            : NULL;
    if (why == NULL)
        return;
    refuse(s, why);
    free(x->url);
    free(x->secret_file);
    x->url = x->secret_file = NULL;
}

static void
recipient_read(struct recipients *r, struct study *s, const char *name, const json_t *json)
{
    const json_t *webhook = json_object_get(json, "webhook");
    struct recipient *x = &s->list[s->n];

    if (strlen(name) > NAME_MAX_BYTES || strchr(name, '\n') != NULL || *name == '\0') {
        refuse(s, "a recipient's name is too long or none");
        return;
    }
    if (r->count == RECIPIENTS_MAX) {
        refuse(s, "there are too many recipients");
        return;
    }
    *x = (struct recipient){.study = s->code, .name = mem_strdup(name)};
    if (webhook != NULL)
        webhook_read(s, x, webhook);
    x->email = string_of(json, "email");
    if (x->email != NULL && !mail_address_is_good(x->email)) {
        refuse(s, "a recipient's e-mail address is none");
        free(x->email);
        x->email = NULL;
    }
    x->sites = strings_of(json, "sites");
    x->roles = strings_of(json, "roles");
    if (x->url == NULL && x->email == NULL)
        refuse(s, "a recipient has neither webhook nor e-mail");
    s->n++;
    r->count++;
}

static void
limits_read(struct study *s, const json_t *escalation)
{
    static const struct config_key rule = {.type = CONFIG_DURATION, .max = LIMIT_MAX_US};

    for (int i = 0; i < SEVERITIES; i++) {
        const char *text = json_string_value(json_object_get(escalation, severities[i]));
        struct config_value value = {0};
        char why[CONFIG_RULE_SIZE];
        if (text == NULL)
            continue;
        if (config_value_parse(&rule, text, NULL, &value, why) == CONFIG_OK)
            s->limits_us[i] = value.number;
        else
            refuse(s, "a limit of escalation is no duration");
    }
    s->contacts = strings_of(escalation, "contacts");
}

static json_t *
parse(const char *text)
{
    return text != NULL ? json_loads(text, 0, NULL) : NULL; /* jsonb's own text */
}

void
recipients_add(struct recipients *r, const struct alert_study *study)
{
    json_t *list = parse(study->recipients), *json;
    json_t *escalation = parse(study->escalation);
    struct study *s = study_new(r, study->study);
    const char *name;

    s->rules = parse(study->alerts);
    limits_read(s, escalation);
    s->list = mem_new(json_object_size(list) + 1, sizeof(*s->list));
    json_object_foreach(list, name, json) recipient_read(r, s, name, json);
    json_decref(list);
    json_decref(escalation);
}

static void
study_take(void *arg, const struct alert_study *study)
{
    recipients_add(arg, study);
}

static int
study_compare(const void *a, const void *b)
{
    return strcmp(((const struct study *)a)->code, ((const struct study *)b)->code);
}

int
recipients_read(struct recipients *r, struct store *s)
{
    struct recipients fresh = {0};

    nobody_add(&fresh);
    int n = store_alert_studies(s, study_take, &fresh);
    if (n != STORE_OK) {
        studies_clear(&fresh);
        return n;
    }
    qsort(fresh.studies, fresh.n, sizeof(*fresh.studies), study_compare);
    studies_clear(r);
    *r = fresh;
    log_event(EVENT_RECIPIENTS_READ, LOG_U("studies", r->n - 1), LOG_U("recipients", r->count - 1));
    return STORE_OK;
}

/* ---- asking ---- */

struct study *
recipients_study(const struct recipients *r, const char *code)
{
    struct study key = {.code = (char *)(uintptr_t)code};

    return bsearch(&key, r->studies, r->n, sizeof(*r->studies), study_compare);
}

struct recipient *
recipients_find(const struct recipients *r, const char *study, const char *name)
{
    const struct study *s = recipients_study(r, study);

    for (size_t i = 0; s != NULL && i < s->n; i++) {
        if (strcmp(s->list[i].name, name) == 0)
            return &s->list[i];
    }
    return NULL;
}

const struct study *
recipients_studies(const struct recipients *r, size_t *ret_n)
{
    *ret_n = r->n;
    return r->studies;
}

bool
recipient_has(const struct recipient *r, enum alert_channel channel)
{
    switch (channel) {
    case CHANNEL_WEBHOOK:
        return r->url != NULL;
    case CHANNEL_EMAIL:
        return r->email != NULL;
    case CHANNEL_NONE:
        return strcmp(r->study, NOBODY_STUDY) == 0;
    case CHANNELS:
        break;
    }
    return false;
}

static bool
list_has(const json_t *list, const char *text)
{
    const json_t *x;
    size_t i;

    json_array_foreach(list, i, x)
    {
        if (strcmp(json_string_value(x), text) == 0)
            return true;
    }
    return false;
}

bool
recipient_is_in_role(const struct recipient *r, const char *role)
{
    return list_has(r->roles, role);
}

bool
recipient_is_called(const struct recipient *r, const char *name)
{
    return strcmp(r->name, name) == 0 || recipient_is_in_role(r, name);
}

bool
recipient_is_ordinary(const struct recipient *r)
{
    const json_t *x;
    size_t i;

    json_array_foreach(r->roles, i, x)
    {
        const char *role = json_string_value(x);
        if (strcmp(role, RECIPIENT_OPERATOR) != 0 && strcmp(role, RECIPIENT_CANARY) != 0)
            return true;
    }
    return r->roles == NULL && strcmp(r->study, NOBODY_STUDY) != 0;
}

bool
recipient_serves_site(const struct recipient *r, const char *site)
{
    return r->sites == NULL || *site == '\0' || list_has(r->sites, site);
}
