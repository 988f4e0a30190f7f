/* What a stored revision says, as a MAC (BLAKE2b-128 with the audit key, which PostgreSQL never
 * sees). The worker computes it from what it sends to PostgreSQL, `audit verify` from what stands
 * there; the audit row's detail repeats it, so the chain covers it. Answers and scores enter as
 * PostgreSQL prints them (json_text.h), so neither side has to understand them. doc/record.md has
 * the form. */
#ifndef SLUICE_STORE_AUDIT_DATA_H
#define SLUICE_STORE_AUDIT_DATA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/uuid.h"
#include "store/audit.h"
#include "store/slice.h"

struct audit_data {
    struct slice study;
    struct uuid submission;
    int32_t revision;
    struct slice subject, questionnaire, version, status;
    bool is_void;
    int64_t authored_us;
    struct slice authored_zone, visit, occasion; /* may be null */
    struct slice scores;                         /* JSON text; may be null */
    struct slice answers[3]; /* JSON text, in up to three parts that follow each other */
};

void audit_data_mac(const struct audit_key *key, const struct audit_data *data,
                    uint8_t ret_mac[AUDIT_DATA_BYTES]);

#endif
