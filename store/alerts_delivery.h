/* The work of the service "notifications" in PostgreSQL: what is planned, claimed, tried, escalated
 * and answered by people. Each call is one statement with no client step inside (invariants 5), so
 * several workers may do all of it at once; times are the server's. Texts are codes and names of
 * the study file, never an address or an answer. */
#ifndef SLUICE_STORE_ALERTS_DELIVERY_H
#define SLUICE_STORE_ALERTS_DELIVERY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/uuid.h"
#include "store/array.h"
#include "store/audit.h"
#include "store/connection.h"
#include "store/submissions.h"

/* Told (store_listen) when something was planned: other workers look at what is due. */
#define ALERTS_CHANNEL "sluice_alerts"
#define ALERTS_AT_ONCE 1024 /* alerts, deliveries or results of one statement */

/* ---- study files ---- */

struct alert_study {
    const char *study;
    const char *recipients, *alerts, *escalation; /* JSON of the study file's members, or NULL */
};
/* Changes when a study file is loaded. */
int store_alert_studies_stamp(struct store *s, int64_t *ret_stamp);
int store_alert_studies(struct store *s, void (*each)(void *arg, const struct alert_study *study),
                        void *arg);

/* ---- alerts ---- */

struct alert_found {
    struct uuid id;
    const char *study, *rule, *severity, *state, *kind;
    const char *site;       /* "" where the alert has none */
    const char *recipients; /* names separated by line feeds; NULL: as the study file says */
};
int store_alerts_find(struct store *s, const struct uuid *ids, size_t n,
                      void (*each)(void *arg, const struct alert_found *found), void *arg);

/* A dead letter of a service, or the canary of a minute: an alert that no submission's transaction
 * stored. Nothing happens for one that exists. */
struct alert_raise {
    struct uuid id;
    const char *study, *kind, *rule, *severity;
    const char *subject;           /* NULL: none */
    const struct uuid *submission; /* NULL: none */
};
/* *ret_new (may be NULL): how many did not exist before. */
int store_alerts_raise(struct store *s, const struct alert_raise *alerts, size_t n,
                       size_t *ret_new);

/* ---- planning ---- */

enum alert_channel { CHANNEL_WEBHOOK, CHANNEL_EMAIL, CHANNEL_NONE, CHANNELS };
const char *alert_channel_text(enum alert_channel channel);

/* What is to become rows, gathered; every add returns BUF_OK or BUF_FULL. */
struct alert_plan {
    struct array epochs, seqs, message_studies, message_alerts;     /* done messages */
    struct array ids, alerts, studies, recipients, channels, steps; /* deliveries */
    struct array escalated, escalated_studies, severities, moments; /* escalations to come */
    struct array at_steps, agains, contacts;                        /* of those escalated now */
};
void alert_plan_init(struct alert_plan *p);
void alert_plan_deinit(struct alert_plan *p);
void alert_plan_begin(struct alert_plan *p);
int alert_plan_message(struct alert_plan *p, uint64_t epoch, uint64_t seq, struct slice study,
                       const struct uuid *alert);
int alert_plan_delivery(struct alert_plan *p, const struct uuid *alert, const char *study,
                        const char *recipient, enum alert_channel channel, int step);
/* The first escalation, at due_us (wall clock). */
int alert_plan_escalation(struct alert_plan *p, const struct uuid *alert, const char *study,
                          const char *severity, int64_t due_us);
/* The delivery's id: UUIDv8 of what it delivers to whom. */
void alert_delivery_id(const struct uuid *alert, const char *study, const char *recipient,
                       enum alert_channel channel, int step, struct uuid *ret_id);
/* Writes all of it; what exists stays as it is. */
int store_alerts_plan(struct store *s, struct alert_plan *p, const struct uuid *broker);

/* ---- what is due ---- */

/* Time until the next delivery and the next escalation that are not due yet; INT64_MAX: none.
 * *ret_due: an escalation is due now. */
int store_alerts_due(struct store *s, int64_t *ret_delivery_us, int64_t *ret_escalation_us,
                     bool *ret_due);

struct delivery_target {
    const char *study, *recipient;
    enum alert_channel channel;
    unsigned free; /* at most so many more */
};
struct delivery_claimed {
    struct uuid id, alert, submission;
    const char *study, *recipient;
    enum alert_channel channel;
    int step, attempt;
    const char *subject, *severity, *kind; /* "" where the alert has none */
    bool has_submission, provisional;
    bool gone; /* the recipient wants no more */
    int64_t raised_us;
};
/* Claims up to limit due deliveries for hold_us. A claim that was not ended in time is recorded as
 * a failed attempt, and another is begun. Oldest first for each target. */
int store_deliveries_claim(struct store *s, const struct delivery_target *targets, size_t n,
                           unsigned limit, int64_t hold_us,
                           void (*each)(void *arg, const struct delivery_claimed *claimed),
                           void *arg);

/* Gives up what waits for a recipient or a channel that the study file does not name any more. */
int store_deliveries_forget(struct store *s, size_t *ret_forgotten);

struct delivery_result {
    struct uuid id;
    int attempt;
    const char *state; /* "delivered", "failed", or "pending": again after delay_us */
    int64_t delay_us;
    const char *note; /* why it failed; NULL: none */
    bool gone;        /* the recipient answered that it wants no more */
};
/* Ends claims and records the attempts; of a claim that another worker has taken over: nothing. */
int store_deliveries_record(struct store *s, const struct delivery_result *results, size_t n);

/* ---- escalation ---- */

struct escalation_due {
    struct alert_found found;
    int step; /* how often it was escalated before */
};
int store_escalations_find(struct store *s, unsigned limit,
                           void (*each)(void *arg, const struct escalation_due *due), void *arg);
/* One that is being escalated: step is what store_escalations_find said; again_us: when to look
 * again, negative: never. contact NULL: there is no one left, which is recorded as such. */
int alert_plan_escalate(struct alert_plan *p, const struct uuid *alert, int step, int64_t again_us,
                        const char *contact);
/* Escalates what is still open, due and at that step; deliveries of others are left out. Exactly
 * one of several workers gets each. *ret_unheard: for so many there was no contact left. */
int store_escalations_apply(struct store *s, struct alert_plan *p, size_t *ret_escalated,
                            size_t *ret_unheard);

/* ---- people ---- */

struct alert_action {
    struct uuid broker, alert;
    uint64_t epoch, seq;
    struct slice study, actor, role, organisation, note; /* at NULL: none */
    bool closes;                                         /* else acknowledges */
    int64_t at_us;
};
struct alert_acted {
    bool known;     /* the study has such an alert */
    char state[16]; /* the alert's, now */
};
/* Moves the alert's state on (never back), ends its escalation, appends the event and its audit
 * row; a repetition of the same message appends nothing. After STORE_OK the chain is advanced by
 * what was appended; it is restarted where that is not known. */
int store_alert_act(struct store *s, struct audit_chain *chain, const struct alert_action *a,
                    struct alert_acted *ret_acted);

/* ---- what is finished ---- */

struct alerts_pruned {
    size_t messages, deliveries;
};
/* Removes up to limit messages and limit deliveries that were finished longer ago than keep_us; of
 * several workers at once only one does. What is pending stays, and so does an alert's history. */
int store_alerts_prune(struct store *s, int64_t keep_us, unsigned limit,
                       struct alerts_pruned *ret_pruned);

/* ---- canary ---- */

/* Canaries raised over late_us ago (and less than an hour) that arrived nowhere. */
int store_canaries_late(struct store *s, int64_t late_us, int64_t *ret_count);

#endif
