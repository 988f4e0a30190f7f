/* The two states that every code under a key begins with, inside and outside, are hashed once: a
 * code is a copy of each. OpenSSL's EVP interface copies them, too, but through its providers,
 * which took as long again as the hash of a row itself; so its SHA-256 is called directly. */
#define OPENSSL_SUPPRESS_DEPRECATED /* these calls: 3.0 would rather have EVP's */
#include "store/hmac.h"

#include <sodium.h>
#include <stdbool.h>
#include <string.h>

#include "base/error.h"

#define BLOCK_BYTES 64

_Static_assert(HMAC_BYTES == SHA256_DIGEST_LENGTH, "HMAC-SHA-256");

/* Of the key used last: nearly all of a process' codes are under one. */
static _Thread_local struct {
    bool known;
    uint8_t key[HMAC_KEY_BYTES];
    SHA256_CTX inside, outside;
} last;

/* As RFC 2104 has it: the key, padded with zeros to a block, each byte of it with pad. */
static void
state_begin(SHA256_CTX *state, const uint8_t key[HMAC_KEY_BYTES], uint8_t pad)
{
    uint8_t block[BLOCK_BYTES];

    memset(block, pad, sizeof(block));
    for (size_t i = 0; i < HMAC_KEY_BYTES; i++)
        block[i] ^= key[i];
    SHA256_Init(state);
    SHA256_Update(state, block, sizeof(block));
    sodium_memzero(block, sizeof(block));
}

void
hmac_begin(struct hmac *h, const uint8_t key[HMAC_KEY_BYTES])
{
    if (!last.known || memcmp(last.key, key, sizeof(last.key)) != 0) {
        memcpy(last.key, key, sizeof(last.key));
        state_begin(&last.inside, key, 0x36);
        state_begin(&last.outside, key, 0x5c);
        last.known = true;
    }
    h->inside = last.inside;
    h->outside = last.outside;
    h->n = 0;
}

static void
gathered_feed(struct hmac *h)
{
    SHA256_Update(&h->inside, h->gathered, h->n);
    h->n = 0;
}

void
hmac_feed_long(struct hmac *h, const void *bytes, size_t len)
{
    const uint8_t *at = bytes;

    while (len > 0) {
        size_t room = sizeof(h->gathered) - h->n, part = len < room ? len : room;
        memcpy(h->gathered + h->n, at, part);
        h->n += part;
        at += part;
        len -= part;
        if (h->n == sizeof(h->gathered))
            gathered_feed(h);
    }
}

void
hmac_end(struct hmac *h, uint8_t ret[HMAC_BYTES])
{
    uint8_t digest[HMAC_BYTES];

    gathered_feed(h);
    SHA256_Final(digest, &h->inside);
    SHA256_Update(&h->outside, digest, sizeof(digest));
    SHA256_Final(ret, &h->outside);
}
