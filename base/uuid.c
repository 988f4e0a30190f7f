/* UUID text and bytes. Random ones come from libsodium, which reads the kernel's generator. */
#include "base/uuid.h"

#include <sodium.h>
#include <string.h>

#include "base/bytes16.h"

/* Does a dash stand before byte i? As in 8-4-4-4-12. */
static inline bool
uuid_dash_before(size_t i)
{
    return i == 4 || i == 6 || i == 8 || i == 10;
}

/* Digits as their value plus one; 0: none. */
static const uint8_t hex_digits[256] = {
    ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
    ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

static void
uuid_stamp(struct uuid *u, uint8_t version)
{
    u->bytes[6] = (uint8_t)((u->bytes[6] & 0x0f) | (version << 4));
    u->bytes[8] = (uint8_t)((u->bytes[8] & 0x3f) | 0x80);
}

bool
uuid_parse(const char *text, size_t len, struct uuid *ret_uuid)
{
    struct uuid u;

    if (len != UUID_TEXT_SIZE - 1)
        return false;
    for (size_t i = 0; i < sizeof(u.bytes); i++) {
        if (uuid_dash_before(i) && *text++ != '-')
            return false;
        uint8_t high = hex_digits[(uint8_t)text[0]], low = hex_digits[(uint8_t)text[1]];
        if (high == 0 || low == 0)
            return false;
        u.bytes[i] = (uint8_t)((high - 1) << 4 | (low - 1));
        text += 2;
    }
    *ret_uuid = u;
    return true;
}

void
uuid_format(const struct uuid *u, char ret_text[UUID_TEXT_SIZE])
{
    char digits[32];
    char *at = ret_text;

    bytes16_hex(u->bytes, digits);
    bytes16_hex(u->bytes + 8, digits + 16);
#pragma GCC unroll 16
    for (size_t i = 0; i < sizeof(u->bytes); i++) {
        if (uuid_dash_before(i))
            *at++ = '-';
        memcpy(at, digits + 2 * i, 2);
        at += 2;
    }
    *at = '\0';
}

void
uuid_random(struct uuid *ret_uuid)
{
    randombytes_buf(ret_uuid->bytes, sizeof(ret_uuid->bytes));
    uuid_stamp(ret_uuid, 4);
}

void
uuid_v8_from_hash(const uint8_t hash[16], struct uuid *ret_uuid)
{
    memcpy(ret_uuid->bytes, hash, sizeof(ret_uuid->bytes));
    uuid_stamp(ret_uuid, 8);
}

bool
uuid_equal(const struct uuid *a, const struct uuid *b)
{
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}
