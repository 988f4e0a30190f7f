/* How a delivery leaves: the folder of the webhooks' secrets, the mail server, and what one attempt
 * needs of them. Secrets of webhooks are read at each attempt, so that a new one counts at once. */
#ifndef SLUICE_WORKERS_NOTIFICATIONS_OUTLET_H
#define SLUICE_WORKERS_NOTIFICATIONS_OUTLET_H

#include "base/config.h"
#include "workers/notifications/recipients.h"
#include "workers/notifications/transfers.h"

struct outlet; /* opaque */

/* NULL with a logged reason. */
struct outlet *outlet_new(const struct config *config);
void outlet_free(struct outlet *o);

/* Begins the attempt as a transfer of owner. False: *ret_why says why not, in a few words without
 * an address. */
bool outlet_begin(struct outlet *o, struct transfers *transfers, void *owner,
                  const struct recipient *r, const struct delivery_claimed *c,
                  const char **ret_why);
/* Logs every recipient that an attempt could not begin for. */
void outlet_judge(const struct outlet *o, const struct recipients *recipients);

#endif
