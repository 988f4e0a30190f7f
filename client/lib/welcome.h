/* The headers that both sides read: WELCOME and ERROR. Inner header of client/lib. */
#ifndef SLUICE_CLIENT_LIB_WELCOME_H
#define SLUICE_CLIENT_LIB_WELCOME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schemas/wire/message.h"

struct welcome {
    uint8_t broker[16];
    uint64_t epoch;
    int64_t heartbeat_us;
    /* 0 where the endpoint does not say them */
    int64_t lease_us;
    uint64_t max_record_bytes;
    uint32_t window_messages;
    uint64_t window_bytes;
};

struct fault_text {
    const char *code, *detail;
    size_t code_len, detail_len;
};

/* false: a key is missing or out of range. */
bool welcome_read(const struct message *m, struct welcome *ret_welcome);
/* The texts point into m. */
bool fault_read(const struct message *m, struct fault_text *ret_fault);

#endif
