/* One fixed block of numbers and lengths, then the texts one behind another: no two rows read the
 * same, and the hash is fed few times. */
#include "store/audit_data.h"

#include <endian.h>
#include <sodium.h>
#include <string.h>

#include "base/error.h"

#define NULL_LENGTH UINT64_MAX

_Static_assert(AUDIT_DATA_BYTES == 16, "as long as the page says");

static const uint8_t purpose[crypto_generichash_blake2b_PERSONALBYTES] = "sluice data 1";

void
audit_data_mac(const struct audit_key *key, const struct audit_data *d,
               uint8_t ret_mac[AUDIT_DATA_BYTES])
{
    const struct slice texts[] = {d->study,   d->subject,  d->questionnaire,
                                  d->version, d->status,   d->authored_zone,
                                  d->visit,   d->occasion, d->scores};
    struct {
        uint8_t submission[16];
        uint64_t revision, is_void, authored_us;
        uint64_t lengths[ARRAY_LEN(texts)];
    } head;
    crypto_generichash_blake2b_state state;

    memcpy(head.submission, d->submission.bytes, sizeof(head.submission));
    head.revision = htole64((uint64_t)d->revision);
    head.is_void = htole64(d->is_void);
    head.authored_us = htole64((uint64_t)d->authored_us);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        head.lengths[i] = htole64(texts[i].at != NULL ? texts[i].len : NULL_LENGTH);
    crypto_generichash_blake2b_init_salt_personal(&state, key->bytes, sizeof(key->bytes),
                                                  AUDIT_DATA_BYTES, NULL, purpose);
    crypto_generichash_blake2b_update(&state, (const uint8_t *)&head, sizeof(head));
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (texts[i].at != NULL && texts[i].len > 0)
            crypto_generichash_blake2b_update(&state, (const uint8_t *)texts[i].at, texts[i].len);
    }
    for (size_t i = 0; i < ARRAY_LEN(d->answers); i++) {
        if (d->answers[i].len > 0)
            crypto_generichash_blake2b_update(&state, d->answers[i].at, d->answers[i].len);
    }
    crypto_generichash_blake2b_final(&state, ret_mac, AUDIT_DATA_BYTES);
}
