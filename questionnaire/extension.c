#include "questionnaire/extension.h"

#include <string.h>

#include "base/error.h"
#include "questionnaire/literal.h"

const json_t *
extension_next(const json_t *v, const char *url, size_t *at)
{
    const json_t *list = json_object_get(v, "extension");

    while (*at < json_array_size(list)) {
        const json_t *x = json_array_get(list, (*at)++);
        const char *its = literal_text(json_object_get(x, "url"));
        if (its != NULL && strcmp(its, url) == 0)
            return x;
    }
    return NULL;
}

const json_t *
extension_first(const json_t *v, const char *url)
{
    size_t at = 0;

    return extension_next(v, url, &at);
}

size_t
extension_count(const json_t *v, const char *url)
{
    size_t at = 0, n = 0;

    while (extension_next(v, url, &at) != NULL)
        n++;
    return n;
}

const json_t *
extension_value(const json_t *extension)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)extension, key, value)
    {
        if (strncmp(key, "value", 5) == 0)
            return value;
    }
    return NULL;
}

bool
extension_number(const json_t *extension, struct decimal *ret)
{
    const json_t *v = json_object_get(extension, "valueDecimal");

    return literal_number(v != NULL ? v : json_object_get(extension, "valueInteger"), ret);
}

bool
extension_integer(const json_t *extension, int64_t *ret)
{
    static const char *const names[] = {"valueInteger", "valuePositiveInt", "valueUnsignedInt"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const json_t *v = json_object_get(extension, names[i]);
        if (json_is_integer(v)) {
            *ret = json_integer_value(v);
            return true;
        }
    }
    return false;
}

bool
extension_flag(const json_t *extension, bool *ret)
{
    const json_t *v = json_object_get(extension, "valueBoolean");

    if (!json_is_boolean(v))
        return false;
    *ret = json_is_true(v);
    return true;
}

bool
extension_text(const json_t *extension, const char **ret)
{
    static const char *const names[] = {"valueString", "valueCode",      "valueId",
                                        "valueUri",    "valueCanonical", "valueMarkdown"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const char *text = literal_text(json_object_get(extension, names[i]));
        if (text != NULL && *text != '\0') {
            *ret = text;
            return true;
        }
    }
    return false;
}
