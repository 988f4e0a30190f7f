/* See webhook.h; libsodium's HMAC-SHA-256 takes a key of any length. */
#include "workers/notifications/webhook.h"

#include <inttypes.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

#define PREFIX "whsec_"

static const char *
event_type(const struct delivery_claimed *d)
{
    if (strcmp(d->kind, "canary") == 0)
        return "alert.canary";
    if (d->step > 0)
        return "alert.escalated";
    return strcmp(d->kind, "unevaluated") == 0 ? "alert.unevaluated" : "alert.raised";
}

static int
body_take(const char *text, size_t size, void *arg)
{
    return buf_append(arg, text, size) == BUF_OK ? 0 : -1;
}

int
webhook_body(const struct delivery_claimed *d, struct buf *body)
{
    char alert[UUID_TEXT_SIZE], submission[UUID_TEXT_SIZE], raised[CLOCK_TEXT_SIZE];

    buf_clear(body);
    uuid_format(&d->alert, alert);
    clock_format(d->raised_us, raised);
    json_t *data = json_pack("{s:s, s:s, s:s, s:b}", "alertId", alert, "study", d->study,
                             "severity", d->severity, "provisional", d->provisional ? 1 : 0);
    if (*d->subject != '\0')
        json_object_set_new(data, "subjectId", json_string(d->subject));
    if (d->has_submission) {
        uuid_format(&d->submission, submission);
        json_object_set_new(data, "submissionId", json_string(submission));
    }
    json_t *all =
        json_pack("{s:s, s:s, s:o}", "type", event_type(d), "timestamp", raised, "data", data);
    int full = json_dump_callback(all, body_take, body, JSON_COMPACT) == 0 ? BUF_OK : BUF_FULL;
    json_decref(all);
    return full;
}

/* One line's secret into key; 0: it is none. */
static size_t
key_read(const char *line, size_t len, uint8_t key[WEBHOOK_KEY_MAX])
{
    size_t prefix = strlen(PREFIX), size = 0;
    const char *end = NULL;

    if (len < prefix || memcmp(line, PREFIX, prefix) != 0 ||
        sodium_base642bin(key, WEBHOOK_KEY_MAX, line + prefix, len - prefix, NULL, &size, &end,
                          sodium_base64_VARIANT_ORIGINAL) != 0 ||
        end != line + len || size < WEBHOOK_KEY_MIN)
        return 0;
    return size;
}

/* Appends " v1,…" (without the space at the beginning). */
static void
signature_add(const uint8_t *key, size_t key_size, const char *head, const struct buf *body,
              char *ret_signatures)
{
    crypto_auth_hmacsha256_state state;
    uint8_t mac[crypto_auth_hmacsha256_BYTES];
    char text[sodium_base64_ENCODED_LEN(sizeof(mac), sodium_base64_VARIANT_ORIGINAL)];
    size_t at = strlen(ret_signatures);

    crypto_auth_hmacsha256_init(&state, key, key_size);
    crypto_auth_hmacsha256_update(&state, (const uint8_t *)head, strlen(head));
    crypto_auth_hmacsha256_update(&state, body->data, body->size);
    crypto_auth_hmacsha256_final(&state, mac);
    sodium_bin2base64(text, sizeof(text), mac, sizeof(mac), sodium_base64_VARIANT_ORIGINAL);
    snprintf(ret_signatures + at, WEBHOOK_SIGNATURES_SIZE - at, "%sv1,%s", at > 0 ? " " : "", text);
}

bool
webhook_sign(const char *secrets, const char *id, int64_t timestamp_s, const struct buf *body,
             char ret_signatures[WEBHOOK_SIGNATURES_SIZE])
{
    uint8_t key[WEBHOOK_KEY_MAX];
    char head[UUID_TEXT_SIZE + 32];
    unsigned n = 0;
    bool good = true;

    *ret_signatures = '\0';
    snprintf(head, sizeof(head), "%s.%" PRId64 ".", id, timestamp_s);
    while (*secrets != '\0' && good) {
        size_t len = strcspn(secrets, "\r\n");
        if (len > 0 && *secrets != '#') {
            size_t size = n < WEBHOOK_SECRETS_MAX ? key_read(secrets, len, key) : 0;
            good = size > 0;
            if (good)
                signature_add(key, size, head, body, ret_signatures);
            n++;
        }
        secrets += len + (secrets[len] != '\0');
    }
    sodium_memzero(key, sizeof(key));
    return good && n > 0;
}
