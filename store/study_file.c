/* One function a member. Alerts and parameters are also read by those who use them
 * (questionnaire/study_rules.h); what belongs to no instrument is judged here. */
#include "store/study_file.h"

#include <ctype.h>
#include <string.h>

#include "questionnaire/literal.h"
#include "questionnaire/moment.h"
#include "store/catalog.h"

#define RULES_MAX 10000
#define PARAMETERS_MAX 100
#define NAME_MAX_BYTES 64
#define ADDRESS_MAX 254
#define URL_MAX 2000
#define DAY_S 86400

static const char *const severities[] = {"info", "warning", "urgent", NULL};
/* Those of tokens, and two that the notifications know: who hears of dead letters, who gets the
 * synthetic alerts. */
static const char *const roles[] = {"participant", "site",     "sponsor", "investigator",
                                    "admin",       "operator", "canary",  NULL};

static bool
word_is_among(const char *word, const char *const *words)
{
    for (const char *const *w = words; *w != NULL; w++) {
        if (strcmp(*w, word) == 0)
            return true;
    }
    return false;
}

/* Names of recipients: as codes, so that they can stand in logs and columns. */
static bool
name_is_good(const char *name)
{
    size_t n = strlen(name);

    for (size_t i = 0; i < n; i++) {
        if (!isalnum((unsigned char)name[i]) && strchr("._-", name[i]) == NULL)
            return false;
    }
    return n > 0 && n <= NAME_MAX_BYTES;
}

/* An array of strings; each must be among the members of known (NULL: any name) or words. */
static void
names_judge(const json_t *object, const char *member, size_t max, const json_t *known,
            const char *const *words, struct catalog_fault *fault)
{
    const json_t *list = catalog_array(object, member, max, fault), *v;
    size_t i;

    json_array_foreach(list, i, v)
    {
        const char *name = literal_text(v);
        if (name == NULL)
            catalog_fail(fault, "'%s' must be an array of strings", member);
        else if (words != NULL && !word_is_among(name, words))
            catalog_fail(fault, "'%s': no role '%.60s'", member, name);
        else if (words == NULL && json_object_get(known, name) == NULL)
            catalog_fail(fault, "'%s' names '%.60s', which is not among the %s", member, name,
                         strcmp(member, "sites") == 0 ? "sites" : "recipients");
    }
}

static void
questionnaires_judge(const json_t *root, struct catalog_fault *fault)
{
    static const char *const members[] = {"questionnaire", "version", NULL};
    const json_t *list = catalog_array(root, "questionnaires", RULES_MAX, fault), *q;
    size_t i;

    json_array_foreach(list, i, q)
    {
        catalog_place(fault, "questionnaires/%zu", i);
        catalog_members(q, "a questionnaire", members, fault);
        catalog_string(q, "questionnaire", 2000, true, fault);
        catalog_string(q, "version", 100, false, fault);
    }
    catalog_place(fault, "%s", "");
}

/* The codes as an object, for those who name sites; the caller frees it. */
static json_t *
sites_judge(const json_t *root, struct study_file *file, struct catalog_fault *fault)
{
    static const char *const members[] = {"siteId", "name", "zone", NULL};
    json_t *codes = json_object(), *site;
    size_t i;

    file->sites = catalog_array(root, "sites", STUDY_SITES_MAX, fault);
    json_array_foreach((json_t *)(uintptr_t)file->sites, i, site)
    {
        catalog_place(fault, "sites/%zu", i);
        catalog_members(site, "a site", members, fault);
        const char *code = catalog_code(site, "siteId", true, fault);
        catalog_string(site, "name", 200, false, fault);
        catalog_string(site, "zone", 64, false, fault);
        if (code != NULL && json_object_get(codes, code) != NULL)
            catalog_fail(fault, "'%s' stands there twice", code);
        else if (code != NULL)
            json_object_set_new(codes, code, json_true());
    }
    catalog_place(fault, "%s", "");
    return codes;
}

/* http(s)://HOST…; no user name or password in it: a study file is no place for secrets. */
static bool
url_is_good(const char *url)
{
    size_t scheme = strncmp(url, "https://", 8) == 0 ? 8 : strncmp(url, "http://", 7) == 0 ? 7 : 0;
    const char *host = url + scheme;
    size_t host_len = strcspn(host, "/?#");

    if (scheme == 0 || host_len == 0 || memchr(host, '@', host_len) != NULL)
        return false;
    for (const char *c = url; *c != '\0'; c++) {
        if ((unsigned char)*c <= ' ' || (unsigned char)*c >= 0x7f)
            return false;
    }
    return true;
}

