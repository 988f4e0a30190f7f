/* Sealed bodies (invariants 16): XChaCha20-Poly1305 (libsodium) with associated data
 * {u8 len, service, u8 len, scope, id(16)}. Sealed bytes: u32 key id, 24 bytes nonce, ciphertext +
 * 16 tag.
 *
 * Key file ("seal.keys", a secret file): one "ID HEX64" a line, ID 1…4294967295; # comments; the
 * first one seals, all open. Identity key file: one line of the same form. */
#ifndef SLUICE_SCHEMAS_WIRE_SEAL_H
#define SLUICE_SCHEMAS_WIRE_SEAL_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/uuid.h"

#define SEAL_OVERHEAD_BYTES 44
#define SEAL_KEYS_MAX 64

struct seal_keys; /* opaque */

enum seal_outcome {
    SEAL_OK = 0,
    SEAL_UNKNOWN_KEY = 1, /* retry later: the key may not have reached this worker yet */
    SEAL_BROKEN = 2,      /* tampered, truncated, or sealed for another envelope */
    SEAL_TOO_LARGE = 3,   /* the plaintext would pass plain's ceiling */
};

struct seal_context {
    const char *service;
    size_t service_len;
    const char *scope;
    size_t scope_len;
    struct uuid id;
};

/* On failure returns nonzero and *ret_why is a malloc'd text without secrets. */
int seal_keys_load(const char *path, struct seal_keys **ret_keys, char **ret_why);
void seal_keys_free(struct seal_keys *k);
/* out has plain_len + SEAL_OVERHEAD_BYTES bytes, and does not overlap plain. */
void seal_close(const struct seal_keys *k, const struct seal_context *ctx, const uint8_t *plain,
                size_t plain_len, uint8_t *out);
/* Puts the plaintext into plain (cleared before); plain is empty unless SEAL_OK. */
int seal_open(const struct seal_keys *k, const struct seal_context *ctx, const uint8_t *sealed,
              size_t sealed_len, struct buf *plain);

#endif
