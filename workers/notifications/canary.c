/* The wall clock's interval numbers agree between hosts well enough: whoever is first raises it. */
#include "workers/notifications/canary.h"

#include <sodium.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "schemas/wire/mp.h"
#include "schemas/wire/record.h"

#define SERVICE "notifications"
#define BODY_MAX 256
#define SEND_US US_PER_S

bool
canary_init(struct canary *c, int64_t interval_us, const char *endpoints,
            const struct seal_keys *keys)
{
    *c = (struct canary){
        .interval_us = interval_us, .due_us = interval_us > 0 ? 0 : INT64_MAX, .keys = keys};
    return *endpoints == '\0' || courier_new(endpoints, "canary", &c->courier) == COURIER_OK;
}

void
canary_deinit(struct canary *c)
{
    courier_free(c->courier);
    c->courier = NULL;
}

/* The message that the follow-up of a submission would be. */
static void
canary_send(struct canary *c, const struct alert_raise *alert, int64_t raised_us)
{
    struct seal_context context = {.service = SERVICE,
                                   .service_len = sizeof(SERVICE) - 1,
                                   .scope = alert->study,
                                   .scope_len = strlen(alert->study),
                                   .id = alert->id};
    uint8_t sealed[BODY_MAX + SEAL_OVERHEAD_BYTES];
    struct buf b;

    buf_init(&b, BODY_MAX);
    int full =
        mp_put_map(&b, 6) | mp_put_cstr(&b, "kind") | mp_put_cstr(&b, "alert") |
        mp_put_cstr(&b, "alert_id") | mp_put_bin(&b, alert->id.bytes, sizeof(alert->id.bytes)) |
        mp_put_cstr(&b, "study") | mp_put_cstr(&b, alert->study) | mp_put_cstr(&b, "rule") |
        mp_put_cstr(&b, alert->rule) | mp_put_cstr(&b, "severity") |
        mp_put_cstr(&b, alert->severity) | mp_put_cstr(&b, "raised_us") | mp_put_int(&b, raised_us);
    sluice_assert(full == BUF_OK);
    seal_close(c->keys, &context, b.data, b.size, sealed);
    struct courier_message m = {.message = {.service = context.service,
                                            .service_len = context.service_len,
                                            .scope = context.scope,
                                            .scope_len = context.scope_len,
                                            .received_us = raised_us,
                                            .body = sealed,
                                            .body_bytes = b.size + SEAL_OVERHEAD_BYTES}};
    memcpy(m.message.id, alert->id.bytes, sizeof(m.message.id));
    courier_deliver(c->courier, &m, 1, false, SEND_US);
    buf_deinit(&b);
}

static void
canary_id(uint64_t number, int64_t interval_us, struct uuid *ret_id)
{
    uint8_t bytes[24] = "canary", hash[16];

    le64_put(bytes + 8, number);
    le64_put(bytes + 16, (uint64_t)interval_us);
    crypto_generichash(hash, sizeof(hash), bytes, sizeof(bytes), NULL, 0);
    uuid_v8_from_hash(hash, ret_id);
}

int
canary_turn(struct canary *c, struct store *store, int64_t now_us, bool *ret_raised,
            struct uuid *ret_alert)
{
    struct alert_raise raise = {
        .study = NOBODY_STUDY, .kind = "canary", .rule = "canary", .severity = "info"};
    int64_t wall_us, late = 0;
    size_t fresh = 0;

    *ret_raised = false;
    if (now_us < c->due_us)
        return STORE_OK;
    wall_us = clock_wall_us();
    c->due_us = now_us + c->interval_us - wall_us % c->interval_us;
    canary_id((uint64_t)(wall_us / c->interval_us), c->interval_us, &raise.id);
    int n = store_alerts_raise(store, &raise, 1, &fresh);
    if (n == STORE_OK && fresh > 0)
        n = store_canaries_late(store, c->interval_us, &late);
    if (late > 0)
        log_event(EVENT_CANARY_LATE, LOG_I("canaries", late));
    *ret_raised = n == STORE_OK && fresh > 0 && c->courier == NULL;
    *ret_alert = raise.id;
    if (n == STORE_OK && fresh > 0 && c->courier != NULL)
        canary_send(c, &raise, wall_us);
    return n;
}

int64_t
canary_deadline(const struct canary *c)
{
    return c->due_us;
}
