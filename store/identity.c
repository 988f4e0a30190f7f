/* Keys, values and indexes of direct identifiers; no SQL. */
#include "store/identity.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "questionnaire/phone.h"
#include "questionnaire/width.h"
#include "schemas/wire/key_file.h"

#define WRAP_KEYS_MAX 16
#define NONCE_BYTES crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_BYTES crypto_aead_xchacha20poly1305_ietf_ABYTES

_Static_assert(IDENTITY_OVERHEAD == NONCE_BYTES + TAG_BYTES, "nonce and tag");
_Static_assert(IDENTITY_KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "key");
_Static_assert(IDENTITY_INDEX_BYTES == crypto_auth_hmacsha256_BYTES, "index");

struct identity_wrap {
    struct key keys[WRAP_KEYS_MAX];
    size_t n;
};

int
identity_wrap_load(const char *path, struct identity_wrap **ret_wrap, char **ret_why)
{
    if (sodium_init() < 0) {
        *ret_why = mem_strdup("libsodium can't start");
        return 1;
    }
    struct identity_wrap *w = mem_new(1, sizeof(*w));
    int r = key_file_load(path, w->keys, WRAP_KEYS_MAX, &w->n, ret_why);
    if (r != 0)
        identity_wrap_free(w);
    else
        *ret_wrap = w;
    return r;
}

void
identity_wrap_free(struct identity_wrap *w)
{
    if (w == NULL)
        return;
    sodium_memzero(w, sizeof(*w));
    free(w);
}

/* What a ciphertext is bound to: a hash of purpose and names, each with its length in front. */
static void
context_feed(crypto_generichash_state *state, struct slice field)
{
    uint64_t len = field.len;

    crypto_generichash_update(state, (const uint8_t *)&len, sizeof(len));
    if (len > 0)
        crypto_generichash_update(state, field.at, len);
}

static void
context_make(const char *purpose, struct slice study, struct slice subject, struct slice kind,
             uint8_t ret_context[32])
{
    crypto_generichash_state state;

    crypto_generichash_init(&state, NULL, 0, 32);
    context_feed(&state, (struct slice){purpose, strlen(purpose)});
    context_feed(&state, study);
    context_feed(&state, subject);
    context_feed(&state, kind);
    crypto_generichash_final(&state, ret_context, 32);
}

/* out: len + IDENTITY_OVERHEAD bytes. */
static void
box_close(const uint8_t *key, const uint8_t context[32], const void *plain, size_t len,
          uint8_t *out)
{
    randombytes_buf(out, NONCE_BYTES);
    crypto_aead_xchacha20poly1305_ietf_encrypt(out + NONCE_BYTES, NULL, plain, len, context, 32,
                                               NULL, out, key);
}

/* out: sealed.len - IDENTITY_OVERHEAD bytes. */
static int
box_open(const uint8_t *key, const uint8_t context[32], struct slice sealed, uint8_t *out)
{
    const uint8_t *at = sealed.at;

    if (sealed.len < IDENTITY_OVERHEAD)
        return IDENTITY_BROKEN;
    int r = crypto_aead_xchacha20poly1305_ietf_decrypt(
        out, NULL, NULL, at + NONCE_BYTES, sealed.len - NONCE_BYTES, context, 32, at, key);
    return r == 0 ? IDENTITY_OPENED : IDENTITY_BROKEN;
}

static void
key_context(struct slice study, struct slice subject, uint8_t ret_context[32])
{
    context_make(subject.at != NULL ? "subject key" : "study key", study, subject,
                 (struct slice){NULL, 0}, ret_context);
}

void
identity_key_make(const struct identity_wrap *w, struct slice study, struct slice subject,
                  struct identity_subject *ret_key, uint32_t *ret_key_id,
                  uint8_t ret_wrapped[IDENTITY_WRAPPED_BYTES])
{
    uint8_t context[32];

    randombytes_buf(ret_key->key, sizeof(ret_key->key));
    key_context(study, subject, context);
    box_close(w->keys[0].bytes, context, ret_key->key, sizeof(ret_key->key), ret_wrapped);
    *ret_key_id = w->keys[0].id;
}

int
identity_key_open(const struct identity_wrap *w, struct slice study, struct slice subject,
                  uint32_t key_id, struct slice wrapped, struct identity_subject *ret_key)
{
    uint8_t context[32];

    if (wrapped.len != IDENTITY_WRAPPED_BYTES)
        return IDENTITY_BROKEN;
    key_context(study, subject, context);
    for (size_t i = 0; i < w->n; i++) {
        if (w->keys[i].id == key_id)
            return box_open(w->keys[i].bytes, context, wrapped, ret_key->key);
    }
    return IDENTITY_KEY_UNKNOWN;
}

