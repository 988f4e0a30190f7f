/* UUID text and bytes. Random ones come from libsodium, which reads the kernel's generator. */
#include "base/uuid.h"

#include <sodium.h>
#include <string.h>

/* Where the dashes stand in 8-4-4-4-12. */
static bool
uuid_dash_at(size_t i)
{
    return i == 8 || i == 13 || i == 18 || i == 23;
}

static int
hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static void
uuid_stamp(struct uuid *u, uint8_t version)
{
    u->bytes[6] = (uint8_t)((u->bytes[6] & 0x0f) | (version << 4));
    u->bytes[8] = (uint8_t)((u->bytes[8] & 0x3f) | 0x80);
}

bool
uuid_parse(const char *text, size_t len, struct uuid *ret_uuid)
{
    struct uuid u = {{0}};
    size_t nibble = 0;

    if (len != UUID_TEXT_SIZE - 1)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (uuid_dash_at(i)) {
            if (text[i] != '-')
                return false;
            continue;
        }
        int value = hex_value(text[i]);
        if (value < 0)
            return false;
        u.bytes[nibble / 2] = (uint8_t)(u.bytes[nibble / 2] << 4 | value);
        nibble++;
    }
    *ret_uuid = u;
    return true;
}

void
uuid_format(const struct uuid *u, char ret_text[UUID_TEXT_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    char *at = ret_text;

    for (size_t i = 0; i < sizeof(u->bytes); i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *at++ = '-';
        *at++ = digits[u->bytes[i] >> 4];
        *at++ = digits[u->bytes[i] & 0x0f];
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
