/* Reads WELCOME and ERROR, and names codes for those who link against the library. */
#include "client/lib/welcome.h"

#include <string.h>

#include "client/lib/sluice.h"
#include "schemas/wire/mp.h"

#define HEARTBEAT_LEAST_US 1000
#define TIME_MOST_US ((uint64_t)3600 * 1000000)

bool
welcome_read(const struct message *m, struct welcome *ret_welcome)
{
    struct welcome w = {0};
    uint64_t heartbeat_us, lease_us = 0, window_messages = 0;
    size_t size;
    const uint8_t *header = message_frame(m, 2, &size);
    struct mp_value broker;

    if (!mp_find(header, size, "broker", &broker, NULL) || broker.type != MP_BIN ||
        broker.len != sizeof(w.broker))
        return false;
    if (!mp_find_uint(header, size, "epoch", &w.epoch) ||
        !mp_find_uint(header, size, "heartbeat_us", &heartbeat_us))
        return false;
    mp_find_uint(header, size, "lease_us", &lease_us);
    mp_find_uint(header, size, "max_record_bytes", &w.max_record_bytes);
    mp_find_uint(header, size, "window_messages", &window_messages);
    mp_find_uint(header, size, "window_bytes", &w.window_bytes);
    if (heartbeat_us < HEARTBEAT_LEAST_US || heartbeat_us > TIME_MOST_US || lease_us > TIME_MOST_US)
        return false;
    memcpy(w.broker, broker.at, sizeof(w.broker));
    w.heartbeat_us = (int64_t)heartbeat_us;
    w.lease_us = (int64_t)lease_us;
    w.window_messages = window_messages < UINT32_MAX ? (uint32_t)window_messages : UINT32_MAX;
    *ret_welcome = w;
    return true;
}

bool
fault_read(const struct message *m, struct fault_text *ret_fault)
{
    struct fault_text f = {.detail = ""};
    size_t size;
    const uint8_t *header = message_frame(m, 2, &size);

    if (!mp_find_str(header, size, "code", &f.code, &f.code_len))
        return false;
    mp_find_str(header, size, "detail", &f.detail, &f.detail_len);
    *ret_fault = f;
    return true;
}

const char *
sluice_outcome_text(unsigned code)
{
    return outcome_text(code);
}

const char *
sluice_refusal_text(unsigned code)
{
    return refusal_text(code);
}
