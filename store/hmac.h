/* HMAC-SHA-256 of many small fields: the same code as libsodium's crypto_auth_hmacsha256 (a test
 * holds them against each other), by OpenSSL, which uses the processor's SHA instructions. It was a
 * quarter of a worker's instructions before.
 *
 * Fields are gathered and fed together. A context is kept from one code to the next, so that a key
 * used again costs nothing; it is the thread's own. */
#ifndef SLUICE_STORE_HMAC_H
#define SLUICE_STORE_HMAC_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define HMAC_KEY_BYTES 32
#define HMAC_BYTES 32
#define HMAC_GATHERED 512

struct hmac {
    struct hmac_context *context; /* owned between begin and end */
    size_t n;
    uint8_t gathered[HMAC_GATHERED];
};

void hmac_begin(struct hmac *h, const uint8_t key[HMAC_KEY_BYTES]);
/* hmac_feed where no room is left among what is gathered. */
void hmac_feed_long(struct hmac *h, const void *bytes, size_t len);
/* Must follow every begin. */
void hmac_end(struct hmac *h, uint8_t ret[HMAC_BYTES]);

/* Here, so that a number is a compare and a store: a row has two dozen fields. */
static inline void
hmac_feed(struct hmac *h, const void *bytes, size_t len)
{
    if (len == 0 || len >= sizeof(h->gathered) - h->n) {
        hmac_feed_long(h, bytes, len);
        return;
    }
    memcpy(h->gathered + h->n, bytes, len);
    h->n += len;
}

#endif
