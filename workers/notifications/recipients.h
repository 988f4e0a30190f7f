/* Who hears of a study's alerts, from the members of its study file:
 *
 *   "recipients": {NAME: {"webhook"?: {"url", "secretFile"}, "email"?, "sites"?: [code …],
 *                         "roles"?: [name …]}},
 *   "alerts": {RULE: {"recipients"?: [NAME …], …}},
 *   "escalation": {"urgent"? | "warning"? | "info"?: duration, "contacts"?: [NAME …]}
 *
 * Two roles mean something here: "operator" hears of submissions that could not be evaluated,
 * "canary" gets the synthetic alerts; a recipient with no other role hears of nothing else.
 * secretFile is the name of a file in worker/notify_secrets, without a slash. */
#ifndef SLUICE_WORKERS_NOTIFICATIONS_RECIPIENTS_H
#define SLUICE_WORKERS_NOTIFICATIONS_RECIPIENTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "store/alerts_delivery.h"

#define RECIPIENTS_MAX 16384 /* of all studies */
#define RECIPIENT_OPERATOR "operator"
#define RECIPIENT_CANARY "canary"
/* Where a canary ends that nobody is to get. */
#define NOBODY_STUDY "-"
#define NOBODY_NAME "-"

struct recipient {
    char *study, *name;
    char *url, *secret_file; /* both or neither */
    char *email;             /* or NULL */
    json_t *sites, *roles;   /* arrays or NULL */
    unsigned in_flight[CHANNELS];
};

enum severity { SEVERITY_INFO, SEVERITY_WARNING, SEVERITY_URGENT, SEVERITIES };

struct study {
    char *code;
    json_t *rules;                 /* object or NULL */
    json_t *contacts;              /* array or NULL */
    int64_t limits_us[SEVERITIES]; /* negative: not escalated */
    struct recipient *list;
    size_t n;
    bool is_unheard; /* it was said that alerts reach nobody */
};

struct recipients; /* opaque */

struct recipients *recipients_new(void);
void recipients_free(struct recipients *r);
/* Replaces all; on anything but STORE_OK the old ones stay. What can't be used is logged. Pointers
 * into the old ones are void. */
int recipients_read(struct recipients *r, struct store *s);
/* One study file's members, for recipients_read and tests. */
void recipients_add(struct recipients *r, const struct alert_study *study);

struct study *recipients_study(const struct recipients *r, const char *code);
struct recipient *recipients_find(const struct recipients *r, const char *study, const char *name);
/* All of them; one is "nobody". */
const struct study *recipients_studies(const struct recipients *r, size_t *ret_n);

bool recipient_has(const struct recipient *r, enum alert_channel channel);
bool recipient_is_in_role(const struct recipient *r, const char *role);
/* By its name or by one of its roles. */
bool recipient_is_called(const struct recipient *r, const char *name);
/* Hears of ordinary alerts: has no roles, or another than the two. */
bool recipient_is_ordinary(const struct recipient *r);
bool recipient_serves_site(const struct recipient *r, const char *site);

enum severity severity_of(const char *text);

#endif
