/* Content-Type, read no further than we need it. */
#include "client/edge/media.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

static bool
text_begins(const char *s, size_t len, const char *text)
{
    return len >= strlen(text) && strncasecmp(s, text, strlen(text)) == 0;
}

/* One parameter without the space around it, its value maybe in quotes. */
static bool
parameter_is(const char *s, size_t len, const char *name, const char *wanted)
{
    if (!text_begins(s, len, name))
        return false;
    s += strlen(name);
    len -= strlen(name);
    if (len >= 2 && *s == '"' && s[len - 1] == '"') {
        s++;
        len -= 2;
    }
    return len == strlen(wanted) && strncasecmp(s, wanted, len) == 0;
}

/* All parameters behind the type: what is not known could change what the bytes mean. */
static bool
parameters_are_known(const char *s, size_t len, enum media media)
{
    while (len > 0) {
        if (*s == ' ' || *s == '\t' || *s == ';') {
            s++;
            len--;
            continue;
        }
        const char *stop = memchr(s, ';', len);
        size_t n = stop != NULL ? (size_t)(stop - s) : len, trimmed = n;
        while (trimmed > 0 && (s[trimmed - 1] == ' ' || s[trimmed - 1] == '\t'))
            trimmed--;
        if (!parameter_is(s, trimmed, "charset=", "utf-8") &&
            !(media == MEDIA_TYPE_FHIR && parameter_is(s, trimmed, "fhirVersion=", "4.0")))
            return false;
        s += n;
        len -= n;
    }
    return true;
}

enum media
media_type_of(const char *value, size_t len)
{
    enum media media = MEDIA_TYPE_JSON;
    size_t n = sizeof(MEDIA_JSON) - 1;

    if (!text_begins(value, len, MEDIA_JSON)) {
        media = MEDIA_TYPE_FHIR;
        n = sizeof(MEDIA_FHIR) - 1;
        if (!text_begins(value, len, MEDIA_FHIR))
            return MEDIA_TYPE_OTHER;
    }
    if (len == n)
        return media;
    bool apart = value[n] == ' ' || value[n] == '\t' || value[n] == ';';
    return apart && parameters_are_known(value + n, len - n, media) ? media : MEDIA_TYPE_OTHER;
}
