/* Parses key files. Copies of keys live only where the caller wants them: the file's bytes are
 * wiped by secret_free, the line scan works in them. */
#include "schemas/wire/key_file.h"

#include <ctype.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/secret.h"

#define KEY_FILE_MAX_BYTES ((size_t)64 * 1024)

static int
why(char **ret_why, const char *path, size_t line, const char *rule)
{
    int n = line > 0 ? asprintf(ret_why, "%s:%zu: %s", path, line, rule)
                     : asprintf(ret_why, "%s: %s", path, rule);

    sluice_assert(n >= 0);
    return 1;
}

static const char *
blanks_skip(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\r'))
        p++;
    return p;
}

/* Returns the broken rule, or NULL. */
static const char *
line_parse(const char *p, const char *end, struct key *ret_key)
{
    uint64_t id = 0;
    size_t hex_len = 0;
    const char *start = p;

    for (; p < end && isdigit((unsigned char)*p) && id <= UINT32_MAX; p++)
        id = id * 10 + (uint64_t)(*p - '0');
    if (p == start || id == 0 || id > UINT32_MAX || (p < end && *p != ' ' && *p != '\t'))
        return "a key id is a number from 1 to 4294967295, then a blank and the key";
    p = blanks_skip(p, end);
    while (p + hex_len < end && isxdigit((unsigned char)p[hex_len]))
        hex_len++;
    if (hex_len != 2 * (size_t)KEY_BYTES || blanks_skip(p + hex_len, end) != end)
        return "a key is 64 hexadecimal digits";
    ret_key->id = (uint32_t)id;
    sodium_hex2bin(ret_key->bytes, KEY_BYTES, p, hex_len, NULL, NULL, NULL);
    return NULL;
}

static const char *
key_add(struct key *keys, size_t max, size_t *n, const char *p, const char *end)
{
    if (*n == max)
        return "there are too many keys";
    const char *rule = line_parse(p, end, &keys[*n]);
    if (rule != NULL)
        return rule;
    for (size_t i = 0; i < *n; i++) {
        if (keys[i].id == keys[*n].id)
            return "this key id was given before";
    }
    ++*n;
    return NULL;
}

int
key_file_load(const char *path, struct key *ret_keys, size_t max, size_t *ret_n, char **ret_why)
{
    struct secret secret = {0};
    size_t n = 0, line = 0;
    const char *rule = NULL;

    int r = secret_read(path, KEY_FILE_MAX_BYTES, &secret);
    if (r != SECRET_OK)
        return why(ret_why, path, 0, r < 0 ? strerror(-r) : secret_outcome_text(r));
    const char *p = (const char *)secret.data, *file_end = p + secret.size;
    while (p < file_end && rule == NULL) {
        const char *newline = memchr(p, '\n', (size_t)(file_end - p));
        const char *end = newline != NULL ? newline : file_end;
        line++;
        p = blanks_skip(p, end);
        if (p < end && *p != '#')
            rule = key_add(ret_keys, max, &n, p, end);
        p = newline != NULL ? newline + 1 : file_end;
    }
    secret_free(&secret);
    if (rule != NULL)
        return why(ret_why, path, line, rule);
    if (n == 0)
        return why(ret_why, path, 0, "there is no key in it");
    *ret_n = n;
    return 0;
}
