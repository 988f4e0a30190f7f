/* The form seal keys and the identity key have in their files: one "ID HEX64" a line, ID
 * 1…4294967295, blank lines and # comments skipped. Inner header of schemas/wire. */
#ifndef SLUICE_SCHEMAS_WIRE_KEY_FILE_H
#define SLUICE_SCHEMAS_WIRE_KEY_FILE_H

#include <stddef.h>
#include <stdint.h>

#define KEY_BYTES 32

struct key {
    uint32_t id;
    uint8_t bytes[KEY_BYTES];
};

/* Reads the secret file path: 1…max keys, ids all different. Returns 0, else 1 with *ret_why a
 * malloc'd text that names file, line and rule and holds nothing secret. The caller wipes ret_keys.
 */
int key_file_load(const char *path, struct key *ret_keys, size_t max, size_t *ret_n,
                  char **ret_why);

#endif
