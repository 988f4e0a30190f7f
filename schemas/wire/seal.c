/* Sealing and opening with libsodium's XChaCha20-Poly1305. Nonces are random (192 bits), so that
 * any number of edges may seal under one key; they are drawn ahead, many at a time. Keys lie in
 * guarded memory, wiped when freed. */
#include "schemas/wire/seal.h"

#include <pthread.h>
#include <sodium.h>
#include <string.h>

#include "base/error.h"
#include "schemas/wire/key_file.h"
#include "schemas/wire/record.h"

#define NONCE_BYTES crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define NONCES_AHEAD 64
#define TAG_BYTES crypto_aead_xchacha20poly1305_ietf_ABYTES
#define CONTEXT_MAX (1 + RECORD_SERVICE_MAX + 1 + RECORD_SCOPE_MAX + 16)

_Static_assert(SEAL_OVERHEAD_BYTES == 4 + NONCE_BYTES + TAG_BYTES, "seal layout");
_Static_assert(KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "key size");

struct seal_keys {
    size_t n;
    struct key keys[SEAL_KEYS_MAX];
};

/* Not secret. Each thread's own; the child of a fork draws anew, so that none is used twice. */
static _Thread_local struct {
    uint8_t nonces[NONCES_AHEAD][NONCE_BYTES];
    unsigned left;
} drawn;

static void
drawn_forget(void)
{
    drawn.left = 0;
}

static void
drawn_watch_fork(void)
{
    int r = pthread_atfork(NULL, NULL, drawn_forget);

    sluice_assert(r == 0);
}

static void
nonce_draw(uint8_t ret_nonce[NONCE_BYTES])
{
    static pthread_once_t watched = PTHREAD_ONCE_INIT;

    if (drawn.left == 0) {
        pthread_once(&watched, drawn_watch_fork);
        randombytes_buf(drawn.nonces, sizeof(drawn.nonces));
        drawn.left = NONCES_AHEAD;
    }
    memcpy(ret_nonce, drawn.nonces[--drawn.left], NONCE_BYTES);
}

int
seal_keys_load(const char *path, struct seal_keys **ret_keys, char **ret_why)
{
    if (sodium_init() < 0) {
        *ret_why = mem_strdup("libsodium can't start");
        return 1;
    }
    struct seal_keys *k = sodium_malloc(sizeof(*k));
    if (k == NULL) {
        *ret_why = mem_strdup("no memory for keys");
        return 1;
    }
    int r = key_file_load(path, k->keys, SEAL_KEYS_MAX, &k->n, ret_why);
    if (r != 0) {
        sodium_free(k);
        return r;
    }
    sodium_mprotect_readonly(k);
    *ret_keys = k;
    return 0;
}

void
seal_keys_free(struct seal_keys *k)
{
    sodium_free(k);
}

/* The associated data: what the seal is bound to. */
static size_t
context_pack(const struct seal_context *ctx, uint8_t ret[CONTEXT_MAX])
{
    uint8_t *p = ret;

    sluice_assert(ctx->service_len <= RECORD_SERVICE_MAX && ctx->scope_len <= RECORD_SCOPE_MAX);
    *p++ = (uint8_t)ctx->service_len;
    if (ctx->service_len > 0)
        memcpy(p, ctx->service, ctx->service_len);
    p += ctx->service_len;
    *p++ = (uint8_t)ctx->scope_len;
    if (ctx->scope_len > 0)
        memcpy(p, ctx->scope, ctx->scope_len);
    p += ctx->scope_len;
    memcpy(p, ctx->id.bytes, sizeof(ctx->id.bytes));
    return (size_t)(p - ret) + sizeof(ctx->id.bytes);
}

void
seal_close(const struct seal_keys *k, const struct seal_context *ctx, const uint8_t *plain,
           size_t plain_len, uint8_t *out)
{
    uint8_t context[CONTEXT_MAX];
    size_t context_len = context_pack(ctx, context);

    le32_put(out, k->keys[0].id);
    nonce_draw(out + 4);
    crypto_aead_xchacha20poly1305_ietf_encrypt(out + 4 + NONCE_BYTES, NULL, plain, plain_len,
                                               context, context_len, NULL, out + 4,
                                               k->keys[0].bytes);
}

static const struct key *
key_find(const struct seal_keys *k, uint32_t id)
{
    for (size_t i = 0; i < k->n; i++) {
        if (k->keys[i].id == id)
            return &k->keys[i];
    }
    return NULL;
}

int
seal_open(const struct seal_keys *k, const struct seal_context *ctx, const uint8_t *sealed,
          size_t sealed_len, struct buf *plain)
{
    uint8_t context[CONTEXT_MAX], *out;

    buf_clear(plain);
    if (sealed_len < SEAL_OVERHEAD_BYTES)
        return SEAL_BROKEN;
    const struct key *key = key_find(k, le32_get(sealed));
    if (key == NULL)
        return SEAL_UNKNOWN_KEY;
    size_t plain_len = sealed_len - SEAL_OVERHEAD_BYTES;
    if (buf_reserve(plain, plain_len, &out) != BUF_OK)
        return SEAL_TOO_LARGE;
    size_t context_len = context_pack(ctx, context);
    int r = crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, sealed + 4 + NONCE_BYTES,
                                                       sealed_len - 4 - NONCE_BYTES, context,
                                                       context_len, sealed + 4, key->bytes);
    if (r != 0)
        return SEAL_BROKEN;
    buf_commit(plain, plain_len);
    return SEAL_OK;
}