int
identity_value_seal(const struct identity_subject *key, struct slice study, struct slice subject,
                    struct slice kind, struct slice value, struct buf *out)
{
    uint8_t context[32], *at;

    if (value.len > IDENTITY_VALUE_MAX ||
        buf_reserve(out, value.len + IDENTITY_OVERHEAD, &at) != BUF_OK)
        return BUF_FULL;
    context_make("identifier", study, subject, kind, context);
    box_close(key->key, context, value.at, value.len, at);
    buf_commit(out, value.len + IDENTITY_OVERHEAD);
    return BUF_OK;
}

int
identity_value_open(const struct identity_subject *key, struct slice study, struct slice subject,
                    struct slice kind, struct slice sealed, struct buf *ret_value)
{
    uint8_t context[32], *at;

    buf_clear(ret_value);
    if (sealed.len < IDENTITY_OVERHEAD || sealed.len > IDENTITY_VALUE_MAX + IDENTITY_OVERHEAD ||
        buf_reserve(ret_value, sealed.len - IDENTITY_OVERHEAD + 1, &at) != BUF_OK)
        return IDENTITY_BROKEN;
    context_make("identifier", study, subject, kind, context);
    int r = box_open(key->key, context, sealed, at);
    if (r == IDENTITY_OPENED)
        buf_commit(ret_value, sealed.len - IDENTITY_OVERHEAD);
    return r;
}

/* Without spaces and punctuation, in ASCII lower case. */
static void
index_feed(crypto_auth_hmacsha256_state *state, const uint8_t *at, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        uint8_t c = at[i] >= 'A' && at[i] <= 'Z' ? (uint8_t)(at[i] + 32) : at[i];
        bool kept = c >= 0x80 || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '@';
        if (kept)
            crypto_auth_hmacsha256_update(state, &c, 1);
    }
}

/* Of a number that is none the generic form is taken. */
static bool
phone_feed(crypto_auth_hmacsha256_state *state, struct slice kind, struct slice value)
{
    char number[PHONE_NORMAL_SIZE];

    if (!(slice_is(kind, "phone") || slice_is(kind, "telecom")) ||
        !phone_normal(value.at, value.len, number))
        return false;
    crypto_auth_hmacsha256_update(state, (const uint8_t *)number, strlen(number));
    sodium_memzero(number, sizeof(number));
    return true;
}

void
identity_blind_index(const struct identity_subject *study_key, struct slice kind,
                     struct slice value, uint8_t ret_index[IDENTITY_INDEX_BYTES])
{
    crypto_auth_hmacsha256_state state;

    crypto_auth_hmacsha256_init(&state, study_key->key, sizeof(study_key->key));
    crypto_auth_hmacsha256_update(&state, (const uint8_t *)"index", 6);
    crypto_auth_hmacsha256_update(&state, kind.at, kind.len);
    crypto_auth_hmacsha256_update(&state, (const uint8_t *)"", 1);
    if (!phone_feed(&state, kind, value)) {
        struct buf usual;
        bool differs;
        buf_init(&usual, 2 * IDENTITY_VALUE_MAX);
        bool good = width_normal(value.at, value.len, &usual, &differs) == BUF_OK;
        index_feed(&state, good ? usual.data : value.at, good ? usual.size : value.len);
        if (usual.size > 0)
            sodium_memzero(usual.data, usual.size);
        buf_deinit(&usual);
    }
    crypto_auth_hmacsha256_final(&state, ret_index);
}

void
identity_export_code(const struct identity_subject *study_key, struct slice subject,
                     char ret_code[IDENTITY_EXPORT_CODE_SIZE])
{
    crypto_auth_hmacsha256_state state;
    uint8_t mac[crypto_auth_hmacsha256_BYTES];

    crypto_auth_hmacsha256_init(&state, study_key->key, sizeof(study_key->key));
    crypto_auth_hmacsha256_update(&state, (const uint8_t *)"export", 7);
    crypto_auth_hmacsha256_update(&state, subject.at, subject.len);
    crypto_auth_hmacsha256_final(&state, mac);
    sodium_bin2hex(ret_code, IDENTITY_EXPORT_CODE_SIZE, mac, 8);
}
