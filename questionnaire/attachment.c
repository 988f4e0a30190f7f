#include "questionnaire/attachment.h"

#include <string.h>

#include "questionnaire/uri.h"

/* What six bits a symbol of base64 stands for, or −1. */
static int
base64_bits(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Bytes that base64 stands for; white space may stand between, as FHIR has it. Bits past the last
 * byte must be zero, so that there is one text for one content. */
static bool
base64_measure(struct span s, uint64_t *ret_bytes)
{
    uint64_t symbols = 0, padding = 0;
    int last = 0;

    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i];
        if (c == ' ' || c == '\n' || c == '\r' || c == '\t')
            continue;
        int bits = base64_bits(c);
        if (c == '=') {
            padding++;
        } else if (bits < 0 || padding > 0) {
            return false;
        } else {
            symbols++;
            last = bits;
        }
    }
    if ((symbols + padding) % 4 != 0 || padding > 2 || symbols == 0)
        return false;
    if ((last & (padding == 2 ? 15 : padding == 1 ? 3 : 0)) != 0)
        return false;
    *ret_bytes = symbols * 3 / 4;
    return true;
}

/* The member's place, or NULL; *ret_plain: one that is looked at nowhere. */
static struct span *
member_find(struct attachment *x, const struct mp_value *key, bool *ret_plain)
{
    static const char *const plain[] = {"language", "hash", "title", "creation", "id", "extension"};

    *ret_plain = false;
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
        *ret_plain = *ret_plain || mp_is_str(key, plain[i]);
    if (mp_is_str(key, "contentType"))
        return &x->content_type;
    if (mp_is_str(key, "data"))
        return &x->data;
    return mp_is_str(key, "url") ? &x->url : NULL;
}

bool
attachment_read(const struct mp_value *v, struct mp_cursor inside, struct attachment *ret)
{
    *ret = (struct attachment){0};
    for (uint32_t i = 0; i < v->len; i++) {
        struct mp_value key, value;
        bool plain;
        if (mp_next(&inside, &key) != MP_OK)
            return false;
        struct mp_cursor at = inside;
        if (mp_skip(&inside) != MP_OK || mp_next(&at, &value) != MP_OK)
            return false;
        struct span *part = member_find(ret, &key, &plain);
        if (part != NULL) {
            if (value.type != MP_STR || value.len == 0)
                return false;
            *part = (struct span){(const char *)value.at, value.len};
        } else if (mp_is_str(&key, "size")) {
            ret->has_size = mp_as_uint(&value, &ret->size);
            if (!ret->has_size)
                return false;
        } else if (!plain) {
            return false;
        }
    }
    if (ret->data.at != NULL)
        return ret->content_type.at != NULL && base64_measure(ret->data, &ret->data_bytes);
    return ret->url.at != NULL && uri_check(ret->url.at, ret->url.len);
}

bool
mime_type_matches(struct span type, const char *pattern)
{
    const char *end = memchr(type.at, ';', type.len);
    size_t len = end != NULL ? (size_t)(end - type.at) : type.len, n = strlen(pattern);

    while (len > 0 && type.at[len - 1] == ' ')
        len--;
    if (n >= 2 && strcmp(pattern + n - 2, "/*") == 0)
        return len > n - 1 && strncasecmp(type.at, pattern, n - 1) == 0;
    return len == n && strncasecmp(type.at, pattern, n) == 0;
}
