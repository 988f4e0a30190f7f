/* A Reference's members, and the form of a literal one. */
#include "questionnaire/reference.h"

#include <string.h>

#include "base/error.h"
#include "questionnaire/uri.h"

#define RESOURCE_ID_MAX 64

/* Sorted, for a binary search. */
static const char *const resource_types[] = {
#define RESOURCE_TYPE(name) #name,
#include "questionnaire/resource_types.def"
#undef RESOURCE_TYPE
};

bool
resource_type_known(const char *name, size_t len)
{
    size_t low = 0, high = ARRAY_LEN(resource_types);

    while (low < high) {
        size_t mid = (low + high) / 2;
        int order = strncmp(resource_types[mid], name, len);
        if (order == 0 && resource_types[mid][len] != '\0')
            order = 1;
        if (order == 0)
            return true;
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return false;
}

static bool
resource_id_check(const char *text, size_t len)
{
    if (len == 0 || len > RESOURCE_ID_MAX)
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!plain && c != '-' && c != '.')
            return false;
    }
    return true;
}

/* Takes the last segment off [text, *end). */
static const char *
segment_take(const char *text, const char **end, size_t *ret_len)
{
    const char *at = *end;

    while (at > text && at[-1] != '/')
        at--;
    *ret_len = (size_t)(*end - at);
    *end = at > text ? at - 1 : text;
    return at;
}

bool
reference_check(const char *text, size_t len, const char **ret_type, size_t *ret_type_len)
{
    const char *end = text + len;
    size_t id_len, type_len;

    *ret_type = NULL;
    *ret_type_len = 0;
    if (len > 0 && text[0] == '#')
        return resource_id_check(text + 1, len - 1);
    if (len >= 4 && strncasecmp(text, "urn:", 4) == 0)
        return uri_is_uuid(text, len);
    if (len == 0 || text[0] == '/' || !uri_check(text, len) || memchr(text, '#', len) != NULL ||
        memchr(text, '?', len) != NULL)
        return false;
    const char *id = segment_take(text, &end, &id_len);
    const char *type = segment_take(text, &end, &type_len);
    if (type_len == 8 && memcmp(type, "_history", 8) == 0) {
        if (!resource_id_check(id, id_len))
            return false;
        id = segment_take(text, &end, &id_len);
        type = segment_take(text, &end, &type_len);
    }
    if (id == text || !resource_id_check(id, id_len) || !resource_type_known(type, type_len))
        return false;
    /* What stands before the type is an absolute base. */
    if (type > text && !uri_has_scheme(text, len))
        return false;
    *ret_type = type;
    *ret_type_len = type_len;
    return true;
}

bool
reference_read(const struct mp_value *v, struct mp_cursor inside, struct reference *ret)
{
    bool identifier = false;

    *ret = (struct reference){0};
    if (v->type != MP_MAP)
        return false;
    for (uint32_t i = 0; i < v->len; i++) {
        struct mp_value key, value;
        struct span *part = NULL;
        if (mp_next(&inside, &key) != MP_OK)
            return false;
        struct mp_cursor at = inside;
        if (mp_skip(&inside) != MP_OK || mp_next(&at, &value) != MP_OK)
            return false;
        if (mp_is_str(&key, "reference"))
            part = &ret->reference;
        else if (mp_is_str(&key, "type"))
            part = &ret->type;
        else if (mp_is_str(&key, "identifier"))
            identifier = value.type == MP_MAP && value.len > 0;
        else if (!(mp_is_str(&key, "display") || mp_is_str(&key, "id") ||
                   mp_is_str(&key, "extension")))
            return false;
        if (part == NULL)
            continue;
        if (value.type != MP_STR || value.len == 0)
            return false;
        *part = (struct span){(const char *)value.at, value.len};
    }
    return ret->reference.at != NULL || identifier;
}
