/* Which id a submission has (invariants 7, clinical-rules "Identity of a submission"). */
#ifndef SLUICE_EDGE_SUBMISSION_ID_H
#define SLUICE_EDGE_SUBMISSION_ID_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/uuid.h"
#include "client/edge/envelope.h"
#include "client/edge/problem.h"
#include "schemas/wire/identity.h"

#define KEY_CHARACTERS_MAX 128

/* An Idempotency-Key or body id. */
struct submission_key {
    size_t len;
    char text[KEY_CHARACTERS_MAX + 1]; /* without quotes; "" when it is a UUID or not there */
    struct uuid uuid;
};

enum submission_key_outcome {
    SUBMISSION_KEY_UUID = 0,
    SUBMISSION_KEY_TEXT = 1,
    SUBMISSION_KEY_BAD = 2,
};

/* quotes: RFC 8941 quotes around it are taken off (header), or part of it (body). */
enum submission_key_outcome submission_key_parse(const char *s, size_t len, bool quotes,
                                                 struct submission_key *ret_key);

struct submission_id_input {
    const char *study;
    size_t study_len;
    const char *header; /* Idempotency-Key; NULL: not sent */
    size_t header_len;
    const struct envelope *envelope;
    const char *id_pointer;    /* where the body has its id */
    const uint8_t *submission; /* transcoded */
    size_t submission_bytes;
};

/* ret_key->text is the key as sent if it was no UUID, else "". scratch is overwritten. False: the
 * rule broken is in *ret_error. */
bool submission_id_choose(const struct identity_key *k, const struct submission_id_input *in,
                          struct buf *scratch, struct uuid *ret_id, struct submission_key *ret_key,
                          struct problem_error *ret_error);

#endif
