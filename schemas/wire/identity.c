/* Keyed BLAKE2b (libsodium's generichash) over canonical msgpack. What is hashed for a content
 * begins with the head of a map, what is hashed for an id or an attachment with the head of an
 * array of four and its kind, for an alert's id with that of an array of five: no input of one is
 * ever an input of the other. */
#include "schemas/wire/identity.h"

#include <sodium.h>
#include <string.h>

#include "base/error.h"
#include "schemas/wire/canonical.h"
#include "schemas/wire/key_file.h"

_Static_assert(CONTENT_HASH_BYTES == crypto_generichash_BYTES, "hash size");
_Static_assert(KEY_BYTES == crypto_generichash_KEYBYTES, "key size");

static const char *const not_content[] = {"id", "sentAt", NULL};

int
identity_key_load(const char *path, struct identity_key *ret_key, char **ret_why)
{
    struct key key;
    size_t n;

    if (sodium_init() < 0) {
        *ret_why = mem_strdup("libsodium can't start");
        return 1;
    }
    int r = key_file_load(path, &key, 1, &n, ret_why);
    if (r == 0) {
        ret_key->id = key.id;
        memcpy(ret_key->bytes, key.bytes, sizeof(ret_key->bytes));
    }
    sodium_memzero(&key, sizeof(key));
    return r;
}

int
identity_content_hash(const struct identity_key *k, const uint8_t *submission, size_t size,
                      struct buf *scratch, uint8_t ret_hash[CONTENT_HASH_BYTES])
{
    const uint8_t *form;
    size_t form_size;

    int r = canonical_form(submission, size, not_content, scratch, &form, &form_size);
    switch (r) {
    case CANONICAL_OK:
        crypto_generichash(ret_hash, CONTENT_HASH_BYTES, form, form_size, k->bytes,
                           sizeof(k->bytes));
        return IDENTITY_OK;
    case CANONICAL_TOO_LARGE:
        return IDENTITY_TOO_LARGE;
    default:
        return IDENTITY_MALFORMED;
    }
}

/* A msgpack string, as mp_put_str writes it, straight into the hash. */
static void
hash_str(crypto_generichash_state *state, const char *s, size_t len)
{
    uint8_t head[5];
    size_t n = 1;

    sluice_assert(len <= UINT32_MAX);
    if (len < 32) {
        head[0] = (uint8_t)(0xa0 | len);
    } else {
        unsigned width = len <= UINT8_MAX ? 1 : len <= UINT16_MAX ? 2 : 4;
        head[0] = width == 1 ? 0xd9 : width == 2 ? 0xda : 0xdb;
        for (unsigned i = width; i > 0; i--)
            head[n++] = (uint8_t)(len >> 8 * (i - 1));
    }
    crypto_generichash_update(state, head, n);
    crypto_generichash_update(state, (const uint8_t *)s, len);
}

/* A msgpack unsigned integer, as mp_put_uint writes it. */
static void
hash_uint(crypto_generichash_state *state, uint32_t v)
{
    uint8_t head[5];
    size_t n = 1;

    if (v < 128) {
        head[0] = (uint8_t)v;
    } else {
        unsigned width = v <= UINT8_MAX ? 1 : v <= UINT16_MAX ? 2 : 4;
        head[0] = width == 1 ? 0xcc : width == 2 ? 0xcd : 0xce;
        for (unsigned i = width; i > 0; i--)
            head[n++] = (uint8_t)(v >> 8 * (i - 1));
    }
    crypto_generichash_update(state, head, n);
}

static void
hash_begin(const struct identity_key *k, const char *what, const char *study, size_t study_len,
           const char *subject, size_t subject_len, crypto_generichash_state *ret_state)
{
    static const uint8_t array_of_4 = 0x94;

    crypto_generichash_init(ret_state, k->bytes, sizeof(k->bytes), CONTENT_HASH_BYTES);
    crypto_generichash_update(ret_state, &array_of_4, 1);
    hash_str(ret_state, what, strlen(what));
    hash_str(ret_state, study, study_len);
    hash_str(ret_state, subject, subject_len);
}

static void
hash_end(crypto_generichash_state *state, struct uuid *ret_id)
{
    uint8_t hash[CONTENT_HASH_BYTES];

    crypto_generichash_final(state, hash, sizeof(hash));
    uuid_v8_from_hash(hash, ret_id);
}

void
identity_from_key(const struct identity_key *k, const char *study, size_t study_len,
                  const char *subject, size_t subject_len, const char *key, size_t key_len,
                  struct uuid *ret_id)
{
    crypto_generichash_state state;

    hash_begin(k, "key", study, study_len, subject, subject_len, &state);
    hash_str(&state, key, key_len);
    hash_end(&state, ret_id);
}

void
identity_from_content(const struct identity_key *k, const char *study, size_t study_len,
                      const char *subject, size_t subject_len,
                      const uint8_t hash[CONTENT_HASH_BYTES], struct uuid *ret_id)
{
    static const uint8_t bin_of_32[2] = {0xc4, CONTENT_HASH_BYTES};
    crypto_generichash_state state;

    hash_begin(k, "content", study, study_len, subject, subject_len, &state);
    crypto_generichash_update(&state, bin_of_32, sizeof(bin_of_32));
    crypto_generichash_update(&state, hash, CONTENT_HASH_BYTES);
    hash_end(&state, ret_id);
}

void
identity_from_alert(const struct identity_key *k, const char *study, size_t study_len,
                    const struct uuid *submission, uint32_t revision, const char *rule,
                    size_t rule_len, struct uuid *ret_id)
{
    static const uint8_t array_of_5 = 0x95, bin_of_16[2] = {0xc4, sizeof(submission->bytes)};
    crypto_generichash_state state;

    crypto_generichash_init(&state, k->bytes, sizeof(k->bytes), CONTENT_HASH_BYTES);
    crypto_generichash_update(&state, &array_of_5, 1);
    hash_str(&state, "alert", 5);
    hash_str(&state, study, study_len);
    crypto_generichash_update(&state, bin_of_16, sizeof(bin_of_16));
    crypto_generichash_update(&state, submission->bytes, sizeof(submission->bytes));
    hash_uint(&state, revision);
    hash_str(&state, rule, rule_len);
    hash_end(&state, ret_id);
}

void
identity_attachment_hash(const struct identity_key *k, const char *study, size_t study_len,
                         const char *subject, size_t subject_len, const uint8_t *content,
                         size_t size, uint8_t ret_hash[CONTENT_HASH_BYTES])
{
    unsigned width = size <= UINT8_MAX ? 1 : size <= UINT16_MAX ? 2 : 4;
    uint8_t head[5] = {width == 1 ? 0xc4 : width == 2 ? 0xc5 : 0xc6};
    crypto_generichash_state state;

    sluice_assert(size <= UINT32_MAX);
    for (unsigned i = 0; i < width; i++)
        head[1 + i] = (uint8_t)(size >> 8 * (width - 1 - i));
    hash_begin(k, "attachment", study, study_len, subject, subject_len, &state);
    crypto_generichash_update(&state, head, 1 + width);
    crypto_generichash_update(&state, content, size);
    crypto_generichash_final(&state, ret_hash, CONTENT_HASH_BYTES);
}
