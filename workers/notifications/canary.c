/* The wall clock's interval numbers agree between hosts well enough: whoever is first raises it. */
#include "workers/notifications/canary.h"

#include <sodium.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "schemas/wire/record.h"

void
canary_init(struct canary *c, int64_t interval_us, int64_t now_us)
{
    c->interval_us = interval_us;
    c->due_us = interval_us > 0 ? now_us : INT64_MAX;
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
    *ret_raised = n == STORE_OK && fresh > 0;
    *ret_alert = raise.id;
    return n;
}

int64_t
canary_deadline(const struct canary *c)
{
    return c->due_us;
}
