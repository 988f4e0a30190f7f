/* Who hears of an alert, and who next if nobody answers: the study file's rules applied. Pure but
 * for the log; what comes out are rows to be (struct alert_plan).
 *
 * Those the alert's own rule names (in the alert's row or in the study file), else: for a
 * submission that could not be evaluated the operators and, where there are none, the contacts; for
 * everything else all ordinary recipients. Of these the ones that serve the site; if none does, all
 * of the study's recipients: an alert is never dropped for want of a match. */
#ifndef SLUICE_WORKERS_NOTIFICATIONS_PLAN_H
#define SLUICE_WORKERS_NOTIFICATIONS_PLAN_H

#include "workers/notifications/recipients.h"

/* How many deliveries were added; *ret_full (may be NULL there) is set past the plan's ceiling. */
size_t plan_alert(struct alert_plan *p, const struct recipients *r, const struct alert_found *a,
                  int64_t raised_us, int *ret_full);
/* The next contact. step as store_escalations_find said. */
void plan_escalation(struct alert_plan *p, const struct recipients *r,
                     const struct escalation_due *due, int *ret_full);
/* To everyone in the role "canary" of any study, else to nobody. */
void plan_canary(struct alert_plan *p, const struct recipients *r, const struct uuid *alert,
                 int *ret_full);

#endif
