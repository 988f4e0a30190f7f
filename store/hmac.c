/* OpenSSL fails here only for want of memory or of its own provider: no state to go on from. */
#include "store/hmac.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

struct hmac_context {
    EVP_MAC_CTX *mac;
    uint8_t key[HMAC_KEY_BYTES];
};

/* One is enough: codes nest two deep, and only while a chain is verified. */
static _Thread_local struct hmac_context *spare;

static struct hmac_context *
context_new(const uint8_t key[HMAC_KEY_BYTES])
{
    struct hmac_context *c = mem_new(1, sizeof(*c));
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                 OSSL_PARAM_END};

    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    c->mac = mac != NULL ? EVP_MAC_CTX_new(mac) : NULL;
    EVP_MAC_free(mac);
    int ok = c->mac != NULL && EVP_MAC_init(c->mac, key, HMAC_KEY_BYTES, params) == 1;
    sluice_assert(ok);
    memcpy(c->key, key, sizeof(c->key));
    return c;
}

static void
context_free(struct hmac_context *c)
{
    if (c == NULL)
        return;
    EVP_MAC_CTX_free(c->mac);
    sodium_memzero(c, sizeof(*c));
    free(c);
}

void
hmac_begin(struct hmac *h, const uint8_t key[HMAC_KEY_BYTES])
{
    struct hmac_context *c = spare;

    spare = NULL;
    if (c != NULL && memcmp(c->key, key, sizeof(c->key)) != 0) {
        context_free(c);
        c = NULL;
    }
    if (c == NULL) {
        c = context_new(key);
    } else {
        int ok = EVP_MAC_init(c->mac, NULL, 0, NULL); /* with the key it has */
        sluice_assert(ok == 1);
    }
    h->context = c;
    h->n = 0;
}

static void
gathered_feed(struct hmac *h)
{
    int ok = EVP_MAC_update(h->context->mac, h->gathered, h->n);

    sluice_assert(ok == 1);
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
    size_t len = 0;

    if (h->n > 0)
        gathered_feed(h);
    int ok = EVP_MAC_final(h->context->mac, ret, &len, HMAC_BYTES);
    sluice_assert(ok == 1 && len == HMAC_BYTES);
    context_free(spare);
    spare = h->context;
    h->context = NULL;
}
