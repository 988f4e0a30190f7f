/* Chooses a submission's id: the header's key, the body's id, or what its content makes. */
#include "client/edge/submission_id.h"

#include <stdio.h>
#include <string.h>

enum submission_key_outcome
submission_key_parse(const char *s, size_t len, bool quotes, struct submission_key *ret_key)
{
    struct submission_key key = {0};
    bool quoted = quotes && len > 0 && *s == '"';

    if (uuid_parse(s, len, &key.uuid)) { /* bare, as most are */
        *ret_key = key;
        return SUBMISSION_KEY_UUID;
    }
    if (quoted) {
        if (len < 2 || s[len - 1] != '"')
            return SUBMISSION_KEY_BAD;
        s++;
        len -= 2;
    }
    for (size_t i = 0; i < len; i++) {
        if (quoted && s[i] == '"')
            return SUBMISSION_KEY_BAD;
        if (quoted && s[i] == '\\' && (++i == len || (s[i] != '"' && s[i] != '\\')))
            return SUBMISSION_KEY_BAD;
        if (s[i] < 0x20 || s[i] > 0x7e || key.len == KEY_CHARACTERS_MAX)
            return SUBMISSION_KEY_BAD;
        key.text[key.len++] = s[i];
    }
    if (key.len == 0)
        return SUBMISSION_KEY_BAD;
    if (uuid_parse(key.text, key.len, &key.uuid)) {
        key.len = 0;
        key.text[0] = '\0';
        *ret_key = key;
        return SUBMISSION_KEY_UUID;
    }
    *ret_key = key;
    return SUBMISSION_KEY_TEXT;
}

/* The id that a key names, in this study and for this subject. */
static bool
key_resolve(const struct identity_key *k, const struct submission_id_input *in, const char *s,
            size_t len, bool quotes, struct uuid *ret_id, struct submission_key *ret_key)
{
    enum submission_key_outcome outcome = submission_key_parse(s, len, quotes, ret_key);

    if (outcome == SUBMISSION_KEY_UUID)
        *ret_id = ret_key->uuid;
    if (outcome == SUBMISSION_KEY_TEXT)
        identity_from_key(k, in->study, in->study_len, in->envelope->subject.at,
                          in->envelope->subject.len, ret_key->text, ret_key->len, ret_id);
    return outcome != SUBMISSION_KEY_BAD;
}

bool
submission_id_choose(const struct identity_key *k, const struct submission_id_input *in,
                     struct buf *scratch, struct uuid *ret_id, struct submission_key *ret_key,
                     struct problem_error *ret_error)
{
    const struct envelope *envelope = in->envelope;
    struct submission_key key = {0}, body_key = {0};
    struct uuid id, body_id;

    if (in->header != NULL && !key_resolve(k, in, in->header, in->header_len, true, &id, &key))
        return problem_error_set(ret_error, "", "idempotency-key",
                                 "Idempotency-Key must be 1 to 128 printable characters");
    if (envelope->id.at != NULL &&
        !key_resolve(k, in, envelope->id.at, envelope->id.len, false, &body_id, &body_key))
        return problem_error_set(ret_error, in->id_pointer, "wrong-type",
                                 "must be 1 to 128 printable characters");
    if (in->header != NULL && envelope->id.at != NULL && !uuid_equal(&id, &body_id))
        return problem_error_set(ret_error, in->id_pointer, "id-mismatch",
                                 "differs from Idempotency-Key");

    if (in->header == NULL && envelope->id.at != NULL) {
        id = body_id;
        key = body_key;
    } else if (in->header == NULL) {
        uint8_t hash[CONTENT_HASH_BYTES];
        if (!envelope->has_submit_at && !envelope->has_occasion)
            return problem_error_set(ret_error, "", "identity-required",
                                     "needs Idempotency-Key, id, submitAt or occasion");
        if (identity_content_hash(k, in->submission, in->submission_bytes, scratch, hash) != 0)
            return problem_error_set(ret_error, "", "json-too-many-values", "too many values");
        identity_from_content(k, in->study, in->study_len, envelope->subject.at,
                              envelope->subject.len, hash, &id);
    }
    *ret_id = id;
    *ret_key = key;
    return true;
}
