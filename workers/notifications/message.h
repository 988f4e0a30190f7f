/* The two kinds of durable messages of this service, opened and read:
 *
 *   {"kind": "alert", "alert_id": bin16, "study", "subject"?, "rule", "severity", "provisional"?,
 *    "submission_id"?: bin16, "raised_us": int}
 *   {"kind": "action", "alert_id": bin16, "action": "acknowledge" | "close",
 *    "actor": {"user", "role"?, "organisation"?}, "note"?, "at_us": int}
 *
 * Unknown members are ignored. The record's scope is the study; a body that names another is bad.
 * Nothing is copied: a notice points into the opened body. */
#ifndef SLUICE_WORKERS_NOTIFICATIONS_MESSAGE_H
#define SLUICE_WORKERS_NOTIFICATIONS_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/uuid.h"
#include "schemas/wire/record.h"
#include "store/submissions.h"

#define NOTICE_CODE_MAX 200  /* bytes of a study, subject, rule or severity */
#define NOTICE_NAME_MAX 400  /* of an actor's three texts */
#define NOTICE_NOTE_MAX 4000 /* of what the actor wrote */

struct notice {
    bool is_action;
    struct uuid alert;
    /* alert */
    struct slice study, subject, rule, severity;
    struct uuid submission;
    bool has_submission;
    int64_t raised_us;
    /* action */
    bool closes;
    struct slice actor, role, organisation, note;
    int64_t at_us;
};

enum notice_outcome { NOTICE_OK = 0, NOTICE_BAD = 1 };

int notice_read(const uint8_t *body, size_t size, const struct record *r,
                struct notice *ret_notice);

#endif
