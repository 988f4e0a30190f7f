/* An alert as a mail: plain text, opaque ids only. Pure. */
#ifndef SLUICE_WORKERS_NOTIFICATIONS_MAIL_H
#define SLUICE_WORKERS_NOTIFICATIONS_MAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "store/alerts_delivery.h"

#define MAIL_ADDRESS_MAX 254

/* name@host of printable ASCII without spaces, quotes, brackets and commas: nothing that could
 * break out of a header or of the envelope. */
bool mail_address_is_good(const char *address);
/* Message-ID and text are the same at every attempt, Date is now_us. BUF_OK or BUF_FULL; message is
 * cleared before. */
int mail_write(const struct delivery_claimed *d, const char *from, const char *to, int64_t now_us,
               struct buf *message);

#endif
