/* Looks into three members of the resource by name; the rest is skipped over. */
#include "client/edge/fhir_response.h"

#include <string.h>

#include "schemas/wire/mp.h"

#define URN_UUID "urn:uuid:"

enum found { FOUND_NOTHING, FOUND_TEXT, FOUND_OTHER };

/* The string called name in the map that starts at data. */
static enum found
text_find(const uint8_t *data, size_t size, const char *name, struct envelope_text *ret_text)
{
    struct mp_value v;

    if (!mp_find(data, size, name, &v, NULL))
        return FOUND_NOTHING;
    if (v.type != MP_STR || v.len == 0 || v.len > MEMBER_TEXT_MAX)
        return FOUND_OTHER;
    *ret_text = (struct envelope_text){(const char *)v.at, v.len};
    return FOUND_TEXT;
}

/* The bytes of the map called name. */
static enum found
map_find(const uint8_t *data, size_t size, const char *name, const uint8_t **ret_data,
         size_t *ret_size)
{
    struct mp_cursor c = {data, data + size}, inside;
    struct mp_value map, key, v;

    if (mp_next(&c, &map) != MP_OK || map.type != MP_MAP)
        return FOUND_NOTHING;
    for (uint32_t i = 0; i < map.len; i++) {
        if (mp_next(&c, &key) != MP_OK)
            return FOUND_NOTHING;
        const uint8_t *begin = c.at;
        inside = c;
        if (mp_next(&inside, &v) != MP_OK || mp_skip(&c) != MP_OK)
            return FOUND_NOTHING;
        if (!mp_is_str(&key, name))
            continue;
        if (v.type != MP_MAP)
            return FOUND_OTHER;
        *ret_data = begin;
        *ret_size = (size_t)(c.at - begin);
        return FOUND_TEXT;
    }
    return FOUND_NOTHING;
}

/* [base/]Patient/ID, and maybe a version behind it. */
static bool
reference_parse(struct envelope_text text, struct envelope_text *ret_id)
{
    static const char type[] = "Patient/", version[] = "/_history/";
    size_t n = sizeof(type) - 1;

    const char *history = memmem(text.at, text.len, version, sizeof(version) - 1);
    size_t len = history != NULL ? (size_t)(history - text.at) : text.len;
    const char *slash = memrchr(text.at, '/', len);
    if (slash == NULL || (size_t)(slash - text.at) + 1 < n || memcmp(slash + 1 - n, type, n) != 0)
        return false;
    const char *begin = slash + 1 - n;
    if (begin != text.at && begin[-1] != '/')
        return false;
    *ret_id = (struct envelope_text){slash + 1, (uint32_t)(text.at + len - slash - 1)};
    return ret_id->len > 0;
}

static bool
subject_read(const uint8_t *subject, size_t size, struct envelope *envelope,
             struct problem_error *e)
{
    struct envelope_text text, system;
    const uint8_t *identifier;
    size_t identifier_size, prefix = sizeof(FHIR_STUDY_SYSTEM) - 1;

    switch (map_find(subject, size, "identifier", &identifier, &identifier_size)) {
    case FOUND_OTHER:
        return problem_error_set(e, "/subject/identifier", "wrong-type", "must be an object");
    case FOUND_TEXT:
        if (text_find(identifier, identifier_size, "value", &envelope->subject) != FOUND_TEXT)
            return problem_error_set(e, "/subject/identifier/value", "wrong-type",
                                     "must be a string, not empty");
        if (text_find(identifier, identifier_size, "system", &system) == FOUND_TEXT &&
            system.len > prefix && memcmp(system.at, FHIR_STUDY_SYSTEM, prefix) == 0)
            envelope->study =
                (struct envelope_text){system.at + prefix, system.len - (uint32_t)prefix};
        break;
    case FOUND_NOTHING:
        if (text_find(subject, size, "reference", &text) != FOUND_TEXT ||
            !reference_parse(text, &envelope->subject))
            return problem_error_set(e, "/subject/reference", "wrong-type",
                                     "must be Patient/ID, or give the subject an identifier");
        break;
    }
    if (envelope->subject.len > SUBJECT_BYTES_MAX)
        return problem_error_set(e, "/subject", "too-long", "must have 1 to 128 bytes");
    return true;
}

/* The key that the response's business identifier makes. */
static bool
identifier_read(const uint8_t *identifier, size_t size, char key[KEY_CHARACTERS_MAX],
                struct envelope *envelope, struct problem_error *e)
{
    struct envelope_text value, system = {.at = NULL};
    size_t prefix = sizeof(URN_UUID) - 1;
    struct uuid uuid;

    if (text_find(identifier, size, "value", &value) != FOUND_TEXT)
        return problem_error_set(e, "/identifier/value", "wrong-type",
                                 "must be a string, not empty");
    if (text_find(identifier, size, "system", &system) == FOUND_OTHER)
        return problem_error_set(e, "/identifier/system", "wrong-type",
                                 "must be a string, not empty");
    if (value.len > prefix && memcmp(value.at, URN_UUID, prefix) == 0)
        value = (struct envelope_text){value.at + prefix, value.len - (uint32_t)prefix};
    envelope->id = value;
    if (uuid_parse(value.at, value.len, &uuid) || system.at == NULL)
        return true;
    if (system.len + 1 + value.len > KEY_CHARACTERS_MAX)
        return problem_error_set(e, "/identifier", "too-long",
                                 "system and value must have at most 127 characters");
    memcpy(key, system.at, system.len);
    key[system.len] = '|';
    memcpy(key + system.len + 1, value.at, value.len);
    envelope->id = (struct envelope_text){key, system.len + 1 + value.len};
    return true;
}

bool
fhir_response_read(const uint8_t *resource, size_t size, char key[KEY_CHARACTERS_MAX],
                   struct envelope *ret_envelope, struct problem_error *ret_error)
{
    struct envelope envelope = {.subject = {.at = NULL}};
    struct envelope_text text;
    const uint8_t *part = NULL;
    size_t part_size = 0;

    if (size == 0 || *resource != 0xde)
        return problem_error_set(ret_error, "", "body-not-object",
                                 "the body must be a JSON object");
    if (text_find(resource, size, "resourceType", &text) != FOUND_TEXT ||
        text.len != strlen("QuestionnaireResponse") ||
        memcmp(text.at, "QuestionnaireResponse", text.len) != 0)
        return problem_error_set(ret_error, "/resourceType", "resource-type",
                                 "must be QuestionnaireResponse");
    switch (map_find(resource, size, "subject", &part, &part_size)) {
    case FOUND_OTHER:
        return problem_error_set(ret_error, "/subject", "wrong-type", "must be an object");
    case FOUND_TEXT:
        if (!subject_read(part, part_size, &envelope, ret_error))
            return false;
        break;
    case FOUND_NOTHING:
        break;
    }
    switch (map_find(resource, size, "identifier", &part, &part_size)) {
    case FOUND_OTHER:
        return problem_error_set(ret_error, "/identifier", "wrong-type", "must be an object");
    case FOUND_TEXT:
        if (!identifier_read(part, part_size, key, &envelope, ret_error))
            return false;
        break;
    case FOUND_NOTHING:
        break;
    }
    enum found authored = text_find(resource, size, "authored", &text);
    if (authored == FOUND_OTHER)
        return problem_error_set(ret_error, "/authored", "wrong-type",
                                 "must be a string, not empty");
    envelope.has_submit_at = authored == FOUND_TEXT;
    *ret_envelope = envelope;
    return true;
}
