/* UUIDs as 16 bytes: text both ways, random ones, and version 8 made of a hash (RFC 9562). */
#ifndef SLUICE_BASE_UUID_H
#define SLUICE_BASE_UUID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UUID_TEXT_SIZE 37

struct uuid {
    uint8_t bytes[16];
};

/* Accepts 36 characters in either case; returns false for anything else. */
bool uuid_parse(const char *text, size_t len, struct uuid *ret_uuid);
/* Lower case, NUL-terminated. */
void uuid_format(const struct uuid *u, char ret_text[UUID_TEXT_SIZE]);
void uuid_random(struct uuid *ret_uuid);
/* Takes the first 16 bytes of a hash and stamps version 8 and the RFC variant into them. */
void uuid_v8_from_hash(const uint8_t hash[16], struct uuid *ret_uuid);
bool uuid_equal(const struct uuid *a, const struct uuid *b);

#endif
