/* Which submission is the same one (invariants 7, clinical-rules "Identity of a submission").
 *
 * All hashes are keyed BLAKE2b-256 with the identity key, which edges and workers share and which
 * is never retired. Canonical form: the msgpack of the submission object with map keys sorted
 * bytewise at every level, number literals kept, members "sentAt" and "id" of the top level left
 * out. */
#ifndef SLUICE_SCHEMAS_WIRE_IDENTITY_H
#define SLUICE_SCHEMAS_WIRE_IDENTITY_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/uuid.h"

#define CONTENT_HASH_BYTES 32

struct identity_key {
    uint32_t id;
    uint8_t bytes[32];
};

int identity_key_load(const char *path, struct identity_key *ret_key, char **ret_why);

enum identity_outcome {
    IDENTITY_OK = 0,
    IDENTITY_TOO_LARGE = 1, /* scratch's ceiling is below 2 * size + 8 */
    IDENTITY_MALFORMED = 2, /* not a map, or a map key is no string */
};

/* submission: a msgpack map that mp_check let through. scratch is cleared and used for the
 * canonical form (it takes 2 * size + 8 bytes). The hash is BLAKE2b-256 of exactly the canonical
 * bytes. */
int identity_content_hash(const struct identity_key *k, const uint8_t *submission, size_t size,
                          struct buf *scratch, uint8_t ret_hash[CONTENT_HASH_BYTES]);
/* An Idempotency-Key that is no UUID: UUIDv8 of the hash of the msgpack ["key", study, subject,
 * key]. */
void identity_from_key(const struct identity_key *k, const char *study, size_t study_len,
                       const char *subject, size_t subject_len, const char *key, size_t key_len,
                       struct uuid *ret_id);
/* Neither key nor id: UUIDv8 of the hash of the msgpack ["content", study, subject, bin hash]. */
void identity_from_content(const struct identity_key *k, const char *study, size_t study_len,
                           const char *subject, size_t subject_len,
                           const uint8_t hash[CONTENT_HASH_BYTES], struct uuid *ret_id);
/* The alert that a rule raises for one revision of a submission, the same however often it is
 * evaluated: UUIDv8 of the hash of the msgpack ["alert", study, bin submission, revision, rule].
 * The study is in it because an id that a client chose may exist in two of them. */
void identity_from_alert(const struct identity_key *k, const char *study, size_t study_len,
                         const struct uuid *submission, uint32_t revision, const char *rule,
                         size_t rule_len, struct uuid *ret_id);
/* The name of an inline attachment: the hash of the msgpack ["attachment", study, subject, bin
 * content]; content has less than 4 GiB. */
void identity_attachment_hash(const struct identity_key *k, const char *study, size_t study_len,
                              const char *subject, size_t subject_len, const uint8_t *content,
                              size_t size, uint8_t ret_hash[CONTENT_HASH_BYTES]);

#endif
