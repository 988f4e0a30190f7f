/* A webhook as Standard Webhooks 1.0 wants it: body and signature. Pure; opaque ids only, never a
 * rule's name or an answer. */
#ifndef SLUICE_WORKERS_NOTIFICATIONS_WEBHOOK_H
#define SLUICE_WORKERS_NOTIFICATIONS_WEBHOOK_H

#include <stdint.h>

#include "base/buf.h"
#include "store/alerts_delivery.h"

#define WEBHOOK_SECRETS_MAX 4 /* old and new while they are rotated */
#define WEBHOOK_KEY_MIN 24
#define WEBHOOK_KEY_MAX 64
#define WEBHOOK_SIGNATURES_SIZE (WEBHOOK_SECRETS_MAX * 52)

/* {"type": "alert.raised" | "alert.escalated" | "alert.canary" | "alert.unevaluated",
 *  "timestamp": when it was raised,
 *  "data": {"alertId", "study", "subjectId"?, "submissionId"?, "severity", "provisional"}}.
 * The same at every attempt. BUF_OK or BUF_FULL; body is cleared before. */
int webhook_body(const struct delivery_claimed *d, struct buf *body);

/* secrets: the secret file, one "whsec_BASE64" a line (empty lines and # comments aside). Writes
 * one "v1,BASE64" for each, separated by spaces, over "id.timestamp.body". False: a secret is none,
 * or there is no secret. */
bool webhook_sign(const char *secrets, const char *id, int64_t timestamp_s, const struct buf *body,
                  char ret_signatures[WEBHOOK_SIGNATURES_SIZE]);

#endif