/* name@host of printable ASCII: nothing that could break out of a mail's header. */
static bool
address_is_good(const char *address)
{
    const char *at = strchr(address, '@');

    if (at == NULL || at == address || at[1] == '\0' || strchr(at + 1, '@') != NULL)
        return false;
    for (const char *c = address; *c != '\0'; c++) {
        if ((unsigned char)*c <= ' ' || (unsigned char)*c >= 0x7f ||
            strchr("\"<>()[],;:\\", *c) != NULL)
            return false;
    }
    return true;
}

static void
webhook_judge(const json_t *recipient, struct catalog_fault *fault)
{
    static const char *const members[] = {"url", "secretFile", NULL};
    const json_t *webhook = catalog_object(recipient, "webhook", 2, fault);

    if (webhook == NULL)
        return;
    catalog_members(webhook, "a webhook", members, fault);
    const char *url = catalog_string(webhook, "url", URL_MAX, true, fault);
    const char *file = catalog_string(webhook, "secretFile", 200, true, fault);
    if (url != NULL && !url_is_good(url))
        catalog_fail(fault, "'url' must be http:// or https:// with a host and without a password");
    if (file != NULL && (strchr(file, '/') != NULL || *file == '.'))
        catalog_fail(fault, "'secretFile' must be the name of a file in worker/notify_secrets");
}

static void
recipients_judge(const json_t *root, const json_t *sites, struct catalog_fault *fault)
{
    static const char *const members[] = {"webhook", "email", "sites", "roles", NULL};
    const json_t *all = catalog_object(root, "recipients", STUDY_RECIPIENTS_FILE_MAX, fault);
    const char *name;
    json_t *recipient;

    json_object_foreach((json_t *)(uintptr_t)all, name, recipient)
    {
        catalog_place(fault, "recipients/%.64s", name);
        if (!name_is_good(name))
            catalog_fail(fault, "a name has letters, digits, '.', '_' and '-', at most %d",
                         NAME_MAX_BYTES);
        if (!json_is_object(recipient))
            catalog_fail(fault, "must be an object");
        catalog_members(recipient, "a recipient", members, fault);
        webhook_judge(recipient, fault);
        const char *email = catalog_string(recipient, "email", ADDRESS_MAX, false, fault);
        if (email != NULL && !address_is_good(email))
            catalog_fail(fault, "'email' is no address");
        if (email == NULL && json_object_get(recipient, "webhook") == NULL)
            catalog_fail(fault, "needs 'webhook' or 'email'");
        names_judge(recipient, "sites", STUDY_SITES_MAX, sites, NULL, fault);
        names_judge(recipient, "roles", 16, NULL, roles, fault);
    }
    catalog_place(fault, "%s", "");
}

static void
alerts_judge(const json_t *root, struct catalog_fault *fault)
{
    static const char *const members[] = {"value", "severity", "off", "recipients", NULL};
    const json_t *all = catalog_object(root, "alerts", RULES_MAX, fault);
    const char *rule;
    json_t *alert;

    json_object_foreach((json_t *)(uintptr_t)all, rule, alert)
    {
        catalog_place(fault, "alerts/%.64s", rule);
        if (!json_is_object(alert))
            catalog_fail(fault, "must be an object");
        catalog_members(alert, "an alert", members, fault);
        const json_t *value = json_object_get(alert, "value");
        if (value != NULL && !json_is_number(value) && !json_is_string(value) &&
            !json_is_boolean(value))
            catalog_fail(fault, "'value' must be a number, a text or a boolean");
        const json_t *off = json_object_get(alert, "off");
        if (off != NULL && !json_is_boolean(off))
            catalog_fail(fault, "'off' must be true or false");
        catalog_word(alert, "severity", severities, fault);
        names_judge(alert, "recipients", STUDY_CONTACTS_MAX, json_object_get(root, "recipients"),
                    NULL, fault);
    }
    catalog_place(fault, "%s", "");
}

static void
escalation_judge(const json_t *root, struct catalog_fault *fault)
{
    static const char *const members[] = {"info", "warning", "urgent", "contacts", NULL};
    const json_t *escalation = catalog_object(root, "escalation", 4, fault);
    int64_t limit_us;

    if (escalation == NULL)
        return;
    catalog_place(fault, "escalation");
    catalog_members(escalation, "escalation", members, fault);
    for (const char *const *severity = severities; *severity != NULL; severity++) {
        const char *limit = catalog_string(escalation, *severity, 32, false, fault);
        if (limit != NULL && (!catalog_duration(limit, &limit_us) || limit_us <= 0))
            catalog_fail(fault, "'%s' must be a duration such as 30min", *severity);
    }
    names_judge(escalation, "contacts", STUDY_CONTACTS_MAX, json_object_get(root, "recipients"),
                NULL, fault);
    if (json_array_size(json_object_get(escalation, "contacts")) == 0)
        catalog_fail(fault, "'contacts' must name those who are told next");
    catalog_place(fault, "%s", "");
}

