/* What a stored revision says, as a MAC (BLAKE2b-128 with the audit key, which PostgreSQL never
 * sees). The worker computes it from what it sends to PostgreSQL, `audit verify` from what stands
 * there; the audit row's detail repeats it, so the chain covers it. JSON enters as PostgreSQL
 * prints it (json_text.h), so neither side has to understand it. doc/record.md has the form.
 *
 * Not in it: who, role, organisation, reason and content_hash (they stand in the audit row itself),
 * stored_at (PostgreSQL's own clock, known only afterwards) and the trail's own columns. */
#ifndef SLUICE_STORE_AUDIT_DATA_H
#define SLUICE_STORE_AUDIT_DATA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/uuid.h"
#include "store/audit.h"
#include "store/slice.h"

struct audit_data {
    struct uuid submission, broker;
    uint64_t epoch, seq; /* with broker: the message that became this revision */
    uint64_t hash_key;
    int32_t revision;
    bool is_void;
    int64_t authored_us, received_us, accepted_us;
    int64_t started_us, sent_us; /* TIME_NONE */
    uint64_t skew;               /* audit_data_skew */
    struct slice study, subject, questionnaire, version, status;
    /* The rest may be null. */
    struct slice site, authored_zone, time_zone, visit, occasion, language, source;
    struct slice flags;                            /* names, one a line */
    struct slice originator, device, device_edits; /* JSON texts, as the next two */
    struct slice normal, scores;
    struct slice answers[3]; /* JSON text, in up to three parts that follow each other */
};

/* skew_s as the row has it: the bits of the double that PostgreSQL makes of us / 1000000.0. */
#define AUDIT_SKEW_NONE UINT64_MAX
uint64_t audit_data_skew(int64_t us); /* TIME_NONE: AUDIT_SKEW_NONE */

void audit_data_mac(const struct audit_key *key, const struct audit_data *data,
                    uint8_t ret_mac[AUDIT_DATA_BYTES]);
/* The form of older releases, for verification: a part of the fields (doc/record.md). */
void audit_data_mac_1(const struct audit_key *key, const struct audit_data *data,
                      uint8_t ret_mac[AUDIT_DATA_BYTES]);

#endif
