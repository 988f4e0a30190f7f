/* One fixed block of numbers and lengths, then the texts one behind another: no two rows read the
 * same, and the hash is fed few times. */
#include "store/audit_data.h"

#include <endian.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define NULL_LENGTH UINT64_MAX
#define EXACT_US ((int64_t)1 << 53) /* up to here a double holds microseconds exactly */

_Static_assert(AUDIT_DATA_BYTES == 16, "as long as the page says");

static const uint8_t purpose_1[crypto_generichash_blake2b_PERSONALBYTES] = "sluice data 1";
static const uint8_t purpose_2[crypto_generichash_blake2b_PERSONALBYTES] = "sluice data 2";

/* Bits of the second form's "bits". */
enum { IS_VOID = 1, NO_START = 2, NO_SENT = 4, NO_SKEW = 8 };

uint64_t
audit_data_skew(int64_t us)
{
    char text[32];
    double seconds;
    uint64_t bits;

    if (us == TIME_NONE)
        return AUDIT_SKEW_NONE;
    if (us <= EXACT_US && us >= -EXACT_US) {
        seconds = (double)us / 1e6;
    } else { /* two roundings would not give the nearest, which PostgreSQL takes */
        uint64_t size = us < 0 ? -(uint64_t)us : (uint64_t)us;
        snprintf(text, sizeof(text), "%s%" PRIu64 ".%06" PRIu64, us < 0 ? "-" : "", size / 1000000,
                 size % 1000000);
        seconds = strtod(text, NULL);
    }
    memcpy(&bits, &seconds, sizeof(bits));
    return bits;
}

static uint64_t
text_length(struct slice text)
{
    return htole64(text.at != NULL ? text.len : NULL_LENGTH);
}

static void
mac_make(const struct audit_key *key, const uint8_t *purpose, const void *head, size_t head_bytes,
         const struct slice *texts, size_t n, const struct slice answers[3], uint8_t *ret_mac)
{
    crypto_generichash_blake2b_state state;

    crypto_generichash_blake2b_init_salt_personal(&state, key->bytes, sizeof(key->bytes),
                                                  AUDIT_DATA_BYTES, NULL, purpose);
    crypto_generichash_blake2b_update(&state, head, head_bytes);
    for (size_t i = 0; i < n; i++) {
        if (texts[i].at != NULL && texts[i].len > 0)
            crypto_generichash_blake2b_update(&state, texts[i].at, texts[i].len);
    }
    for (size_t i = 0; i < 3; i++) {
        if (answers[i].len > 0)
            crypto_generichash_blake2b_update(&state, answers[i].at, answers[i].len);
    }
    crypto_generichash_blake2b_final(&state, ret_mac, AUDIT_DATA_BYTES);
}

void
audit_data_mac(const struct audit_key *key, const struct audit_data *d,
               uint8_t ret_mac[AUDIT_DATA_BYTES])
{
    const struct slice texts[] = {
        d->study,         d->subject,    d->questionnaire, d->version,      d->status,   d->site,
        d->authored_zone, d->time_zone,  d->visit,         d->occasion,     d->language, d->flags,
        d->source,        d->originator, d->device,        d->device_edits, d->normal,   d->scores,
    };
    struct {
        uint8_t submission[16], broker[16];
        uint64_t epoch, seq, hash_key, revision, bits;
        uint64_t authored_us, received_us, accepted_us, started_us, sent_us, skew;
        uint64_t lengths[ARRAY_LEN(texts)];
    } head;
    bool started = d->started_us != TIME_NONE, sent = d->sent_us != TIME_NONE;
    bool skewed = d->skew != AUDIT_SKEW_NONE;

    memcpy(head.submission, d->submission.bytes, sizeof(head.submission));
    memcpy(head.broker, d->broker.bytes, sizeof(head.broker));
    head.epoch = htole64(d->epoch);
    head.seq = htole64(d->seq);
    head.hash_key = htole64(d->hash_key);
    head.revision = htole64((uint64_t)d->revision);
    head.bits = htole64((d->is_void ? IS_VOID : 0) | (started ? 0 : NO_START) |
                        (sent ? 0 : NO_SENT) | (skewed ? 0 : NO_SKEW));
    head.authored_us = htole64((uint64_t)d->authored_us);
    head.received_us = htole64((uint64_t)d->received_us);
    head.accepted_us = htole64((uint64_t)d->accepted_us);
    head.started_us = htole64(started ? (uint64_t)d->started_us : 0);
    head.sent_us = htole64(sent ? (uint64_t)d->sent_us : 0);
    head.skew = htole64(skewed ? d->skew : 0);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        head.lengths[i] = text_length(texts[i]);
    mac_make(key, purpose_2, &head, sizeof(head), texts, ARRAY_LEN(texts), d->answers, ret_mac);
}

void
audit_data_mac_1(const struct audit_key *key, const struct audit_data *d,
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

    memcpy(head.submission, d->submission.bytes, sizeof(head.submission));
    head.revision = htole64((uint64_t)d->revision);
    head.is_void = htole64(d->is_void);
    head.authored_us = htole64((uint64_t)d->authored_us);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        head.lengths[i] = text_length(texts[i]);
    mac_make(key, purpose_1, &head, sizeof(head), texts, ARRAY_LEN(texts), d->answers, ret_mac);
}