/* 7d after the submission was stored, or a day: 2026-12-31. */
static void
cutoffs_judge(const json_t *root, struct catalog_fault *fault)
{
    static const char *const members[] = {"participantCorrections", NULL};
    const json_t *cutoffs = catalog_object(root, "cutoffs", 1, fault);
    int64_t us;

    if (cutoffs == NULL)
        return;
    catalog_place(fault, "cutoffs");
    catalog_members(cutoffs, "cutoffs", members, fault);
    const char *text = catalog_string(cutoffs, "participantCorrections", 32, true, fault);
    if (text != NULL && !catalog_duration(text, &us) &&
        (strlen(text) != 10 || moment_check_date(text, 10) != MOMENT_OK))
        catalog_fail(fault, "'participantCorrections' must be a duration (7d) or a day "
                            "(2026-12-31)");
    catalog_place(fault, "%s", "");
}

/* {"glucose": {"uln"?: number, "sites"?: {SITE: {"uln": number}}}}; what the numbers may be, those
 * who compute with them say. */
static void
parameters_judge(const json_t *root, const json_t *sites, struct catalog_fault *fault)
{
    static const char *const members[] = {"glucose", NULL};
    const json_t *parameters = catalog_object(root, "parameters", PARAMETERS_MAX, fault);
    const json_t *glucose, *own;
    const char *site;
    json_t *v;

    if (parameters == NULL)
        return;
    catalog_place(fault, "parameters");
    catalog_members(parameters, "parameters", members, fault);
    glucose = catalog_object(parameters, "glucose", 2, fault);
    own = glucose != NULL ? catalog_object(glucose, "sites", STUDY_SITES_MAX, fault) : NULL;
    json_object_foreach((json_t *)(uintptr_t)own, site, v)
    {
        if (json_object_get(sites, site) == NULL)
            catalog_fail(fault, "'glucose' names '%.64s', which is not among the sites", site);
    }
    catalog_place(fault, "%s", "");
}

static void
clock_judge(const json_t *root, struct catalog_fault *fault)
{
    static const char *const members[] = {"skew_s", "late_h", "future_s", NULL};
    const json_t *clock = catalog_object(root, "clock", 3, fault);

    if (clock == NULL)
        return;
    catalog_place(fault, "clock");
    catalog_members(clock, "clock", members, fault);
    catalog_integer(clock, "skew_s", 1, 30 * DAY_S, 120, fault);
    catalog_integer(clock, "late_h", 1, 24 * 366, 24, fault);
    catalog_integer(clock, "future_s", 1, 30 * DAY_S, 300, fault);
    catalog_place(fault, "%s", "");
}

bool
study_file_judge(const json_t *root, struct study_file *ret_file, struct catalog_fault *fault)
{
    static const char *const members[] = {"study",
                                          "trialCode",
                                          "title",
                                          "status",
                                          "zone",
                                          "startedOn",
                                          "defaultQuestionnaire",
                                          "questionnaires",
                                          "sites",
                                          "alerts",
                                          "recipients",
                                          "escalation",
                                          "cutoffs",
                                          "parameters",
                                          "clock",
                                          NULL};
    static const char *const states[] = {"active", "planned", "closed", NULL};
    struct study_file file = {0};

    catalog_members(root, "study", members, fault);
    file.study = catalog_code(root, "study", true, fault);
    file.trial_code = catalog_string(root, "trialCode", 200, false, fault);
    file.title = catalog_string(root, "title", 1000, false, fault);
    file.status = catalog_word(root, "status", states, fault);
    file.zone = catalog_string(root, "zone", 64, false, fault);
    file.started_on = catalog_string(root, "startedOn", 10, false, fault);
    file.default_questionnaire = catalog_string(root, "defaultQuestionnaire", 2000, false, fault);
    if (file.zone == NULL)
        file.zone = "UTC";
    if (file.started_on != NULL &&
        (strlen(file.started_on) != 10 || moment_check_date(file.started_on, 10) != MOMENT_OK))
        catalog_fail(fault, "'startedOn' must be a day: 2026-01-31");
    questionnaires_judge(root, fault);
    json_t *sites = sites_judge(root, &file, fault);
    recipients_judge(root, sites, fault);
    alerts_judge(root, fault);
    escalation_judge(root, fault);
    cutoffs_judge(root, fault);
    parameters_judge(root, sites, fault);
    clock_judge(root, fault);
    json_decref(sites);
    if (fault->text[0] != '\0')
        return false;
    *ret_file = file;
    return true;
}
